"""Time and memory of dataset extraction, side by side with the peers, on a generated genome.

    python benchmarks/dataset/bench_extract.py --out benchmarks/results/dataset.tsv

Data: a genome of 4 chromosomes of 25 Mb; three sparse bigWigs (5 % of the bases, single-base counts in
clusters, like cut sites) and a dense one (coverage in runs of 10 bp on average). Windows: uniform over the
genome, 2,114 bp of sequence and 1,000 bp of signal of the 4 tracks. Every measurement has a process of its
own and follows a small untimed call that loads compiled code; the tools take turns; medians are reported.

    lucidna               `lucidna.extract.extract`: codes (uint8) and signals (float32) as .npy on disk
    tangermeme            `tangermeme.io.extract_loci`: one-hot int8 and float32 tensors, left in memory
    tangermeme+save       the same, then np.save of both arrays
    pyBigWig per region   one `values` call per window and track, signals alone, left in memory; measured on
                          5,000 windows, the times scaled to the number in the column "windows"
    lucidna fasta, lucidna fasta.gz, pyfaidx
                          codes of all chromosomes of the 100 Mb: `open_genome` and `codes` (no index);
                          pyfaidx (plain file, its index made before, untimed) and a table look-up

cpu_s is user and system time of the process, all threads: prefer it on a busy machine. rss_mb is the peak of
the resident memory, mapped file pages included; anon_mb the peak of anonymous memory, sampled every 5 ms, and
start_mb what of it the process held before the timed call.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.metadata
import json
import resource
import shutil
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

CHROMOSOMES = {f"chr{k}": 25_000_000 for k in range(1, 5)}
INPUT, OUTPUT = 2114, 1000
PER_REGION = 5_000
PACKAGES = ("numpy", "numba", "torch", "tangermeme", "figwig", "pyBigWig", "pyfaidx")


def generate(work: Path) -> None:
    """Write genome.fa, genome.fa.gz and track0.bw .. track3.bw once; the last track is dense."""
    if (work / "done").exists():
        return
    import pyBigWig
    import pyfaidx

    work.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    with (work / "genome.fa").open("wb") as handle:
        for name, size in CHROMOSOMES.items():
            letters = np.frombuffer(b"ACGT", dtype=np.uint8)[rng.integers(0, 4, size, dtype=np.uint8)]
            lines = np.full((size // 50, 51), ord("\n"), dtype=np.uint8)
            lines[:, :50] = letters.reshape(-1, 50)
            handle.write(b">" + name.encode() + b"\n" + lines.tobytes())
    with (work / "genome.fa").open("rb") as plain, gzip.open(work / "genome.fa.gz", "wb", 1) as packed:
        shutil.copyfileobj(plain, packed, 1 << 20)
    pyfaidx.Fasta(str(work / "genome.fa")).close()
    for track in range(4):
        with pyBigWig.open(str(work / f"track{track}.bw"), "w") as bigwig:
            bigwig.addHeader(list(CHROMOSOMES.items()))
            for name, size in CHROMOSOMES.items():
                starts, ends = _dense(rng, size) if track == 3 else _sparse(rng, size)
                values = 1.0 + rng.poisson(3.0 if track == 3 else 0.4, len(starts))
                for k in range(0, len(starts), 1 << 20):
                    part = slice(k, k + (1 << 20))
                    n = len(starts[part])
                    bigwig.addEntries(np.array([name] * n), starts[part], ends=ends[part], values=values[part])
    (work / "done").touch()


def _sparse(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    peaks = rng.integers(0, size, size // 25_000)
    near = (peaks[:, None] + rng.normal(0, 300, (len(peaks), 800))).astype(np.int64).ravel()
    starts = np.unique(np.concatenate([near, rng.integers(0, size, size // 40)]))
    starts = starts[(starts >= 0) & (starts < size)]
    return starts, starts + 1


def _dense(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    edges = np.cumsum(rng.geometric(0.1, size // 9))
    edges = np.concatenate([[0], edges[edges < size], [size]])
    return edges[:-1], edges[1:]


def windows(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (chrom, centre) of n windows in the order of the genome."""
    rng = np.random.default_rng(1)
    order = np.sort(rng.integers(0, len(CHROMOSOMES), n))
    centre = rng.integers(INPUT, 25_000_000 - INPUT, n)
    ranked = np.lexsort((centre, order))
    return np.array(list(CHROMOSOMES), dtype=object)[order], centre[ranked]


class Peak(threading.Thread):
    """Sample the anonymous memory of this process."""

    def __init__(self):
        super().__init__(daemon=True)
        self.start_mb = self.peak_mb = self.now()
        self.stopped = threading.Event()

    @staticmethod
    def now(field: str = "RssAnon") -> float:
        status = Path("/proc/self/status").read_text()
        return int(status.split(f"{field}:")[1].split()[0]) / 1024

    def run(self):
        while not self.stopped.wait(0.005):
            self.peak_mb = max(self.peak_mb, self.now())


def one(tool: str, n: int, work: Path, threads: int) -> dict[str, float]:
    """Run one tool once, after a small untimed run, and return what it took."""
    job = JOBS[tool](work, threads)
    chrom, centre = windows(n)
    few = slice(None, None, max(n // 8, 1))
    job(chrom[few], centre[few])
    peak = Peak()
    peak.start()
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.perf_counter()
    job(chrom, centre)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    peak.stopped.set()
    peak.join()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "wall_s": wall,
        "cpu_s": cpu,
        "rss_mb": peak.now("VmHWM"),  # ru_maxrss would begin with that of the parent process
        "anon_mb": peak.peak_mb,
        "start_mb": peak.start_mb,
    }


def _tracks(work: Path) -> list[str]:
    return [str(work / f"track{k}.bw") for k in range(4)]


def _lucidna(work: Path, threads: int):
    from lucidna.extract import extract
    from lucidna.genome import open_genome
    from lucidna.tracks import Track

    def job(chrom, centre):
        extract(
            open_genome(work / "genome.fa"),
            [Track(f"track{k}", path) for k, path in enumerate(_tracks(work))],
            chrom,
            centre,
            input_length=INPUT,
            output_length=OUTPUT,
            jitter=0,
            directory=work / "out",
            threads=threads,
        )

    return job


def _tangermeme(work: Path, threads: int, save: bool = False):
    import pandas as pd
    from tangermeme.io import extract_loci

    def job(chrom, centre):
        # Its window of a locus [start, end) is centred at start + (end - start) // 2.
        loci = pd.DataFrame({"chrom": chrom, "start": centre - 500, "end": centre + 500})
        sequences, signals = extract_loci(
            loci,
            str(work / "genome.fa"),
            signals=_tracks(work),
            in_window=INPUT,
            out_window=OUTPUT,
            n_jobs=threads,
        )
        if save:
            (work / "out").mkdir(exist_ok=True)
            np.save(work / "out" / "sequences.npy", sequences.numpy())
            np.save(work / "out" / "signals.npy", signals.numpy())

    return job


def _per_region(work: Path, threads: int):
    import pyBigWig

    def job(chrom, centre):
        out = np.empty((len(chrom), 4, OUTPUT), dtype=np.float32)
        for channel, path in enumerate(_tracks(work)):
            with pyBigWig.open(path) as bigwig:
                for i, (name, at) in enumerate(zip(chrom, centre.tolist(), strict=True)):
                    start = at - OUTPUT // 2
                    out[i, channel] = np.nan_to_num(bigwig.values(name, start, start + OUTPUT, numpy=True))

    return job


def _fasta(work: Path, threads: int, name: str = "genome.fa"):
    from lucidna.genome import open_genome

    def job(chrom, centre):
        for _, codes in open_genome(work / name).iter():
            codes[0]

    return job


def _pyfaidx(work: Path, threads: int):
    import pyfaidx

    from lucidna.sequence import CODE_OF

    def job(chrom, centre):
        with pyfaidx.Fasta(str(work / "genome.fa"), as_raw=True) as fasta:
            for name in CHROMOSOMES:
                CODE_OF[np.frombuffer(fasta[name][:].encode("ascii"), dtype=np.uint8)]

    return job


JOBS = {
    "lucidna": _lucidna,
    "tangermeme": _tangermeme,
    "tangermeme+save": lambda work, threads: _tangermeme(work, threads, save=True),
    "pyBigWig per region": _per_region,
    "lucidna fasta": _fasta,
    "lucidna fasta.gz": lambda work, threads: _fasta(work, threads, "genome.fa.gz"),
    "pyfaidx": _pyfaidx,
}


def check(work: Path) -> None:
    """Both tools must give the same numbers before their times mean anything."""
    from lucidna.sequence import one_hot_numpy

    chrom, centre = windows(400)
    _tangermeme(work, 1, save=True)(chrom, centre)
    peer = [np.load(work / "out" / name) for name in ("sequences.npy", "signals.npy")]
    _lucidna(work, 1)(chrom, centre)
    codes, signals = (np.load(work / "out" / name) for name in ("sequences.npy", "signals.npy"))
    assert np.array_equal(one_hot_numpy(codes, dtype=np.int8), peer[0])
    assert np.array_equal(signals, peer[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / ".work" / "dataset")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "dataset.tsv")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--windows", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--one", nargs=2, metavar=("TOOL", "WINDOWS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(options.one[0], int(options.one[1]), options.work, options.threads)))
        return

    generate(options.work)
    check(options.work)
    plan = [(tool, n) for n in options.windows for tool in ("lucidna", "tangermeme", "tangermeme+save")]
    plan += [("pyBigWig per region", PER_REGION)]
    plan += [(tool, 8) for tool in ("lucidna fasta", "lucidna fasta.gz", "pyfaidx")]
    results: dict[tuple[str, int], list[dict[str, float]]] = {key: [] for key in plan}
    for repeat in range(options.repeats):
        for tool, n in plan:
            command = [sys.executable, __file__, "--one", tool, str(n), "--work", str(options.work)]
            command += ["--threads", str(options.threads)]
            run = subprocess.run(command, check=True, capture_output=True, text=True)
            results[tool, n].append(json.loads(run.stdout.splitlines()[-1]))
            shutil.rmtree(options.work / "out", ignore_errors=True)
            print(repeat, tool, n, {key: round(value, 2) for key, value in results[tool, n][-1].items()})
    write(options.out, results, options)


def write(path: Path, results: dict, options: argparse.Namespace) -> None:
    versions = " ".join(f"{name}={importlib.metadata.version(name)}" for name in PACKAGES)
    path.parent.mkdir(parents=True, exist_ok=True)
    fields = ("wall_s", "cpu_s", "rss_mb", "anon_mb", "start_mb")
    with path.open("w") as handle:
        print(
            f"# bench_extract.py: median of {options.repeats} interleaved runs, {options.threads} threads",
            file=handle,
        )
        print(f"# python={sys.version.split()[0]} {versions}", file=handle)
        print("tool", "windows", "measured_on", *fields, sep="\t", file=handle)
        for (tool, n), runs in results.items():
            medians = {field: statistics.median(run[field] for run in runs) for field in fields}
            scaled = [n]
            if tool == "pyBigWig per region":
                scaled = options.windows
            elif n == 8:
                scaled = ["-"]
            for count in scaled:
                factor = count / n if tool == "pyBigWig per region" else 1
                row = [
                    medians["wall_s"] * factor,
                    medians["cpu_s"] * factor,
                    *(medians[f] for f in fields[2:]),
                ]
                measured = "-" if n == 8 else n
                print(tool, count, measured, *(f"{value:.2f}" for value in row), sep="\t", file=handle)


if __name__ == "__main__":
    main()
