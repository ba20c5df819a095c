"""The committed tables: those of all populations of a stage together, with what they were made by on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from benchcommon.provenance import config_digest, versions
from lucidna.files import atomic_path, read_tsv


def header_of(config: Mapping, *, stage: str, training: float, scoring: float) -> str:
    """Say in comment lines what the tables were made by, and how long it took."""
    digest = config_digest(config, without=("work", "results", "only"))
    return (
        f"# benchmarks/ranking, {stage} populations; config {digest}\n"
        f"# training {training:.0f} CPU s, scoring {scoring:.0f} CPU s; {versions()}\n"
    )


def collect(parts: Mapping[str, Path], target: Path, *, header: str) -> None:
    """Join one table of every population under a header; numbers are rounded to 4 digits."""
    frames = []
    for population, part in parts.items():
        frame = read_tsv(part)
        frame.insert(0, "population", population)
        frames.append(frame)
    with atomic_path(target) as temporary:
        joined = pd.concat(frames, ignore_index=True).to_csv(sep="\t", index=False, float_format="%.4g")
        temporary.write_text(header + joined)


def seconds_of(benchmarks: Sequence[str | Path]) -> float:
    """Sum the CPU seconds of Snakemake's benchmark files."""
    return float(sum(pd.read_csv(path, sep="\t")["cpu_time"].sum() for path in benchmarks))
