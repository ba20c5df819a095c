"""How well a predicted uncertainty orders the errors that are made."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import rankdata

from lucidna.training.metrics import mean_over_tasks

DRAWS = 500
LEVEL = 0.95
PARTS = 5

_AT_ONCE = 10**7  # numbers of a block of draws


def uncertainty_summary(
    prediction: np.ndarray,
    target: np.ndarray,
    log_variance: np.ndarray,
    *,
    members: tuple[np.ndarray, np.ndarray],
    binary: bool,
    seed: int = 0,
) -> dict[str, Any]:
    """Compare a predicted log-variance with squared errors and with the spread of the members.

    Parameters
    ----------
    prediction, target : numpy.ndarray
        (n, T): logits and labels, or log counts.
    log_variance : numpy.ndarray
        (n, T), predicted.
    members : (numpy.ndarray, numpy.ndarray)
        Mean and log-variance of the members, (n, T) each.
    binary : bool
        Whether errors are those of probabilities. Variances of logits are then carried over to the probability p,
        to first order: times (p (1 - p))^2.
    seed : int
        Of the bootstrap.

    Returns
    -------
    dict
        `error`, `spread`: Spearman correlation of the predicted variance with the squared error, and with the
        members' variance; `members_error`: of the members' variance with the squared error of their mean;
        `confidence`, for labels: of p (1 - p) alone with the squared error, which a variance must surpass to say
        more than the prediction does; each {"value", "lo", "hi"}, a mean over tasks with its 95 % interval over
        resampled rows, None where not defined. `fifths`: the mean squared error in each fifth of the rows, by
        rising predicted variance.
    """
    own = _spread(prediction, log_variance, binary=binary)
    theirs = _spread(*members, binary=binary)
    errors = _squared_errors(prediction, target, binary=binary)
    member_errors = _squared_errors(members[0], target, binary=binary)
    return {
        "error": rank_correlation(own, errors, seed=seed),
        "spread": rank_correlation(own, theirs, seed=seed),
        "members_error": rank_correlation(theirs, member_errors, seed=seed),
        "confidence": rank_correlation(-np.abs(prediction), errors, seed=seed) if binary else None,
        "fifths": mean_by_part(own, errors),
    }


def rank_correlation(a: np.ndarray, b: np.ndarray, *, seed: int = 0, draws: int = DRAWS) -> dict[str, float | None]:
    """Return Spearman's correlation of the columns of (n, T) arrays, a mean over tasks, with a bootstrap interval.

    Rows are ranked once, and the ranks resampled: `draws` times the products of n x T numbers.
    """
    a, b = (rankdata(values, axis=0) for values in (a, b))
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    n, n_tasks = a.shape
    columns = np.concatenate([a, b, a * a, b * b, a * b], axis=1)
    rng = np.random.default_rng(seed)
    samples = [_correlations(np.ones((1, n)), columns, n_tasks)]
    for start in range(0, draws, block := max(1, _AT_ONCE // max(n, 1))):
        counts = rng.multinomial(n, np.full(n, 1 / n), size=min(block, draws - start))
        samples.append(_correlations(counts.astype(np.float64), columns, n_tasks))
    means = [mean_over_tasks(row) for row in np.concatenate(samples)]
    value, drawn = means[0], np.array(means[1:])
    if not np.isfinite(value):
        return {"value": None, "lo": None, "hi": None}
    lo, hi = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {"value": value, "lo": float(lo), "hi": float(hi)}


def mean_by_part(order: np.ndarray, values: np.ndarray, *, parts: int = PARTS) -> list[float]:
    """Return the mean of (n, T) values in each part of the rows, by rising (n, T) `order`, a mean over tasks."""
    rising = np.argsort(order, axis=0, kind="stable")
    blocks = np.array_split(np.take_along_axis(values, rising, axis=0), parts)
    return [float(block.mean()) if block.size else float("nan") for block in blocks]


def _correlations(counts: np.ndarray, columns: np.ndarray, n_tasks: int) -> np.ndarray:
    """Return Pearson's correlation of each task in each sample, (B, T), NaN where one side is constant."""
    total = counts.sum(axis=1, keepdims=True)
    a, b, aa, bb, ab = np.split(counts @ columns / total, 5, axis=1)
    va, vb = aa - a * a, bb - b * b
    flat = (va <= 1e-9 * aa) | (vb <= 1e-9 * bb)
    return np.where(flat, np.nan, (ab - a * b) / np.sqrt(np.where(flat, 1, va * vb)))


def _spread(prediction: np.ndarray, log_variance: np.ndarray, *, binary: bool) -> np.ndarray:
    log_variance = np.asarray(log_variance, dtype=np.float64)
    if not binary:
        return log_variance
    # log p (1 - p) = -|z| - 2 log(1 + exp(-|z|)), which does not underflow.
    z = np.abs(np.asarray(prediction, dtype=np.float64))
    return log_variance - 2 * (z + 2 * np.log1p(np.exp(-z)))


def _squared_errors(prediction: np.ndarray, target: np.ndarray, *, binary: bool) -> np.ndarray:
    prediction = np.asarray(prediction, dtype=np.float64)
    if binary:
        prediction = 0.5 * (1 + np.tanh(prediction / 2))
    return (prediction - target) ** 2
