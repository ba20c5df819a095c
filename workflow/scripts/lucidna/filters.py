"""Find the regions that cannot be used: off the chromosome, full of N, blacklisted, or with outlying signal.

Every filter returns a pair: bool (n,), True where a region is dropped, and str (n,), why, empty elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from lucidna.genome import Genome
from lucidna.sequence import N


class Composition:
    """GC and N counts of any window of one chromosome, from cumulative sums (8 bytes for each base).

    Parameters
    ----------
    codes : ndarray of uint8, (size,)
        A C G T N = 0 1 2 3 4.
    """

    def __init__(self, codes: np.ndarray):
        self._gc = _cumulative((codes == 1) | (codes == 2))
        self._n = _cumulative(codes == N)

    def shares(self, start: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the GC share of the known bases (0 where all are N) and the N share of windows.

        Parameters
        ----------
        start : ndarray of int, (n,)
            First positions, 0-based; the windows lie on the chromosome.
        length : int
            Length of the windows in bp.

        Returns
        -------
        tuple of ndarray, each float64 (n,)
        """
        gc = self._gc[start + length] - self._gc[start]
        n = self._n[start + length] - self._n[start]
        return gc / np.maximum(length - n, 1), n / length


def window_starts(centre: np.ndarray, length: int) -> np.ndarray:
    """Return the first positions of windows of `length` bp around `centre` (0-based)."""
    return np.asarray(centre, dtype=np.int64) - length // 2


def composition(genome: Genome, chrom: np.ndarray, centre: np.ndarray, *, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the GC share and the N share of windows anywhere in a genome.

    Parameters
    ----------
    genome : Genome
        The genome; one chromosome is in memory at a time.
    chrom : ndarray of str, (n,)
        Chromosome of each window.
    centre : ndarray of int, (n,)
        Centre of each window, 0-based; the window must lie on the chromosome.
    length : int
        Length of the windows in bp.

    Returns
    -------
    tuple of ndarray, each float64 (n,)
        GC / (A + C + G + T), and N / length.
    """
    start = window_starts(centre, length)
    gc, n_share = np.zeros(len(start)), np.zeros(len(start))
    for name, rows in _by_chromosome(chrom):
        gc[rows], n_share[rows] = Composition(genome.codes(name)).shares(start[rows], length)
    return gc, n_share


def off_edge(
    chrom: np.ndarray,
    centre: np.ndarray,
    sizes: Mapping[str, int],
    *,
    input_length: int,
    output_length: int,
    jitter: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Find windows that reach past an end of their chromosome at some jitter.

    Parameters
    ----------
    chrom, centre : ndarray, (n,)
        Chromosome and 0-based window centre of each region.
    sizes : mapping
        Chromosome -> length in bp.
    input_length, output_length, jitter : int
        Lengths and largest shift of the window, in bp.

    Returns
    -------
    tuple of ndarray, bool (n,) and str (n,)
    """
    start = np.minimum(window_starts(centre, input_length), window_starts(centre, output_length)) - jitter
    end = jitter + np.maximum(
        window_starts(centre, input_length) + input_length,
        window_starts(centre, output_length) + output_length,
    )
    size = np.array([sizes[name] for name in chrom], dtype=np.int64)
    dropped = (start < 0) | (end > size)
    return _explain(
        dropped,
        lambda i: f"window {start[i]}-{end[i]} is not inside {chrom[i]} (0-{size[i]} bp), jitter included",
    )


def too_many_n(n_share: np.ndarray, *, max_n: float) -> tuple[np.ndarray, np.ndarray]:
    """Find windows whose N share, float (n,), is above `max_n`."""
    return _explain(n_share > max_n, lambda i: f"N share {n_share[i]:.3g} is above {max_n:g}")


def blacklisted(
    chrom: np.ndarray, centre: np.ndarray, blacklist: pd.DataFrame, *, length: int, slop: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find windows that overlap a blacklisted interval or come within `slop` bp of one.

    Parameters
    ----------
    chrom, centre : ndarray, (n,)
        Chromosome and 0-based window centre of each region.
    blacklist : DataFrame
        Intervals: chrom, start, end.
    length, slop : int
        Length of the input window, and by how much each interval is widened on both sides, in bp.

    Returns
    -------
    tuple of ndarray, bool (n,) and str (n,)
    """
    start = window_starts(centre, length)
    dropped = np.zeros(len(start), dtype=bool)
    hit = np.zeros((len(start), 2), dtype=np.int64)
    for name, rows in _by_chromosome(chrom):
        listed = blacklist.loc[blacklist["chrom"] == name]
        if listed.empty:
            continue
        low, high = merge(listed["start"].to_numpy() - slop, listed["end"].to_numpy() + slop)
        # The last interval that begins before the window ends is the only one that can overlap it last.
        last = np.searchsorted(low, start[rows] + length, side="left") - 1
        dropped[rows] = (last >= 0) & (high[last] > start[rows])
        hit[rows] = np.stack([low[last], high[last]], axis=1)
    return _explain(
        dropped,
        lambda i: f"window {start[i]}-{start[i] + length} overlaps the blacklist, widened to {hit[i, 0]}-{hit[i, 1]}",
    )


def outlying(
    sums: np.ndarray, tracks: Sequence[str], *, quantile: float, factor: float
) -> tuple[np.ndarray, np.ndarray]:
    """Find peaks whose summed signal is above `factor` times a quantile of that over all peaks, in any track.

    Parameters
    ----------
    sums : ndarray, float (n, n_tracks)
        Signal of each peak, summed over its output window.
    tracks : sequence of str, (n_tracks,)
        Names of the tracks.
    quantile, factor : float
        The limit is `factor * quantile(sums)`, linear interpolation, per track.

    Returns
    -------
    tuple of ndarray, bool (n,) and str (n,)
    """
    if not len(sums):
        return np.zeros(0, dtype=bool), np.zeros(0, dtype=object)
    limit = factor * np.quantile(sums, quantile, axis=0)
    above = sums > limit

    def why(i: int) -> str:
        t = int(np.argmax(above[i]))
        return f"signal {sums[i, t]:.6g} of track {tracks[t]} is above {limit[t]:.6g}"

    return _explain(above.any(axis=1), why)


def merge(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the union of half-open intervals as sorted intervals that neither overlap nor touch.

    Parameters
    ----------
    start, end : ndarray of int, (n,)
        Any order; empty intervals are left out.

    Returns
    -------
    tuple of ndarray of int64, each (m,)
    """
    start, end = np.asarray(start, dtype=np.int64), np.asarray(end, dtype=np.int64)
    filled = end > start
    order = np.argsort(start[filled], kind="stable")
    start, end = start[filled][order], end[filled][order]
    if not len(start):
        return start, end
    reach = np.maximum.accumulate(end)
    first = np.concatenate([[True], start[1:] > reach[:-1]])
    last = np.concatenate([first[1:], [True]])
    return start[first], reach[last]


def _cumulative(mask: np.ndarray) -> np.ndarray:
    total = np.zeros(len(mask) + 1, dtype=np.int32 if len(mask) < 2**31 else np.int64)
    np.cumsum(mask, out=total[1:])
    return total


def _by_chromosome(chrom: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Return every chromosome with the indices of its rows, in the order of first appearance."""
    numbers, names = pd.factorize(np.asarray(chrom, dtype=object))
    order = np.argsort(numbers, kind="stable")
    edges = np.searchsorted(numbers[order], np.arange(len(names) + 1))
    return [(str(name), order[edges[i] : edges[i + 1]]) for i, name in enumerate(names)]


def _explain(dropped: np.ndarray, why: Callable[[int], str]) -> tuple[np.ndarray, np.ndarray]:
    detail = np.full(len(dropped), "", dtype=object)
    for i in np.flatnonzero(dropped):
        detail[i] = why(i)
    return dropped, detail
