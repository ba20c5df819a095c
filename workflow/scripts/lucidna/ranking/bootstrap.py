"""Intervals: the percentile bootstrap over regions, and the block jackknife for estimates of a population."""

from __future__ import annotations

import numpy as np

LEVEL = 0.95


def resample(n_regions: int, bootstraps: int, *, seed: int) -> np.ndarray:
    """Draw how often each region occurs in each bootstrap sample, float32 (bootstraps, n_regions).

    Every criterion and every network of a fold is evaluated on the same draws, so that differences are
    paired.
    """
    rng = np.random.default_rng(seed)
    return rng.multinomial(n_regions, np.full(n_regions, 1 / n_regions), size=bootstraps).astype(np.float32)


def weighted_mean(values: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Average the last axis with weights of the same shape; NaN values count nothing, NaN if none is left."""
    values = np.asarray(values, dtype=np.float64)
    weights = np.ones_like(values) if weights is None else np.asarray(weights, dtype=np.float64)
    weights = np.where(np.isfinite(values), weights, 0)
    total = weights.sum(axis=-1)
    mean = (np.nan_to_num(values) * weights).sum(axis=-1) / np.where(total > 0, total, 1)
    return np.where(total > 0, mean, np.nan)


def bootstrap_means(values: np.ndarray, counts: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Means of per-region values in each bootstrap sample.

    Parameters
    ----------
    values
        (n, N) per-region values of n networks; NaN is left out.
    counts
        (B, N) from `resample`.
    weights
        (n, N) weights of the regions (number of seqlets, of k-mers); equal by default.

    Returns
    -------
    (B, n) float64; NaN where a sample holds no usable region.
    """
    values = np.asarray(values, dtype=np.float64)
    weights = np.ones_like(values) if weights is None else np.asarray(weights, dtype=np.float64)
    weights = np.where(np.isfinite(values), weights, 0)
    counts = counts.astype(np.float64)
    total = counts @ weights.T
    mean = (counts @ (np.nan_to_num(values) * weights).T) / np.where(total > 0, total, 1)
    return np.where(total > 0, mean, np.nan)


def percentile_interval(draws: np.ndarray, *, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Return the interval ends over the first axis of draws (B, ...); NaN where every draw is NaN."""
    draws = np.asarray(draws, dtype=np.float64)
    tail = (1 - level) / 2
    usable = np.isfinite(draws).any(axis=0)
    if not usable.any():
        return np.full(usable.shape, np.nan), np.full(usable.shape, np.nan)
    filled = np.where(usable, draws, 0)
    lo, hi = np.nanquantile(filled, [tail, 1 - tail], axis=0)
    return np.where(usable, lo, np.nan), np.where(usable, hi, np.nan)


def paired_interval(first: np.ndarray, second: np.ndarray, *, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Interval of the difference of two quantities over the same bootstrap draws, (B, ...) each."""
    return percentile_interval(np.asarray(first) - np.asarray(second), level=level)


def block_jackknife(value: float, left_out: np.ndarray) -> tuple[float, float]:
    """95 % interval of an estimate from its values with one block of sequences left out at a time.

    Used for divergences of pooled histograms: a bootstrap sample repeats sequences, which raises the
    small-sample bias of such estimates and shifts a percentile interval off the estimate itself.

    Parameters
    ----------
    value
        The estimate from all sequences.
    left_out
        (blocks,) estimates without each block.

    Returns
    -------
    lo, hi : `value` -+ 1.96 standard errors; NaN when an estimate is NaN.
    """
    left_out = np.asarray(left_out, dtype=np.float64)
    blocks = len(left_out)
    variance = (blocks - 1) / blocks * np.square(left_out - left_out.mean()).sum()
    half = 1.959963984540054 * float(np.sqrt(variance))
    return float(value - half), float(value + half)
