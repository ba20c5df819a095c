"""Seqlet recurrence: whether the stretches a network finds important come back in other sequences."""

from __future__ import annotations

import numpy as np

from lucidna.ranking.bootstrap import bootstrap_means, percentile_interval, resample, weighted_mean
from lucidna.ranking.prepare import project

WIDTH = 9
PER_SEQUENCE = 3
SHIFT = 2
NEIGHBOURS = 10
MAX_SEQUENCES = 200


def sl_con(
    corrected: np.ndarray,
    onehot: np.ndarray,
    *,
    width: int = WIDTH,
    per_sequence: int = PER_SEQUENCE,
    shift: int = SHIFT,
    neighbours: int = NEIGHBOURS,
    max_sequences: int = MAX_SEQUENCES,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean similarity of the strongest seqlets to their nearest seqlets in other sequences.

    Parameters
    ----------
    corrected
        (N, 4, L) corrected maps of one network.
    onehot
        (N, 4, L), bases ACGT (the order lets both axes be reversed for the other strand).
    width, per_sequence, shift, neighbours
        Seqlet width in bp; non-overlapping seqlets per sequence; largest offset tried, in bp; how many of the
        nearest seqlets are averaged.
    max_sequences
        Only the first so many sequences are used (the cost grows with the square).

    Returns
    -------
    values : (N,) float64, mean over the seqlets of each sequence; 0 where it has none.
    weights : (N,) number of seqlets of each sequence. The score of the network is the weighted mean of
    `values`.

    Notes
    -----
    A seqlet is the window with the largest sum of projected attributions, at least `shift` bp from the ends;
    its feature is map x one-hot, unit norm. Similarity is the largest cosine over shifts of -`shift` to
    +`shift` of the other seqlet and both strands.
    """
    used = min(len(corrected), max_sequences)
    contribution = np.asarray(corrected[:used] * onehot[:used], dtype=np.float32)
    sequence, start = seqlets(
        project(corrected[:used], onehot[:used]), width=width, per_sequence=per_sequence, margin=shift
    )
    values, weights = np.zeros(len(corrected)), np.zeros(len(corrected))
    if len(sequence) == 0:
        return values, weights
    columns = np.arange(width)
    targets = []
    for offset in range(-shift, shift + 1):
        target = _features(contribution, sequence, start + offset, columns)
        targets += [_flat(target), _flat(target[:, ::-1, ::-1])]
    query = targets[2 * shift]
    # One large product: many small ones wait for each other's threads on a busy machine.
    product = query @ np.concatenate(targets).T
    similarity = product.reshape(len(query), len(targets), len(query)).max(axis=1)
    similarity[sequence[:, None] == sequence[None, :]] = -np.inf
    others = len(sequence) - int(np.bincount(sequence).max())
    count = min(neighbours, others)
    if count < 1:
        return values, weights
    nearest = np.partition(similarity, len(sequence) - count, axis=1)[:, len(sequence) - count :]
    mean = nearest.mean(axis=1, dtype=np.float64)
    weights[:used] = np.bincount(sequence, minlength=used)
    values[:used] = np.bincount(sequence, weights=mean, minlength=used) / np.maximum(weights[:used], 1)
    return values, weights


def permuted_null(
    corrected: np.ndarray, onehot: np.ndarray, *, seed: int, bootstraps: int = 200
) -> tuple[float, float, float]:
    """Recurrence of the same map once the positions of each sequence are permuted, bases and map together.

    Every column keeps its base and its values, so that what is left is what single bases give: a map whose stretches
    recur no better than that has found none that does.

    Parameters
    ----------
    corrected, onehot
        As in `sl_con`.
    seed
        Of the permutations and of the bootstrap samples.

    Returns
    -------
    value, lo, hi : `sl_con` and its 95 % bootstrap interval over sequences, the permutation held fixed.
    """
    used = slice(0, MAX_SEQUENCES)
    rng = np.random.default_rng(seed)
    order = rng.random((len(corrected[used]), corrected.shape[2])).argsort(axis=1)[:, None, :]
    values, weights = sl_con(*(np.take_along_axis(np.asarray(array[used]), order, 2) for array in (corrected, onehot)))
    counts = resample(len(values), bootstraps, seed=seed)
    lo, hi = percentile_interval(bootstrap_means(values[None], counts, weights[None]))
    return float(weighted_mean(values, weights)), float(lo[0]), float(hi[0])


def seqlets(
    projected: np.ndarray, *, width: int = WIDTH, per_sequence: int = PER_SEQUENCE, margin: int = SHIFT
) -> tuple[np.ndarray, np.ndarray]:
    """Find the windows with the largest sums, greedily and without overlap.

    Parameters
    ----------
    projected
        (N, L).

    Returns
    -------
    sequence, start : int64 arrays, sorted by sequence and then by falling sum; fewer than `per_sequence`
    where a sequence is too short.
    """
    n, length = projected.shape
    n_windows = length - width + 1
    if n_windows - 2 * margin < 1:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    cumulative = np.pad(np.cumsum(projected, axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    sums = cumulative[:, width:] - cumulative[:, :-width]
    sums[:, :margin] = -np.inf
    sums[:, n_windows - margin :] = -np.inf
    rows, positions = np.arange(n), np.arange(n_windows)
    found = []
    for _ in range(per_sequence):
        best = sums.argmax(axis=1)
        usable = np.isfinite(sums[rows, best])
        found.append(np.where(usable, best, -1))
        sums[np.abs(positions[None, :] - best[:, None]) < width] = -np.inf
    start = np.stack(found, axis=1)
    sequence = np.repeat(rows, per_sequence)[start.ravel() >= 0]
    return sequence.astype(np.int64), start.ravel()[start.ravel() >= 0].astype(np.int64)


def _features(contribution: np.ndarray, sequence: np.ndarray, start: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Cut (n_seqlets, 4, width) out of (N, 4, L) and scale each to norm 1."""
    cut = contribution[sequence[:, None, None], np.arange(4)[None, :, None], (start[:, None] + columns)[:, None, :]]
    norm = np.sqrt(np.einsum("nal,nal->n", cut, cut))[:, None, None]
    return cut / np.where(norm > 0, norm, 1)


def _flat(features: np.ndarray) -> np.ndarray:
    return features.reshape(len(features), -1)
