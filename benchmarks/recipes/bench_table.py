"""Interleaved timings, and the table of results that the speed benchmarks of the recipes share."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import importlib.metadata
import multiprocessing
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path

COLUMNS = ("what", "unit", "ours", "peer", "ratio", "target", "sizes", "versions", "load", "date")


@dataclasses.dataclass(frozen=True)
class Task:
    """A call to be timed, in a process of its own.

    Attributes
    ----------
    make : callable
        Of a module's top level. Called with `arguments`, it returns the call to be timed, which may return the
        CPU seconds itself.
    arguments : tuple
        For `make`.
    calls : int
        Per round; their median counts.
    """

    make: Callable[..., Callable[[], object]]
    arguments: tuple
    calls: int = 1


def interleave(tasks: Mapping[str, Task], *, rounds: int, threads: int) -> dict[str, list[float]]:
    """Return the CPU seconds of each task in each round, after a round that is not counted.

    The tasks take turns, so that what else the machine does hits all of them. CPU time (user and system, all
    threads of the process) is the time that passes on an idle machine with one thread.
    """
    context = multiprocessing.get_context("spawn")
    pipes, workers = {}, []
    for name, task in tasks.items():
        pipes[name], end = context.Pipe()
        workers.append(context.Process(target=_serve, args=(end, task, threads, sys.path), daemon=True))
        workers[-1].start()
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for round_ in range(rounds + 1):
        for name, pipe in pipes.items():
            pipe.send(True)
            found = pipe.recv()
            if round_:
                seconds[name].append(found)
    for pipe, worker in zip(pipes.values(), workers, strict=True):
        pipe.send(False)
        worker.join()
    return seconds


def _serve(pipe: Connection, task: Task, threads: int, path: list[str]) -> None:
    sys.path[:] = path
    warnings.filterwarnings("ignore")
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    call = task.make(*task.arguments)
    while pipe.recv():
        times = []
        for _ in range(task.calls):
            start = time.process_time()
            own = call()
            times.append(own if isinstance(own, float) else time.process_time() - start)
        pipe.send(statistics.median(times))


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
