"""What a motif instance does to the prediction: its bases are replaced and the prediction is made again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from lucidna.attribution.nulls import shuffled_copies

_BLOCK = 2**23  # bases predicted at a time


class Predict(Protocol):
    """Predict variants of sequences by several networks.

    Codes uint8 (n, k, L) of k variants of each of n sequences, and the sequences (n, L) that they are variants
    of, give float64 (networks, n, k). The weights of a profile head are those of the sequence, so that a change
    of the weights does not count as an effect.
    """

    def __call__(self, variants: np.ndarray, sequences: np.ndarray) -> np.ndarray:
        """Return float64 (networks, n, k)."""


def spans(starts: np.ndarray, ends: np.ndarray, *, length: int) -> np.ndarray:
    """Return bool (n, length), true from start to end (half-open) of each row."""
    at = np.arange(length)
    return (at >= np.asarray(starts)[:, None]) & (at < np.asarray(ends)[:, None])


def replaced(sequences: np.ndarray, shuffles: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return sequences with some bases taken from shuffles of themselves.

    Parameters
    ----------
    sequences : ndarray
        uint8 codes (n, L).
    shuffles : ndarray
        uint8 (n, draws, L).
    mask : ndarray
        bool (n, L), bases to take from the shuffles.

    Returns
    -------
    ndarray
        uint8 (n, draws, L).
    """
    return np.where(mask[:, None], shuffles, sequences[:, None])


def effects_of(
    predict: Predict, sequences: np.ndarray, shuffles: np.ndarray, masks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Predict sequences as they are and with some of their bases replaced.

    Parameters
    ----------
    predict : callable
    sequences : ndarray
        uint8 (n, L).
    shuffles : ndarray
        uint8 (n, draws, L).
    masks : ndarray
        bool (n, m, L): m sets of bases for each sequence. The sets are replaced by the same draws, so that
        differences between them do not hold the noise of two.

    Returns
    -------
    whole : ndarray
        float64 (networks, n).
    without : ndarray
        float64 (networks, n, m), mean over the draws.
    """
    n, m, length = masks.shape
    draws = shuffles.shape[1]
    whole, without = [], []
    for rows in _blocks(n, (1 + m * draws) * length):
        variants = [sequences[rows, None]]
        variants += [replaced(sequences[rows], shuffles[rows], masks[rows, i]) for i in range(m)]
        found = predict(np.concatenate(variants, axis=1), sequences[rows])
        whole.append(found[:, :, 0])
        without.append(found[:, :, 1:].reshape(len(found), -1, m, draws).mean(axis=3))
    return np.concatenate(whole, axis=1), np.concatenate(without, axis=1)


def _blocks(n: int, size: int) -> Iterator[slice]:
    step = max(1, _BLOCK // size)
    for first in range(0, max(n, 1), step):
        yield slice(first, min(first + step, n))


def ablation_effects(
    predict: Predict,
    sequences: np.ndarray,
    rows: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    *,
    draws: int = 5,
    seed: int = 0,
) -> np.ndarray:
    """Return how much each instance adds to the prediction of its region.

    The effect is f(x) - mean f(x'), where x' has, in place of the instance, what stands there in a dinucleotide
    shuffle of the whole region: bases of the region's composition, with no regard to the instance. A shuffle
    of the few bases alone would often give them back.

    Parameters
    ----------
    predict : callable
    sequences : ndarray
        uint8 (N, L), the regions.
    rows, starts, ends : ndarray
        int (n,), the region of each instance and its place there. A place that begins below 0 is none: NaN.
    draws : int
        Shuffles of a region.
    seed : int
        Of the shuffles.

    Returns
    -------
    ndarray
        float64 (networks, n), in units of the output; positive when the instance raises the prediction.
    """
    rows, starts, ends = (np.asarray(values, dtype=np.int64) for values in (rows, starts, ends))
    needed, place = np.unique(rows, return_inverse=True)
    shuffles = region_shuffles(sequences[needed], draws=draws, seed=seed)
    masks = spans(starts, ends, length=sequences.shape[1])[:, None]
    effects = []
    for part in _blocks(len(rows), (1 + draws) * sequences.shape[1]):
        whole, without = effects_of(predict, sequences[rows[part]], shuffles[place[part]], masks[part])
        effects.append(whole - without[:, :, 0])
    return np.where(starts < 0, np.nan, np.concatenate(effects, axis=1))


def region_shuffles(sequences: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
    """Return what instances are replaced by: uint8 (n, draws, L), the same for a sequence wherever it is asked for."""
    return shuffled_copies(sequences, n_shuffles=draws, seed=seed, purpose="ablation")


def control_places(
    rows: np.ndarray, widths: np.ndarray, taken: np.ndarray, *, seed: int, avoid: np.ndarray | None = None
) -> np.ndarray:
    """Draw, for each instance, a place of its width in its region that touches no hit.

    Parameters
    ----------
    rows, widths : ndarray
        int (n,).
    taken : ndarray
        bool (N, L), bases of hits.
    seed : int
    avoid : ndarray, optional
        bool (n, L), further bases that an instance's place must not touch.

    Returns
    -------
    ndarray
        int64 (n,), starts; -1 where there is no room.
    """
    rng = np.random.default_rng([seed, 1])
    chosen = np.full(len(rows), -1, dtype=np.int64)
    draws = rng.random(len(rows))
    for i, (row, width) in enumerate(zip(rows, widths, strict=True)):
        blocked = taken[row] if avoid is None else taken[row] | avoid[i]
        counts = np.concatenate([[0], np.cumsum(blocked)])
        free = np.flatnonzero(counts[width:] == counts[: len(counts) - width])
        if len(free):
            chosen[i] = free[int(draws[i] * len(free))]
    return chosen


def evenly_capped(groups: np.ndarray, most: int, *, seed: int) -> np.ndarray:
    """Choose at most `most` items, with one cap for every group, so that rare groups stay whole.

    What room the cap leaves goes, one item each, to groups that have more, drawn at random.

    Returns
    -------
    ndarray
        int64, the chosen positions in increasing order; all when they are no more than `most`.
    """
    if len(groups) <= most:
        return np.arange(len(groups))
    names, counts = np.unique(groups, return_counts=True)
    cap = max(c for c in range(most + 1) if np.minimum(counts, c).sum() <= most)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(groups))
    caps = np.full(len(names), cap)
    caps[rng.permutation(np.flatnonzero(counts > cap))[: most - np.minimum(counts, cap).sum()]] += 1
    kept = [order[groups[order] == name][:allowed] for name, allowed in zip(names, caps, strict=True)]
    return np.sort(np.concatenate(kept))
