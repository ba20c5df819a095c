"""Interleaved timings, and the table of results that the speed benchmarks of the recipes share."""

from __future__ import annotations

import csv
import datetime
import importlib.metadata
import os
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

COLUMNS = ("what", "unit", "ours", "peer", "ratio", "target", "sizes", "versions", "load", "date")


def interleave(
    tasks: Mapping[str, Callable[[], object]], *, rounds: int, calls: Mapping[str, int] | None = None
) -> dict[str, list[float]]:
    """Return the CPU seconds of one call of each task in each round, the median over `calls` calls of that round.

    The tasks take turns within a round, so that what else the machine does hits all of them. CPU time (user and
    system, all threads of the process) is the time that passes on an idle machine with one thread.
    """
    for task in tasks.values():
        task()
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            times = []
            for _ in range((calls or {}).get(name, 1)):
                start = time.process_time()
                task()
                times.append(time.process_time() - start)
            seconds[name].append(statistics.median(times))
    return seconds


def ratio_of(above: list[float], below: list[float]) -> float:
    """Return the median over rounds of the ratio within a round."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def row(*, what: str, unit: str, ours: float, peer: float | None, ratio: float | None, target: str, sizes: str) -> dict:
    """Return a line of the table."""
    packages = ("torch", "pytorch-lightning", "numpy")
    versions = " ".join(f"{name}={importlib.metadata.version(name)}" for name in packages)
    return {
        "what": what,
        "unit": unit,
        "ours": f"{ours:.4g}",
        "peer": "" if peer is None else f"{peer:.4g}",
        "ratio": "" if ratio is None else f"{ratio:.3f}",
        "target": target,
        "sizes": sizes,
        "versions": versions,
        "load": f"{os.getloadavg()[0]:.1f}",
        "date": datetime.date.today().isoformat(),
    }


def write(path: Path, rows: list[dict]) -> None:
    """Write rows into the table, in place of those of the same name and sizes."""
    kept = []
    if path.is_file():
        with path.open(newline="") as handle:
            kept = list(csv.DictReader(handle, delimiter="\t"))
    fresh = {(line["what"], line["sizes"]) for line in rows}
    kept = [line for line in kept if (line["what"], line["sizes"]) not in fresh]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as handle:
        table = csv.DictWriter(handle, COLUMNS, delimiter="\t", lineterminator="\n")
        table.writeheader()
        table.writerows(sorted([*kept, *rows], key=lambda line: (line["what"], line["sizes"])))
    for line in rows:
        print("\t".join(str(line[key]) for key in COLUMNS[:7]), flush=True)
