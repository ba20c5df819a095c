"""Draw negative regions whose GC content is that of the peaks, chromosome by chromosome.

Candidates are laid out in rounds: each round tiles the places that are still free with windows at a random
offset, and takes at random as many of each GC bin as are still wanted there. Tiles of one round never share
an output window, and the next round leaves out what was taken.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lucidna.errors import UserError
from lucidna.filters import Composition, merge, window_starts
from lucidna.genome import Genome

logger = logging.getLogger(__name__)

#: Below this share of the negatives asked for, a data set is refused rather than made with a notice.
LEAST_SHARE = 0.5


@dataclass(frozen=True)
class _Stage:
    """How far from the wanted GC bin a negative may lie, and whether negatives may share output positions."""

    name: str
    reach: int | None  # bins; None: any
    apart: bool
    rounds: int


_STAGES = (
    _Stage("in the GC bin of a peak", 0, True, 8),
    _Stage("in one of the two bins next to it", 2, True, 4),
    _Stage("in these bins, overlapping another negative", 2, False, 4),
    _Stage("from a more distant bin", None, False, 4),
)


def draw_negatives(
    genome: Genome,
    peaks: pd.DataFrame,
    *,
    avoid: pd.DataFrame,
    blacklist: pd.DataFrame | None = None,
    blacklist_slop: int = 0,
    input_length: int,
    output_length: int,
    jitter: int,
    ratio: float,
    gc_bin: float,
    max_n: float,
    seed: int,
) -> tuple[pd.DataFrame, list[str]]:
    """Draw GC-matched negatives.

    Parameters
    ----------
    genome : Genome
        The genome; one chromosome is in memory at a time.
    peaks : DataFrame
        The peaks to match: chrom, gc (GC share of the input window).
    avoid : DataFrame
        All called peaks, used or not: chrom, start, end, summit. No negative's input window overlaps the
        interval or the input window of one.
    blacklist : DataFrame, optional
        Intervals to avoid: chrom, start, end.
    blacklist_slop : int
        By how much blacklisted intervals are widened on both sides, in bp.
    input_length, output_length, jitter : int
        The window, in bp; a negative lies on its chromosome at every jitter.
    ratio : float
        Negatives for each peak, on each chromosome; a random part of the peaks is matched once more for a
        fraction.
    gc_bin : float
        Width of the GC bins, as a share.
    max_n : float
        Largest N share of a negative's input window.
    seed : int
        Seed; each chromosome draws from a generator of its own.

    Returns
    -------
    negatives : DataFrame
        chrom, start, end (the input window), summit (its centre), gc; by chromosome of the genome, then
        position.
    notices : list of str
        How many were drawn and how well their GC matches; empty when none were asked for.

    Raises
    ------
    UserError
        When less than half of the negatives asked for can be found.
    """
    found, taken, asked = [], np.zeros(len(_STAGES), dtype=np.int64), 0
    for index, (chrom, size) in enumerate(genome.sizes.items()):
        gc = peaks.loc[peaks["chrom"] == chrom, "gc"].to_numpy()
        if not len(gc):
            continue
        rng = np.random.default_rng([seed, index])
        wanted = _wanted(gc, ratio=ratio, gc_bin=gc_bin, rng=rng)
        asked += int(wanted.sum())
        if not wanted.any():
            continue
        blocked = _blocked(chrom, avoid, blacklist, slop=blacklist_slop, length=input_length)
        # Starts at which a window lies on the chromosome and clear of everything blocked.
        free = _subtract(jitter, size - input_length - jitter + 1, blocked[0] - input_length + 1, blocked[1])
        if not len(free[0]):
            continue
        start, gc, counts = _fill(
            free,
            Composition(genome.codes(chrom)),
            wanted,
            input_length=input_length,
            output_length=output_length,
            gc_bin=gc_bin,
            max_n=max_n,
            rng=rng,
        )
        taken += counts
        found.append(pd.DataFrame({"chrom": chrom, "start": start, "gc": gc}).sort_values("start"))
        logger.info("negatives on %s: %d of %d", chrom, len(start), counts.sum() + wanted.sum())

    negatives = pd.concat(found, ignore_index=True) if found else pd.DataFrame({"chrom": [], "start": [], "gc": []})
    negatives["start"] = negatives["start"].astype(np.int64)
    negatives["end"] = negatives["start"] + input_length
    negatives["summit"] = negatives["start"] + input_length // 2
    negatives = negatives[["chrom", "start", "end", "summit", "gc"]]
    if len(negatives) < LEAST_SHARE * asked:
        raise UserError(
            f"only {len(negatives)} of {asked} negatives fit on the chromosomes of the {len(peaks)} peaks, "
            f"clear of all peaks and with at most {max_n:g} N, for windows of {input_length} bp: lower "
            f"regions.negatives.ratio (now {ratio:g}) or window.input"
        )
    return negatives, _notices(peaks["gc"].to_numpy(), negatives["gc"].to_numpy(), asked, taken) if asked else []


def gc_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the mean difference of the quantiles of two samples (their first Wasserstein distance)."""
    levels = (np.arange(1000) + 0.5) / 1000
    return float(np.abs(np.quantile(a, levels) - np.quantile(b, levels)).mean())


def _wanted(gc: np.ndarray, *, ratio: float, gc_bin: float, rng: np.random.Generator) -> np.ndarray:
    """Return how many negatives each GC bin should have, int64 (n_bins,)."""
    again = rng.permutation(len(gc))[: round((ratio % 1) * len(gc))]
    gc = np.concatenate([np.repeat(gc, int(ratio)), gc[again]])
    return np.bincount(_bins(gc, gc_bin), minlength=int(_bins(np.ones(1), gc_bin)[0]) + 1)


def _bins(gc: np.ndarray, gc_bin: float) -> np.ndarray:
    # The small term keeps a share on a bin's edge, as 0.58 / 0.02, from falling below it.
    return np.floor(gc / gc_bin + 1e-9).astype(np.int64)


def _blocked(
    chrom: str, avoid: pd.DataFrame, blacklist: pd.DataFrame | None, *, slop: int, length: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the union of what no negative may overlap on one chromosome."""
    peaks = avoid.loc[avoid["chrom"] == chrom]
    first = window_starts(peaks["summit"].to_numpy(), length)
    low = [np.minimum(first, peaks["start"].to_numpy())]
    high = [np.maximum(first + length, peaks["end"].to_numpy())]
    if blacklist is not None:
        listed = blacklist.loc[blacklist["chrom"] == chrom]
        low.append(listed["start"].to_numpy() - slop)
        high.append(listed["end"].to_numpy() + slop)
    return merge(np.concatenate(low), np.concatenate(high))


def _subtract(first: int, stop: int, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the parts of `[first, stop)` outside the intervals `[low, high)`."""
    low, high = merge(low, high)
    start = np.concatenate([[first], np.maximum(high, first)])
    end = np.concatenate([np.minimum(low, stop), [stop]])
    filled = end > start
    return start[filled], end[filled]


def _fill(
    free: tuple[np.ndarray, np.ndarray],
    windows: Composition,
    wanted: np.ndarray,
    *,
    input_length: int,
    output_length: int,
    gc_bin: float,
    max_n: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take negatives of one chromosome, stage by stage, and lower `wanted` in place by what was found.

    Returns
    -------
    tuple of ndarray
        Starts int64 (n,), GC shares float64 (n,), and the number taken in each stage, int64 (n_stages,).
    """
    starts, shares = np.zeros(0, dtype=np.int64), np.zeros(0)
    counts = np.zeros(len(_STAGES), dtype=np.int64)
    for number, stage in enumerate(_STAGES):
        spacing = output_length if stage.apart else max(output_length // 4, 1)
        reach = len(wanted) if stage.reach is None else stage.reach
        for _ in range(stage.rounds):
            if not wanted.any():
                return starts, shares, counts
            tiles = _tile(_without(free, starts, spacing), spacing, rng)
            gc, n_share = windows.shares(tiles, input_length)
            usable = n_share <= max_n
            tiles, gc = tiles[usable], gc[usable]
            picked = _pick(_bins(gc, gc_bin), wanted, reach, rng)
            starts, shares = np.concatenate([starts, tiles[picked]]), np.concatenate([shares, gc[picked]])
            counts[number] += len(picked)
    return starts, shares, counts


def _without(free: tuple[np.ndarray, np.ndarray], starts: np.ndarray, spacing: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the free starts that are at least `spacing` bp away from every one of `starts`."""
    if not len(starts):
        return free
    gaps = free[1][:-1], free[0][1:]
    low = np.concatenate([gaps[0], starts - spacing + 1])
    high = np.concatenate([gaps[1], starts + spacing])
    return _subtract(int(free[0][0]), int(free[1][-1]), low, high)


def _tile(free: tuple[np.ndarray, np.ndarray], spacing: int, rng: np.random.Generator) -> np.ndarray:
    """Return starts every `spacing` bp of each free interval, from a random offset."""
    first = free[0] + rng.integers(spacing, size=len(free[0]))
    n = np.maximum(0, -(-(free[1] - first) // spacing))
    before = np.repeat(np.cumsum(n) - n, n)
    return np.repeat(first, n) + (np.arange(n.sum()) - before) * spacing


def _pick(bins: np.ndarray, wanted: np.ndarray, reach: int, rng: np.random.Generator) -> np.ndarray:
    """Take candidates at random, those of the nearest bins first: return indices, lower `wanted` in place."""
    order = rng.permutation(len(bins))
    order = order[np.argsort(bins[order], kind="stable")]
    edges = np.searchsorted(bins[order], np.arange(len(wanted) + 1))
    position, end = edges[:-1].copy(), edges[1:]
    picked = [np.zeros(0, dtype=np.int64)]
    for distance in range(reach + 1):
        for wanting in np.flatnonzero(wanted):
            for source in {wanting - distance, wanting + distance}:
                if not 0 <= source < len(wanted):
                    continue
                n = min(wanted[wanting], end[source] - position[source])
                picked.append(order[position[source] : position[source] + n])
                position[source] += n
                wanted[wanting] -= n
    return np.concatenate(picked)


def _notices(peak_gc: np.ndarray, negative_gc: np.ndarray, asked: int, taken: np.ndarray) -> list[str]:
    parts = ", ".join(f"{n} {stage.name}" for n, stage in zip(taken, _STAGES, strict=True) if n)
    notices = [
        f"negatives: {len(negative_gc)} of {asked} drawn ({parts}); mean GC {peak_gc.mean():.3f} in peaks "
        f"and {negative_gc.mean():.3f} in negatives, distance of the GC distributions "
        f"{gc_distance(peak_gc, negative_gc):.4f}"
    ]
    if len(negative_gc) < asked:
        notices.append(
            f"negatives: {asked - len(negative_gc)} of {asked} could not be drawn; the genome has too little "
            "sequence clear of peaks, so lower regions.negatives.ratio or window.input for an even set"
        )
    return notices
