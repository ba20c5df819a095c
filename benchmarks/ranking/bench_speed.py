"""Time the ranking and the memory it takes, each step in a process of its own, against the targets it must meet.

    PYTHONPATH=workflow/scripts python benchmarks/ranking/bench_speed.py [--only maps | method2 | epoch] [--threads 2]

Three parts, each with both sides of its comparison in one run:

maps      synthetic maps of 100 networks x 500 regions x 200 bp: rule A*, the whole panel; and of 1,000 networks
          that lie on disk and are read one at a time.
method2   ACME's Method 2 on one set of maps, against its published steps written as plain Python loops (float64, the
          same numbers to 9 digits, which is checked).
epoch     (processor time of one thread, so that other work on the machine changes neither side)
          what the panel of one candidate costs (its validation maps, those of shuffled regions, its probes) against
          one epoch of its own training, for each architecture, on simulated data of the demo's size.

extra_mb is the largest anonymous memory of the process above what it had with the maps in its hands: pages of mapped
files, which the system can drop, do not count.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd

RESULTS = Path(__file__).resolve().parents[1] / "results" / "ranking_speed.tsv"
SIZE = {"networks": 100, "regions": 500, "length": 200}
COLUMNS = ["step", "networks", "regions", "length", "seconds", "cpu_seconds", "extra_mb", "seconds_per_network"]
COLUMNS += ["maps_cpu_seconds", "probes_cpu_seconds", "against", "against_seconds", "against_cpu_seconds", "times"]
COLUMNS += ["share", "target", "load", "note"]
MANY = {"networks": 1000, "regions": 500, "length": 200}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = {"maps": bench_maps, "method2": bench_method2, "epoch": bench_epoch}
    parser.add_argument("--only", choices=parts)
    parser.add_argument("--architecture", choices=ARCHITECTURES, help="with --only epoch: this one alone")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(arguments.threads)
    rows = []
    for name, part in parts.items():
        if arguments.only in (None, name):
            rows += part(arguments.architecture) if part is bench_epoch else part()
    if arguments.only and RESULTS.is_file():
        made = {row["step"] for row in rows}
        before = pd.read_csv(RESULTS, sep="\t", dtype=object).to_dict("records")
        rows = [row for row in before if row["step"] not in made] + rows
    frame = pd.DataFrame(rows)
    frame.reindex(columns=COLUMNS).to_csv(RESULTS, sep="\t", index=False)


def alone(function, *arguments) -> dict:
    """Run a function in a fresh process and return its result."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


class Meter:
    """Seconds, processor seconds and the rise of anonymous memory while its block runs."""

    def __enter__(self):
        self._stop, self._highest, self._before = threading.Event(), 0, anonymous_mb()
        self._watch = threading.Thread(target=self._sample, daemon=True)
        self._watch.start()
        self._start, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_):
        seconds, cpu = time.perf_counter() - self._start, time.process_time() - self._cpu
        self._stop.set()
        self._watch.join()
        extra = max(self._highest - self._before, 0)
        self.measured = {"seconds": round(seconds, 2), "cpu_seconds": round(cpu, 2), "extra_mb": round(extra)}

    def _sample(self):
        while not self._stop.wait(0.02):
            self._highest = max(self._highest, anonymous_mb())


def anonymous_mb() -> float:
    """Resident memory of this process that is not of a file, MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    return math.nan


def told(row: dict) -> dict:
    """Print a row, with the load of the machine: what else runs lengthens seconds, and hardly cpu_seconds."""
    row = row | {"load": round(os.getloadavg()[0], 1)}
    print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    return row


# --- synthetic maps -----------------------------------------------------------------------------------------------


def quality_falls(networks: int, regions: int, length: int):
    """Yield the sequences, then one network's maps after the other: a shared sparse truth plus growing noise."""
    from lucidna.sequence import one_hot_numpy

    rng = np.random.default_rng(0)
    yield one_hot_numpy(rng.integers(0, 4, (regions, length)).astype(np.uint8))
    truth = rng.standard_normal((regions, 4, length), dtype=np.float32) * (rng.random((regions, 1, length)) < 0.15)
    for index in range(networks):
        noise = rng.standard_normal(truth.shape, dtype=np.float32)
        yield truth + np.float32(0.1 + index / networks) * noise


def rule_a(maps, onehot):
    """Everything that rule A* needs: seed scores, consensus cosine, SNR and AUROC."""
    from lucidna.ranking.bootstrap import weighted_mean
    from lucidna.ranking.consensus import consensus
    from lucidna.ranking.prepare import MapSet
    from lucidna.ranking.recurrence import sl_con

    prepared = MapSet(list(maps), onehot)
    seeds = [weighted_mean(*sl_con(prepared.corrected(index), onehot)) for index in range(len(prepared))]
    consensus(prepared, np.array(seeds, dtype=float))


def whole_panel(maps, onehot):
    """All criteria with their nulls and 500 bootstrap samples, the verdict included."""
    from lucidna.ranking.panel import rank_candidates

    rank_candidates(list(maps), onehot, bootstraps=500)


STEPS = {"rule A*, seed scores included": rule_a, "whole panel, 500 bootstraps": whole_panel}


def time_in_memory(step: str, size: dict) -> dict:
    first, *maps = quality_falls(**size)
    small = {**size, "networks": 4, "regions": 30}
    warm, *few = quality_falls(**small)
    STEPS[step](few, warm)  # compiled functions are loaded before the clock starts
    with Meter() as meter:
        STEPS[step](maps, first)
    return meter.measured


def time_on_disk(step: str, size: dict) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        made = quality_falls(**size)
        onehot = next(made)
        for index, array in enumerate(made):
            np.save(Path(folder) / f"{index}.npy", array)
        maps = [np.load(Path(folder) / f"{index}.npy", mmap_mode="r") for index in range(size["networks"])]
        with Meter() as meter:
            STEPS[step](maps, onehot)
        return meter.measured


def bench_maps() -> list[dict]:
    a_star, panel = STEPS
    rows = []
    for step, size, run, target in (
        (a_star, SIZE, time_in_memory, "5 s, 1024 MB"),
        (panel, SIZE, time_in_memory, "5 s per network"),
        (a_star, MANY, time_on_disk, "memory does not grow with the networks"),
    ):
        measured = alone(run, step, size)
        where = "maps on disk" if run is time_on_disk else "maps in memory"
        row = {"step": f"{step}; {where}", **size, **measured, "target": target}
        rows.append(told(row | {"seconds_per_network": round(measured["seconds"] / size["networks"], 3)}))
    return rows


# --- ACME's Method 2 in loops --------------------------------------------------------------------------------------


def method2_in_loops(maps: list, *, window: int, cutoff: float, basis: list) -> float:
    """Follow the published steps one number at a time; `maps` is nested lists (N, 4, L), `basis` (3, 4)."""
    n, length, points = len(maps), len(maps[0][0]), []
    for sequence in maps:
        columns = []
        for position in range(length):
            column = [sequence[base][position] for base in range(4)]
            mean = sum(column) / 4
            columns.append([value - mean for value in column])
        total = sum(math.sqrt(sum(value * value for value in column)) for column in columns)
        columns = [[value / total for value in column] for column in columns]
        for position in range(length):
            summed = [0.0, 0.0, 0.0, 0.0]
            for step in range(window):
                column = columns[(position + step) % length]
                for base in range(4):
                    summed[base] += column[base]
            points.append([sum(axis[base] * summed[base] for base in range(4)) for axis in basis])
    radii = [math.sqrt(x * x + y * y + z * z) for x, y, z in points]
    limit = sorted(radii)[-int(cutoff * n * length)]
    box, bins = 0.1, 31
    histogram = [[0.0] * bins for _ in range(bins)]
    for (e1, e2, e3), radius in zip(points, radii, strict=True):
        if radius > limit:
            phi = math.atan2(e3, e2) / 2 + math.pi / 2
            theta = math.acos(max(-1.0, min(1.0, e1 / radius)))
            histogram[min(int(phi / box), bins - 1)][min(int(theta / box), bins - 1)] += radius * radius
    total = sum(sum(row) for row in histogram)
    pdf = [[value / total / box**2 for value in row] for row in histogram]
    divergence = 0.0
    for i in range(1, bins - 1):
        for j in range(1, bins - 1):
            near = [
                pdf[a][b]
                for a in range(max(i - 3, 1), min(i + 3, bins))
                for b in range(max(j - 3, 1), min(j + 3, bins))
            ]
            if pdf[i][j] > 0:
                divergence += pdf[i][j] * math.log(pdf[i][j] / (sum(near) / len(near))) * box**2
    return divergence


def time_method2() -> dict:
    from lucidna.ranking.spherical import BASES, spherical_consistency

    _, maps = quality_falls(1, SIZE["regions"], SIZE["length"])
    lists = maps.astype(np.float64).tolist()
    result = {}
    for basis in ("orthonormal", "acme2022"):
        fast, slow = [], []
        for _ in range(3):  # by turns, so that other work on the machine slows both
            start = time.process_time()
            by_loops = method2_in_loops(lists, window=3, cutoff=0.1, basis=BASES[basis].tolist())
            slow.append(time.process_time() - start)
            for _ in range(5):
                start = time.process_time()
                value = spherical_consistency(maps, window=3, cutoff=0.1, basis=basis).kld
                fast.append(time.process_time() - start)
        if not math.isclose(value, by_loops, rel_tol=1e-9):
            raise SystemExit(f"{basis}: the library gives {value!r}, the loops {by_loops!r}")
        result[basis] = {"fast": float(np.median(fast)), "slow": float(np.median(slow)), "value": value}
    return result


def bench_method2() -> list[dict]:
    rows = []
    for basis, found in alone(time_method2).items():
        row = {"step": f"ACME Method 2, {basis}, its interval included", **SIZE, "networks": 1}
        row |= {"cpu_seconds": round(found["fast"], 4), "against": "plain loops, without interval"}
        row |= {"against_cpu_seconds": round(found["slow"], 3), "times": round(found["slow"] / found["fast"], 1)}
        rows.append(told(row | {"target": "100 times"}))
    return rows


# --- one epoch of training -----------------------------------------------------------------------------------------

WINDOW = {"input": 256, "output": 200, "jitter": 16}
ARCHITECTURES = {"cnn_shallow": "counts", "cnn_deep": "counts", "bpnet": "profile"}
"""Architecture -> target: every network is explained at the counts, as the ranking does by default."""


def simulated_dataset(folder: Path, target: str) -> None:
    """Write the data set of the demo, with one fold."""
    from lucidna.dataset_files import write_dataset
    from lucidna.files import write_tsv
    from lucidna.folds import assign
    from lucidna.genome import open_genome
    from lucidna.prepare import prepare_regions
    from lucidna.simulate import simulate
    from lucidna.tracks import read_sheet

    made = folder / "simulate"
    sizes = {"chr1": 500_000, "chr2": 400_000, "chr3": 300_000, "chr4": 300_000}
    simulate(made, seed=1, chromosomes=sizes, peaks=2000, difficulty="standard")
    (folder / "tracks.tsv").write_text(f"name\tbigwig\naccessibility\t{made / 'accessibility.bw'}\n")
    genome, tracks = open_genome(str(made / "genome.fa")), read_sheet(str(folder / "tracks.tsv"))
    negatives = {"ratio": 1.0, "gc_bin": 0.02, "max_n": 0.1, "seed": 0}
    peaks = str(made / "peaks.narrowPeak")
    rows, _, _ = prepare_regions(genome, tracks, window=WINDOW, peaks=peaks, centre="summit", negatives=negatives)
    write_dataset(folder / "data", rows=rows, genome=genome, tracks=tracks, window=WINDOW, target=target)
    split = assign(rows, {"fold0": {"valid": ["chr3"], "test": ["chr4"]}}, sizes, seed=0)["fold0"]
    write_tsv(folder / "data" / "folds" / "fold0.tsv", rows[["region_id"]].assign(split=split))


def time_candidate(architecture: str, target: str) -> dict:
    import logging

    import torch

    from lucidna.dataset import Dataset
    from lucidna.external.store import load_candidate
    from lucidna.files import write_tsv
    from lucidna.ranking.maps import choose_regions, validation_maps
    from lucidna.ranking.probes.run import probe_candidate
    from lucidna.ranking.shuffles import shuffled_regions
    from lucidna.training.run import train_candidate

    logging.disable(logging.WARNING)
    threads = 1  # threads that wait for each other spend time without doing anything
    candidate = {"id": f"{architecture}-0123abcd", "architecture": architecture, "class": architecture}
    candidate |= {"arguments": {}, "recipe": "standard", "components": [["standard", {}]], "fold": "fold0", "seed": 0}
    candidate |= {"fold_split": {"valid": ["chr3"], "test": ["chr4"]}, "control": "none"}
    candidate["trainer"] = {"max_epochs": 3, "batch_size": 64, "learning_rate": 0.001}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulated_dataset(folder, target)
        spent = []
        for epochs in (1, 3):
            # What starting, loading and compiling cost is in both.
            candidate["trainer"]["max_epochs"] = epochs
            started = time.process_time()
            train_candidate(candidate, folder / "data", folder / f"model{epochs}", threads=threads)
            spent.append(time.process_time() - started)
        epoch, model_dir = (spent[1] - spent[0]) / 2, folder / "model3"
        torch.set_num_threads(threads)
        dataset = Dataset.open(folder / "data", fold="fold0")
        rows = choose_regions(dataset, n=500, seed=0)
        write_tsv(folder / "fold0.tsv", dataset.rows.iloc[rows][["region_id"]].assign(row=rows))
        codes, model = dataset.codes(rows), load_candidate(model_dir)
        validation_maps(model, codes[:8], head="counts")
        started = time.process_time()
        for sequences in (codes, shuffled_regions(codes, seed=0)):
            validation_maps(model, sequences, head="counts")
        maps = time.process_time() - started
        probing = {"load": load_candidate, "head": "counts"}
        arguments = candidate, model_dir, folder / "data", [folder / "fold0.tsv"]
        probe_candidate(*arguments, settings={"regions": 2, "ism_regions": 2}, **probing)
        started = time.process_time()
        probe_candidate(*arguments, **probing)
        probes = time.process_time() - started
    return {"epoch": epoch, "maps": maps, "probes": probes, "regions": len(rows)}


def bench_epoch(only: str | None = None) -> list[dict]:
    rows = []
    for architecture, target in ARCHITECTURES.items():
        if only not in (None, architecture):
            continue
        found = alone(time_candidate, architecture, target)
        row = {"step": f"maps, shuffled maps and probes of a {architecture} ({target})", "networks": 1}
        row |= {"regions": found["regions"], "length": WINDOW["input"]}
        row |= {"cpu_seconds": round(found["maps"] + found["probes"], 2), "against": "an epoch of its training"}
        row |= {"against_cpu_seconds": round(found["epoch"], 2)}
        row |= {"share": round((found["maps"] + found["probes"]) / found["epoch"], 2), "target": "at most an epoch"}
        rows.append(
            told(row | {"maps_cpu_seconds": round(found["maps"], 2), "probes_cpu_seconds": round(found["probes"], 2)})
        )
    return rows


if __name__ == "__main__":
    main()
