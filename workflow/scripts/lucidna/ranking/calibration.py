"""Calibration: how far predictions are from what is measured where they are made."""

from __future__ import annotations

import numpy as np

from lucidna.ranking.bootstrap import block_jackknife

BINS = 10
BLOCKS = 20


def calibration_error(prediction: np.ndarray, target: np.ndarray, *, bins: int = BINS) -> float:
    """Mean distance of predicted and measured averages over bins of equal numbers of regions.

    Parameters
    ----------
    prediction, target
        (n,) probabilities and 0/1 labels, or predicted and measured log counts; equal predictions share a bin.
    bins
        Number of bins.

    Returns
    -------
    float
        In units of the target, 0 is best; for labels the expected calibration error. Noise of the averages
        adds to it: compare networks on the same regions only.
    """
    prediction, target = np.asarray(prediction, dtype=np.float64), np.asarray(target, dtype=np.float64)
    edges = np.quantile(prediction, np.linspace(0, 1, bins + 1)[1:-1])
    bin_of = np.searchsorted(edges, prediction, side="left")
    gap = np.bincount(bin_of, weights=prediction - target, minlength=bins)
    return float(np.abs(gap).sum() / len(target))


def calibration_interval(
    prediction: np.ndarray, target: np.ndarray, *, logits: bool, bins: int = BINS, blocks: int = BLOCKS
) -> tuple[np.ndarray, tuple[float, float, float]]:
    """Calibration error of each task, and of their mean with its block jackknife interval.

    Parameters
    ----------
    prediction, target
        (n, T); with `logits`, predictions are log odds of labels.
    bins, blocks
        Number of bins, and of blocks of regions left out one at a time.

    Returns
    -------
    tasks : (T, 3), value and interval ends of each task.
    overall : the same of the mean over tasks.
    """
    prediction = np.asarray(prediction, dtype=np.float64)
    if logits:
        prediction = 0.5 * (1 + np.tanh(prediction / 2))
    n, n_tasks = prediction.shape
    blocks = min(blocks, n)
    values = np.array([calibration_error(p, t, bins=bins) for p, t in zip(prediction.T, target.T, strict=True)])
    left_out = np.empty((blocks, n_tasks))
    for block in range(blocks):
        kept = np.arange(n) % blocks != block
        for task in range(n_tasks):
            left_out[block, task] = calibration_error(prediction[kept, task], target[kept, task], bins=bins)
    tasks = np.array([(v, *_ends(v, out)) for v, out in zip(values, left_out.T, strict=True)])
    mean = float(values.mean())
    return tasks, (mean, *_ends(mean, left_out.mean(axis=1)))


def _ends(value: float, left_out: np.ndarray) -> tuple[float, float]:
    lo, hi = block_jackknife(value, left_out)
    return max(lo, 0.0), hi
