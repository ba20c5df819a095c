"""Contribution tracks for genome browsers: the contribution of the observed base, one value per bp."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig

from lucidna.attribution.hdf5 import AttributionFile
from lucidna.errors import UserError
from lucidna.files import atomic_path


def write_bigwigs(
    attributions: str | os.PathLike,
    regions_bed: str | os.PathLike,
    *,
    chromosome_sizes: Mapping[str, int],
    mean_path: str | os.PathLike,
    spread_path: str | os.PathLike,
) -> None:
    """Write the mean and the spread of the projected maps in genome coordinates.

    All positions of the input windows have a value. Where windows overlap, it is the average over them.
    Positions whose spread is unknown (a single member) have none in the spread track. Without regions both
    tracks are valid files without a value.

    Parameters
    ----------
    attributions : path
        Attribution file of regions on a genome.
    regions_bed : path
        The BED file beside it: one line per row.
    chromosome_sizes : mapping
        Chromosome -> bp, in the order of the genome.
    mean_path, spread_path : path
        Output; units are those of the explained output.

    Raises
    ------
    UserError
        When the BED file has other regions than the attribution file, or a window does not lie on the genome.
    """
    bed = _read_bed(regions_bed)
    with AttributionFile(attributions) as file:
        file.check(bed[3])
        groups = _groups(bed[0].to_numpy(), bed[1].to_numpy(), file.length, chromosome_sizes)
        starts = bed[1].to_numpy()
        with atomic_path(mean_path) as mean, atomic_path(spread_path) as spread:
            tracks = [_open(path, chromosome_sizes) for path in (mean, spread)]
            for chrom, members in groups:
                block = file.read(np.sort(members))
                order = np.argsort(np.argsort(members))
                for track, values in zip(tracks, (block.projected, block.spread), strict=True):
                    _add(track, chrom, starts[members], values[order])
            for track in tracks:
                track.close()


def _read_bed(path: str | os.PathLike) -> pd.DataFrame:
    """Return the columns 0 (chrom), 1 (start) and 3 (region id) of a BED file, which may be empty."""
    types = {0: str, 1: np.int64, 3: str}
    try:
        return pd.read_csv(path, sep="\t", header=None, usecols=list(types), dtype=types, keep_default_na=False)
    except pd.errors.EmptyDataError:
        return pd.DataFrame({column: pd.Series(dtype=kind) for column, kind in types.items()})


def _groups(
    chroms: np.ndarray, starts: np.ndarray, length: int, sizes: Mapping[str, int]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield chromosome and rows of each cluster of overlapping windows, in genome order."""
    for chrom, start in zip(chroms, starts, strict=True):
        if chrom not in sizes or start < 0 or start + length > sizes[chrom]:
            raise UserError(
                f"window {chrom}:{start}-{start + length} does not lie on the genome: the regions and the "
                "chromosome sizes belong to different data"
            )
    for chrom in sizes:
        members = np.flatnonzero(chroms == chrom)
        members = members[np.argsort(starts[members], kind="stable")]
        breaks = np.flatnonzero(np.diff(starts[members]) >= length) + 1
        for group in np.split(members, breaks):
            if len(group):
                yield chrom, group


def _open(path: Path, sizes: Mapping[str, int]) -> pyBigWig.pyBigWig:
    track = pyBigWig.open(str(path), "w")
    track.addHeader([(chrom, int(size)) for chrom, size in sizes.items()])
    return track


def _add(track: pyBigWig.pyBigWig, chrom: str, starts: np.ndarray, values: np.ndarray) -> None:
    """Add the average of overlapping windows; `starts` (n,) increasing, `values` (n, L)."""
    first, length = int(starts[0]), values.shape[1]
    total = np.zeros(int(starts[-1]) - first + length)
    count = np.zeros(len(total))
    for start, window in zip(starts - first, values, strict=True):
        known = np.isfinite(window)
        total[start : start + length] += np.where(known, window, 0)
        count[start : start + length] += known
    covered = np.flatnonzero(count)
    for run in np.split(covered, np.flatnonzero(np.diff(covered) > 1) + 1):
        if len(run):
            track.addEntries(chrom, first + int(run[0]), values=total[run] / count[run], span=1, step=1)
