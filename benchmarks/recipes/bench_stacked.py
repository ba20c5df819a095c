"""Speed of training all seeds together (`grid.stack_seeds`) against one at a time, on the CPU.

    python benchmarks/recipes/bench_stacked.py --out benchmarks/results/recipes_stacked_speed.tsv

Random data of `bench_loop`, recipe `standard`, five seeds, two epochs with validation, final scores and files, on one
thread, in CPU time: `train_stacked` once against `train_candidate` five times, which take turns. The target, four
times the candidates per hour, is for a GPU, which one small network leaves idle; here no GPU was measured, and the
numbers say nothing about one.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "workflow" / "scripts"), str(Path(__file__).parent)]

from bench_loop import write_random_dataset  # noqa: E402
from bench_table import Task, interleave, ratio_of, row, write  # noqa: E402
from lucidna.models.names import ARCHITECTURES  # noqa: E402
from lucidna.training.run import train_candidate  # noqa: E402
from lucidna.training.stacked import train_stacked  # noqa: E402

SEEDS, EPOCHS = 5, 2
SHORT = {"input": 200, "output": 200, "jitter": 8, "target": "binary"}
CASES = {
    "cnn_shallow": {**SHORT, "batch": 64, "batches": 20, "arguments": {}},
    "cnn_deep": {**SHORT, "batch": 64, "batches": 20, "arguments": {}},
    "bpnet": {
        "target": "profile",
        "input": 500,
        "output": 300,
        "jitter": 32,
        "batch": 64,
        "batches": 6,
        "arguments": {"n_filters": 32, "n_layers": 5},
    },
}


def candidates(name: str) -> list[dict]:
    """Return the seeds of a case."""
    case = CASES[name]
    return [
        {
            "id": f"{name}-standard-fold0-s{seed}-00000000",
            "architecture": name,
            "class": name,
            "arguments": {**ARCHITECTURES[name], **case["arguments"]},
            "recipe": "standard",
            "components": [["standard", {}]],
            "fold": "fold0",
            "seed": seed,
            "trainer": {"max_epochs": EPOCHS, "batch_size": case["batch"], "accelerator": "cpu"},
        }
        for seed in range(SEEDS)
    ]


def one_at_a_time(name: str, work: str) -> Callable[[], None]:
    """Return the training of each seed by itself."""
    logging.getLogger("lucidna").setLevel(logging.ERROR)

    def run() -> None:
        with contextlib.redirect_stderr(io.StringIO()):
            for candidate in candidates(name):
                train_candidate(candidate, Path(work, "data"), Path(work, "apart", str(candidate["seed"])))

    return run


def together(name: str, work: str) -> Callable[[], None]:
    """Return the training of all seeds at once."""
    logging.getLogger("lucidna").setLevel(logging.ERROR)

    def run() -> None:
        folders = [Path(work, "together", str(seed)) for seed in range(SEEDS)]
        with contextlib.redirect_stderr(io.StringIO()):
            train_stacked(candidates(name), Path(work, "data"), folders)

    return run


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    rows = []
    for name, case in CASES.items():
        with tempfile.TemporaryDirectory() as work:
            write_random_dataset(Path(work, "data"), case)
            tasks = {"ours": Task(together, (name, work)), "peer": Task(one_at_a_time, (name, work))}
            seconds = interleave(tasks, rounds=arguments.rounds, threads=1)
        rows.append(
            row(
                what=f"seeds of {name} trained together: against one at a time, on the CPU",
                unit="CPU seconds per candidate",
                ours=statistics.median(seconds["ours"]) / SEEDS,
                peer=statistics.median(seconds["peer"]) / SEEDS,
                ratio=ratio_of(seconds["peer"], seconds["ours"]),
                target="at least 4 on a GPU (no GPU was measured)",
                sizes=f"{SEEDS} seeds, batch {case['batch']}, {case['input']} bp",
            )
        )
    write(arguments.out, rows)


if __name__ == "__main__":
    main()
