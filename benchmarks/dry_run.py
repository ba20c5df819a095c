"""Time a dry run (`snakemake -n`) of the whole workflow against the number of candidates.

    python benchmarks/dry_run.py [--candidates 10 100 1000] [--rounds 3]

Simulated data, nothing made yet, so that every job is in the plan: two architectures, five folds, the rest seeds, no
controls. `snakemake --version` is what the start of Snakemake alone costs. Every measurement is a process of its own;
the sizes take turns, and medians over the rounds are reported. cpu_s is user and system time: prefer it on a busy
machine. `times_version` is the ratio of the two medians of cpu_s.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).resolve().parent / "results" / "dry_run.tsv"
FOLDS = 5
SNAKEMAKE = [sys.executable, "-m", "snakemake"]


def configuration(candidates: int) -> dict:
    """Return a configuration with that many candidates."""
    chromosomes = [f"chr{number}" for number in range(1, FOLDS + 2)]
    simulated = "results/dryrun/simulate"
    return {
        "experiment": "dryrun",
        "simulate": {"seed": 0, "chromosomes": dict.fromkeys(chromosomes, 100_000), "peaks": 1000},
        "genome": {"fasta": f"{simulated}/genome.fa"},
        "regions": {"peaks": f"{simulated}/peaks.narrowPeak", "centre": "summit"},
        "window": {"input": 160},
        "target": "binary",
        "folds": {
            f"fold{index}": {"valid": [chromosomes[index]], "test": [chromosomes[index + 1]]} for index in range(FOLDS)
        },
        "grid": {
            "architectures": {"cnn_shallow": {}, "cnn_deep": {}},
            "recipes": {"standard": ["standard"]},
            "seeds": list(range(candidates // (2 * FOLDS))),
            "controls": [],
        },
    }


def measure(command: list[str], folder: Path) -> tuple[float, float, str]:
    """Run a command; return wall seconds, CPU seconds and its output."""
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    wall, after = time.perf_counter() - start, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, cpu, done.stdout + done.stderr


def main() -> None:
    """Measure, print and write benchmarks/results/dry_run.tsv."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, nargs="+", default=[10, 100, 1000], help="multiples of 10")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if any(number < 2 * FOLDS or number % (2 * FOLDS) for number in arguments.candidates):
        parser.error(f"--candidates takes multiples of {2 * FOLDS}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commands = {"snakemake --version": [*SNAKEMAKE, "--version"]}
        for number in arguments.candidates:
            (folder / f"{number}.yaml").write_text(yaml.safe_dump(configuration(number)))
            plan = ["--snakefile", str(ROOT / "Snakefile"), "--cores", "1", "-n", "--quiet", "rules"]
            commands[f"{number} candidates"] = [*SNAKEMAKE, *plan, "--configfile", f"{number}.yaml"]
        seen = {step: [] for step in commands}
        for _ in range(arguments.rounds):
            for step, command in commands.items():
                seen[step].append(measure(command, folder))
    rows = []
    for step, runs in seen.items():
        jobs = re.search(r"^total +(\d+)$", runs[0][2], flags=re.M)
        wall, cpu = (statistics.median(run[column] for run in runs) for column in (0, 1))
        rows.append(
            {"step": step, "jobs": int(jobs[1]) if jobs else 0, "wall_s": round(wall, 2), "cpu_s": round(cpu, 2)}
        )
        rows[-1]["times_version"] = round(cpu / statistics.median(run[1] for run in seen["snakemake --version"]), 1)
    table = pd.DataFrame(rows)
    print(table.to_string(index=False))
    with RESULTS.open("w", encoding="utf-8") as handle:
        version = seen["snakemake --version"][0][2].strip()
        handle.write(f"# dry_run.py: median of {arguments.rounds} interleaved rounds; snakemake {version}\n")
        table.to_csv(handle, sep="\t", index=False)


if __name__ == "__main__":
    main()
