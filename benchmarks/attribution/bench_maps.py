"""Time the maps of a BPNet at 2,114 bp, files included, against the passes through the network that they must make.

    PYTHONPATH=workflow/scripts python benchmarks/attribution/bench_maps.py [--only STEP]

One network (BPNet, 64 filters, 8 dilated layers, 2,114 bp to 1,000) with fresh weights, counts head, one process, one
thread (processor time, so that other work on the machine changes neither side by much). Each side is run in turn,
as often as `ROUNDS` says, after a call for one region that is not timed, and the medians are compared. That call also
lets the allocator keep freed memory (`processor.use_processor`): both sides have it, a bare loop by itself has not.

saliency  `attribution.run.attribute`, which writes the HDF5 and BED files, against a bare loop of forward and backward
          passes to the input, same batch size. Allowed: 1.2 times.
deepshap  the same with 20 shuffled references, against a bare loop that passes, for each region, 20 copies and 20
          references forward together and the gradient of all 40 back. Allowed: 1.5 times.
deepshap-half  the same, against a loop that passes all 40 forward and the gradient of the 20 copies alone back, which
          is all that the multipliers need; tangermeme's hooks take that of the references too. No target.
ism       the same, against tangermeme's `saturation_mutagenesis` with its own settings. Allowed: 1 time.
memory    largest anonymous memory above that before the call, for 250 and for 1,000 regions of saliency.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import statistics
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

RESULTS = Path(__file__).resolve().parents[1] / "results" / "attribution_speed.tsv"
LENGTH, OUTPUT, BATCH = 2114, 1000, 64
REGIONS = {"saliency": 2000, "deepshap": 2000, "deepshap-half": 8, "ism": 4}
ROUNDS = {"saliency": 3, "deepshap": 1, "deepshap-half": 3, "ism": 3}
SHUFFLES = 20
TARGETS = {"saliency": 1.2, "deepshap": 1.5, "ism": 1.0}
MEMORY_REGIONS = (250, 1000)
COLUMNS = ["step", "regions", "rounds", "length", "cpu_seconds", "seconds"]
COLUMNS += ["against", "against_cpu_seconds", "against_seconds", "ratio", "target", "extra_mb", "torch", "tangermeme"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=[*REGIONS, "memory"])
    parser.add_argument("--regions", type=int, help="instead of those in REGIONS; needs --only")
    parser.add_argument("--rounds", type=int, help="instead of those in ROUNDS")
    arguments = parser.parse_args()
    if arguments.regions and arguments.only not in REGIONS:
        parser.error("--regions needs --only and a step of REGIONS")
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"
    rows = []
    for step in (*REGIONS, "memory"):
        if arguments.only in (None, step):
            n, rounds = arguments.regions or REGIONS.get(step), arguments.rounds or ROUNDS.get(step)
            rows += memory_rows() if step == "memory" else [alone(compare, step, n, rounds)]
    if arguments.only and RESULTS.is_file():
        made = {row["step"] for row in rows}
        before = pd.read_csv(RESULTS, sep="\t", dtype=object).to_dict("records")
        rows = [row for row in before if row["step"] not in made] + rows
    pd.DataFrame(rows).reindex(columns=COLUMNS).to_csv(RESULTS, sep="\t", index=False)


def alone(function: Callable, *arguments: object) -> dict:
    """Run a function in a fresh process and return its result."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


class Regions:
    """What `attribute` reads of a dataset: random sequences, all of them peaks."""

    def __init__(self, n: int):
        self.sequences = np.random.default_rng(0).integers(0, 4, size=(n, LENGTH)).astype(np.uint8)
        self.info = {
            "target": "profile",
            "window": {"input": LENGTH, "output": OUTPUT, "jitter": 0},
            "tasks": ["a"],
            "digest": "0" * 64,
        }
        names = [f"region_{row}" for row in range(n)]
        summits = 5000 + 3000 * np.arange(n)
        self.rows = pd.DataFrame({"region_id": names, "chrom": "chr1", "summit": summits, "role": "peak"})

    def codes(self, indices: np.ndarray, *, shift: int = 0) -> np.ndarray:
        return self.sequences[np.asarray(indices)]


def network():
    import torch

    from lucidna.models import build

    torch.set_num_threads(1)
    torch.manual_seed(0)
    sizes = {"input_length": LENGTH, "output_length": OUTPUT, "n_tasks": 1, "channels": [[0, 1]], "n_controls": 0}
    return build("bpnet", target="profile", n_filters=64, n_layers=8, **sizes).eval()


def made_maps(step: str, regions: Regions, model, folder: Path) -> None:
    """Write the maps of a step's method as the workflow does."""
    from lucidna.attribution.run import attribute

    method = step.removesuffix("-half")
    attribute(
        [("net", model)],
        regions,
        method=method,
        task="a",
        head="counts",
        out_h5=folder / "x.attributions.h5",
        out_bed=folder / "x.bed",
        arguments={"shuffles": SHUFFLES} if method == "deepshap" else None,
        batch_size=BATCH,
    )


def bare_passes(step: str, regions: Regions, model) -> None:
    """Pass everything through the network that the method must pass, and do nothing with it."""
    import torch

    from lucidna.attribution.output import ScalarOutput, fitting_batch
    from lucidna.sequence import one_hot_numpy

    scalar = ScalarOutput(model, head="counts")
    size = fitting_batch(BATCH, LENGTH, "cpu")
    onehot = torch.from_numpy(one_hot_numpy(regions.sequences))
    if step == "ism":
        from tangermeme.saturation_mutagenesis import saturation_mutagenesis

        saturation_mutagenesis(scalar, onehot, hypothetical=True, device="cpu", dtype=torch.float32)
        return
    # For DeepSHAP every pair is a sequence and a reference, both passed forward.
    copies = {"saliency": 1, "deepshap": 2 * SHUFFLES, "deepshap-half": SHUFFLES}[step]
    for part in onehot.split(size):
        for batch in part.repeat_interleave(copies, dim=0).split(size):
            if step == "deepshap-half":
                with torch.no_grad():
                    scalar(batch)
            x = batch.clone().requires_grad_()
            torch.autograd.grad(scalar(x).sum(), x)


def compare(step: str, n: int, rounds: int) -> dict:
    """Time both sides in turn."""
    warnings.filterwarnings("ignore")
    model, regions = network(), Regions(n)
    sides = {"ours": [], "bare": []}
    with tempfile.TemporaryDirectory() as folder:
        # Imports and compilation are of the first call, whatever its size.
        made_maps(step, Regions(1), model, Path(folder))
        bare_passes(step, Regions(1), model)
        for _ in range(rounds):
            for side in sides:
                wall, cpu = time.perf_counter(), time.process_time()
                if side == "ours":
                    made_maps(step, regions, model, Path(folder))
                else:
                    bare_passes(step, regions, model)
                sides[side].append((time.process_time() - cpu, time.perf_counter() - wall))
    (cpu, wall), (bare_cpu, bare_wall) = (
        [statistics.median(values) for values in zip(*found, strict=True)] for found in sides.values()
    )
    words = {
        "saliency": "forward and backward passes",
        "deepshap": "2 x references forward, all of them back",
        "deepshap-half": "2 x references forward, half of them back",
        "ism": "tangermeme.saturation_mutagenesis",
    }
    return told(
        {
            "step": step,
            "regions": n,
            "rounds": rounds,
            "length": LENGTH,
            "cpu_seconds": round(cpu, 2),
            "seconds": round(wall, 2),
            "against": words[step],
            "against_cpu_seconds": round(bare_cpu, 2),
            "against_seconds": round(bare_wall, 2),
            "ratio": round(cpu / bare_cpu, 3),
            "target": TARGETS.get(step, ""),
            "torch": version("torch"),
            "tangermeme": version("tangermeme"),
        }
    )


def memory_rows() -> list[dict]:
    """Largest memory of saliency for few and for many regions."""
    return [alone(memory_of, regions) for regions in MEMORY_REGIONS]


def memory_of(n: int) -> dict:
    warnings.filterwarnings("ignore")
    model = network()
    with tempfile.TemporaryDirectory() as folder:
        made_maps("saliency", Regions(8), model, Path(folder))
        regions = Regions(n)
        before, highest, stop = anonymous_mb(), [0.0], threading.Event()

        def watch() -> None:
            while not stop.wait(0.05):
                highest[0] = max(highest[0], anonymous_mb())

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        made_maps("saliency", regions, model, Path(folder))
        stop.set()
        thread.join()
    extra = round(highest[0] - before)
    return told({"step": f"memory, {n} regions", "regions": n, "length": LENGTH, "extra_mb": extra, "target": "flat"})


def anonymous_mb() -> float:
    """Resident memory of this process that is not of a file, MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    return math.nan


def told(row: dict) -> dict:
    print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    return row


if __name__ == "__main__":
    main()
