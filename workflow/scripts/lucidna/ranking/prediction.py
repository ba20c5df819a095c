"""How well each network predicts its validation regions, with a bootstrap interval."""

from __future__ import annotations

import numpy as np

from lucidna.compiled import compiled
from lucidna.ranking.bootstrap import percentile_interval, resample

METRICS = ("auroc", "pearson")
CHANCE = {"auroc": 0.5, "pearson": 0.0}
METRIC_ENDS = {"auroc": (0, 1), "aupr": (0, 1), "pearson": (-1, 1), "spearman": (-1, 1)}
"""Ends of the scales of metrics that are known by name."""

_ROUNDING = 1e-6  # of numbers that were written with few digits


def problem_of_score(metric: str, value: float, lo: float = np.nan, hi: float = np.nan) -> str | None:
    """Say what cannot be true of a score and its interval, and what to do about it; None when all is well.

    What is NaN is not known and not judged.
    """
    low, high = METRIC_ENDS.get(metric, (-np.inf, np.inf))
    for number in (value, lo, hi):
        if number < low - _ROUNDING or number > high + _ROUNDING:
            hint = "divide percentages by 100" if high < number <= 100 else "give the metric itself"
            return f"{number:g}, and {metric} lies between {low} and {high}: {hint}"
    if lo > hi:
        return f"{value:g} with an interval from {lo:g} down to {hi:g}: give the lower end first"
    if value < lo - _ROUNDING or value > hi + _ROUNDING:
        return f"{value:g}, outside of its own interval {lo:g} to {hi:g}: give value, lower and upper end"
    return None


def prediction_metric(
    prediction: np.ndarray, target: np.ndarray, *, metric: str, bootstraps: int = 500, seed: int = 0
) -> tuple[float, float, float]:
    """AUROC or Pearson correlation, mean over tasks, with a 95 % percentile bootstrap interval over regions.

    Parameters
    ----------
    prediction, target, metric, bootstraps, seed
        As in `prediction_draws`.

    Returns
    -------
    value, lo, hi : floats; NaN where no task has both classes, or a varying prediction.
    """
    return with_interval(prediction_draws(prediction, target, metric=metric, bootstraps=bootstraps, seed=seed))


def prediction_draws(
    prediction: np.ndarray, target: np.ndarray, *, metric: str, bootstraps: int = 500, seed: int = 0
) -> np.ndarray:
    """AUROC or Pearson correlation, mean over tasks, of the data and of bootstrap samples of the regions.

    Parameters
    ----------
    prediction, target
        (n, T) logits and 0/1 labels, or predicted and measured log counts.
    metric
        "auroc" or "pearson".
    bootstraps, seed
        Number of samples, and the seed; the same seed gives networks of one fold the same samples.

    Returns
    -------
    (1 + bootstraps,): the first is that of the data; NaN where no task has both classes, or a varying prediction.
    """
    prediction = np.asarray(prediction, dtype=np.float64).reshape(len(prediction), -1)
    target = np.asarray(target, dtype=np.float64).reshape(len(target), -1)
    counts = np.concatenate([np.ones((1, len(target)), dtype=np.float32), resample(len(target), bootstraps, seed=seed)])
    function = auroc_draws if metric == "auroc" else pearson_draws
    with np.errstate(invalid="ignore"):
        draws = np.stack([function(p, t, counts) for p, t in zip(prediction.T, target.T, strict=True)])
    usable = np.isfinite(draws[:, 0])
    if not usable.any():
        return np.full(len(counts), np.nan)
    return np.nanmean(draws[usable], axis=0)


def with_interval(draws: np.ndarray) -> tuple[float, float, float]:
    """Return the first of draws (1 + B,), and the ends of the 95 % interval of the others."""
    lo, hi = percentile_interval(draws[1:, None])
    return float(draws[0]), float(lo[0]), float(hi[0])


def auroc_draws(prediction: np.ndarray, target: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the AUROC of (n,) predictions and 0/1 targets in each sample (B, n), ties half; (B,)."""
    order = np.argsort(prediction, kind="stable")
    ordered = prediction[order]
    ends = np.append(ordered[1:] != ordered[:-1], True)
    return _auroc_samples(target[order] > 0.5, ends, np.ascontiguousarray(counts.T[order], dtype=np.float32))


@compiled
def _auroc_samples(positive, ends, counts):
    n, samples = counts.shape
    below, above_area = np.zeros(samples), np.zeros(samples)
    tied_positive, tied_negative, total = np.zeros(samples), np.zeros(samples), np.zeros(samples)
    for row in range(n):
        if positive[row]:
            for sample in range(samples):
                tied_positive[sample] += counts[row, sample]
        else:
            for sample in range(samples):
                tied_negative[sample] += counts[row, sample]
        if ends[row]:
            for sample in range(samples):
                above_area[sample] += tied_positive[sample] * (below[sample] + 0.5 * tied_negative[sample])
                below[sample] += tied_negative[sample]
                total[sample] += tied_positive[sample]
                tied_positive[sample] = 0.0
                tied_negative[sample] = 0.0
    out = np.full(samples, np.nan)
    for sample in range(samples):
        if total[sample] > 0 and below[sample] > 0:
            out[sample] = above_area[sample] / (total[sample] * below[sample])
    return out


def pearson_draws(prediction: np.ndarray, target: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the Pearson correlation of (n,) predictions and targets in each sample (B, n); (B,)."""
    x = prediction - prediction.mean()
    y = target - target.mean()
    moments = counts.astype(np.float64) @ np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=1)
    n, sx, sy, sxx, syy, sxy = moments.T
    vx, vy = sxx - sx**2 / n, syy - sy**2 / n
    flat = (vx <= 1e-12 * np.maximum(sxx, 1e-300)) | (vy <= 1e-12 * np.maximum(syy, 1e-300))
    return np.where(flat, np.nan, (sxy - sx * sy / n) / np.sqrt(np.where(flat, 1, vx * vy)))
