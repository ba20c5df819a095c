"""Cut windows out of a genome and its tracks, straight into arrays on disk.

Windows are taken in the order of the genome, a batch at a time, whatever the order of the rows: memory holds
one chromosome of codes (1 byte per bp) and one batch, however many windows and tracks there are.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import numpy as np

from lucidna.compiled import compiled
from lucidna.errors import UserError
from lucidna.genome import Genome
from lucidna.npy_rows import Rows, array_file
from lucidna.track_source import Source, signal_source
from lucidna.tracks import Track, controls_of

_BATCH_BYTES = 1 << 25  # of windows read at once

logger = logging.getLogger(__name__)


def extract(
    genome: Genome,
    tracks: Sequence[Track],
    chrom: np.ndarray,
    centre: np.ndarray,
    *,
    input_length: int,
    output_length: int,
    jitter: int,
    directory: str | os.PathLike,
    threads: int = 1,
) -> np.ndarray:
    """Write the sequence, signal and control windows around the centres.

    With L, Lout and J for the two lengths and the jitter, the input window begins at centre - L//2 - J and
    has L + 2J bases; the output window begins at centre - Lout//2 - J and has Lout + 2J.

    Parameters
    ----------
    genome : Genome
        From `open_genome`; its aliases also rename the chromosomes of the tracks.
    tracks : sequence of Track
        May be empty.
    chrom : numpy.ndarray
        str (N,), names in the genome.
    centre : numpy.ndarray
        int (N,), 0-based.
    input_length, output_length, jitter : int
        bp.
    directory : path
        Receives sequences.npy, uint8 (N, L + 2J); with tracks, signals.npy, float32 (N, C, Lout + 2J),
        channels as `signals_of` lists them; with controls, controls.npy, float32 (N, K, Lout + 2J), channels
        as `controls_of` lists them. Rows are in the order given.
    threads : int
        Threads that decode bigWigs.

    Returns
    -------
    numpy.ndarray
        float64 (N, number of tracks), the signal summed over strands and the output window without jitter.

    Raises
    ------
    UserError
        When a window leaves its chromosome, a track lacks a chromosome or gives it another length, or a value
        within a window is not a number or has the wrong sign.
    """
    chrom, centre = np.asarray(chrom, dtype=object), np.asarray(centre, dtype=np.int64)
    width, signal_width = input_length + 2 * jitter, output_length + 2 * jitter
    first, first_signal = centre - input_length // 2 - jitter, centre - output_length // 2 - jitter
    _check_names(genome, chrom)
    _check_bounds(genome, chrom, first, width)
    signal, channels = signal_source(tracks, genome.sizes, genome.aliases, threads)
    paths, _ = controls_of(tracks)
    control = Source(paths, [False] * len(paths), [1.0] * len(paths), genome.sizes, genome.aliases, threads)
    if tracks:
        _check_bounds(genome, chrom, first_signal, signal_width)
    core = slice(jitter, jitter + output_length)
    sums = np.zeros((len(centre), signal.n_channels))

    with ExitStack() as stack:

        def array(name: str, shape: tuple[int, ...], dtype: type) -> Rows:
            return stack.enter_context(array_file(Path(directory) / name, (len(centre), *shape), dtype))

        sequences = array("sequences.npy", (width,), np.uint8)
        kept = [
            (source, array(name, (source.n_channels, signal_width), np.float32))
            for source, name in ((signal, "signals.npy"), (control, "controls.npy"))
            if source.n_channels
        ]
        size = _batch_size(max(signal.n_channels, control.n_channels) * signal_width * 4 + width)
        held = codes = None
        for name, rows in _batches(list(genome.sizes), chrom, centre, size, "extracting"):
            if name != held:
                codes = None  # before the next is read, so that there is one at a time
                held, codes = name, genome.codes(name)
            sequences.write(rows, _cut(codes, first[rows], width))
            for source, stored in kept:
                values, totals = source.read(name, first_signal[rows], signal_width, core)
                stored.write(rows, values)
                if source is signal:
                    sums[rows] = totals
    return _over_strands(sums, channels)


def window_sums(
    tracks: Sequence[Track],
    chrom: np.ndarray,
    centre: np.ndarray,
    *,
    length: int,
    aliases: Mapping[str, str] | None = None,
    threads: int = 1,
) -> np.ndarray:
    """Sum each track over the windows [centre - length//2, centre - length//2 + length), writing nothing.

    Parameters
    ----------
    tracks : sequence of Track
        T tracks.
    chrom, centre : numpy.ndarray
        str (n,) and int (n,), as for `extract`; what lies outside of the chromosome counts 0.
    length : int
        bp.
    aliases : mapping, optional
        Name in the tracks -> name in `chrom`.
    threads : int
        Threads that decode bigWigs.

    Returns
    -------
    numpy.ndarray
        float64 (n, T), over both strands, scaled.

    Raises
    ------
    UserError
        As `extract` raises for tracks.
    """
    chrom, centre = np.asarray(chrom, dtype=object), np.asarray(centre, dtype=np.int64)
    source, channels = signal_source(tracks, None, aliases, threads)
    sums = np.zeros((len(centre), source.n_channels))
    first = centre - length // 2
    size = _batch_size(source.n_channels * length * 4)
    for name, rows in _batches(sorted(set(chrom)), chrom, centre, size, "summing"):
        end = source.size_of(name)
        inside = (first[rows] >= 0) & (first[rows] + length <= end)
        sums[rows[inside]] = source.read(name, first[rows[inside]], length, slice(None))[1]
        for row in rows[~inside]:
            start, stop = max(first[row], 0), min(first[row] + length, end)
            if start < stop:
                sums[row] = source.read(name, np.array([start]), int(stop - start), slice(None))[1][0]
    return _over_strands(sums, channels)


def _batch_size(row_bytes: int) -> int:
    return max(1, _BATCH_BYTES // max(row_bytes, 1))


def _batches(
    names: Sequence[str], chrom: np.ndarray, centre: np.ndarray, size: int, what: str
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (chromosome, rows) in the order of names and centres, at most `size` rows of one at a time."""
    rank = {name: k for k, name in enumerate(names)}
    ranks = np.array([rank[name] for name in chrom], dtype=np.int64)
    order = np.lexsort((centre, ranks))
    edges = [0, *(np.flatnonzero(np.diff(ranks[order])) + 1).tolist(), len(order)]
    spoken = time.monotonic()
    for begin, end in pairwise(edges):
        for start in range(begin, end, size):
            rows = order[start : min(start + size, end)]
            yield names[ranks[rows[0]]], rows
            if time.monotonic() - spoken > 5:
                spoken = time.monotonic()
                logger.info("%s: %d of %d windows", what, start + len(rows), len(order))


def _check_names(genome: Genome, chrom: np.ndarray) -> None:
    unknown = set(chrom) - set(genome.sizes)
    if unknown:
        raise UserError(f"regions on chromosome {min(unknown)!r}, which {genome.path} does not have: drop them")


def _check_bounds(genome: Genome, chrom: np.ndarray, first: np.ndarray, width: int) -> None:
    sizes = np.array([genome.sizes[name] for name in chrom], dtype=np.int64)
    outside = np.flatnonzero((first < 0) | (first + width > sizes))
    if len(outside):
        row = outside[0]
        raise UserError(
            f"{len(outside)} windows leave their chromosome, the first at {chrom[row]}:{first[row]}-"
            f"{first[row] + width} ({sizes[row]} bp): drop these regions or shorten the window"
        )


def _over_strands(sums: np.ndarray, channels: Sequence[Sequence[int]]) -> np.ndarray:
    return np.stack([sums[:, own].sum(axis=1) for own in channels], axis=1) if channels else sums


@compiled
def _cut(codes, starts, width):
    out = np.empty((len(starts), width), dtype=np.uint8)
    for i in range(len(starts)):
        out[i] = codes[starts[i] : starts[i] + width]
    return out
