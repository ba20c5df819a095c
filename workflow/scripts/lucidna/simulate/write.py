"""Write the simulated files in the formats in which real ones come."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig

from lucidna.files import atomic_path

_LINE = 60
INSTANCE_COLUMNS = ("chrom", "start", "end", "motif", "score", "strand", "region", "strength", "role")
"""Columns of the BED file of instances: BED6, the peak it lies at, its effect in log2, its motif's role."""


def write_fasta(path: str | os.PathLike, sequences: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Write chromosomes as FASTA, 60 letters a line.

    Parameters
    ----------
    path : path
    sequences : dict[str, (uint8 (L,), bool (L,))]
        Codes, and where the letters are lower case, by name.
    """
    upper = np.frombuffer(b"ACGTN", dtype=np.uint8)
    with atomic_path(path) as temporary, Path(temporary).open("wb") as handle:
        for name, (codes, lower) in sequences.items():
            letters = (upper[codes] + np.where(lower, 32, 0)).astype(np.uint8).tobytes()
            lines = [letters[at : at + _LINE] for at in range(0, len(letters), _LINE)]
            handle.write(b">" + name.encode() + b"\n" + b"\n".join(lines) + b"\n")


def write_narrowpeak(path: str | os.PathLike, peaks: pd.DataFrame) -> None:
    """Write peaks as narrowPeak (10 columns; p and q values -1, not computed).

    Parameters
    ----------
    path : path
    peaks : DataFrame
        chrom, start, end, summit (absolute), name, score (0 to 1000), enrichment.
    """
    lines = peaks[["chrom", "start", "end", "name", "score"]].assign(
        strand=".", enrichment=peaks["enrichment"].map("{:.4f}".format), p=-1, q=-1
    )
    lines["offset"] = peaks["summit"] - peaks["start"]
    _write_table(path, lines)


def write_instances(path: str | os.PathLike, instances: pd.DataFrame) -> None:
    """Write instances as BED with a header line that begins with #; columns `INSTANCE_COLUMNS`."""
    lines = instances.loc[:, list(INSTANCE_COLUMNS)].assign(strength=instances["strength"].map("{:.4f}".format))
    _write_table(path, lines, header="#" + "\t".join(INSTANCE_COLUMNS))


def write_bigwig(path: str | os.PathLike, values: dict[str, np.ndarray]) -> None:
    """Write one value per base; bases of value 0 are left out, as in a file made from cuts.

    Parameters
    ----------
    path : path
    values : dict[str, array (L,)]
        By chromosome.
    """
    with atomic_path(path) as temporary:
        # pyBigWig takes what is not numpy's default integer for a wrong type: plain lists are always
        # understood.
        bigwig = pyBigWig.open(str(temporary), "w")
        bigwig.addHeader([(name, len(track)) for name, track in values.items()])
        for name, track in values.items():
            starts = np.flatnonzero(track)
            if len(starts):
                bigwig.addEntries(name, starts.tolist(), values=track[starts].astype(float).tolist(), span=1)
        bigwig.close()


def _write_table(path: str | os.PathLike, frame: pd.DataFrame, *, header: str | None = None) -> None:
    with atomic_path(path) as temporary, Path(temporary).open("w", encoding="utf-8") as handle:
        if header:
            handle.write(header + "\n")
        frame.to_csv(handle, sep="\t", header=False, index=False, lineterminator="\n")
