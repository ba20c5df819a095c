"""Every metric of prediction, per track and over all tracks, with intervals over validation regions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from lucidna.ranking.bootstrap import bootstrap_means, percentile_interval, resample
from lucidna.ranking.calibration import calibration_interval
from lucidna.ranking.prediction import auroc_draws, pearson_draws, with_interval

OVERALL = "all"
METRICS = {
    "binary": ("auroc", "aupr", "calibration_error"),
    "counts": ("pearson", "spearman", "mse", "calibration_error"),
    "profile": ("pearson", "spearman", "mse", "jsd", "calibration_error"),
}
COLUMNS = ["task", "metric", "value", "lo", "hi"]


def prediction_table(
    prediction: np.ndarray,
    target: np.ndarray,
    *,
    kind: str,
    tasks: Sequence[str],
    jsd: np.ndarray | None = None,
    bootstraps: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Tabulate the metrics of one network.

    Parameters
    ----------
    prediction, target
        (n, T) logits and 0/1 labels ("binary"), or predicted and measured log counts.
    kind
        "binary", "counts" or "profile".
    tasks
        T names.
    jsd
        (n, T) Jensen-Shannon distances of profiles, NaN where nothing was measured.
    bootstraps, seed
        As in `prediction.prediction_metric`: the same samples of regions for all networks of a fold.

    Returns
    -------
    DataFrame
        Columns task, metric, value, lo, hi; a row for each task and metric, then one with the task "all" (the mean
        over tasks) for each metric. 95 % intervals: bootstrap, for Spearman with the ranks held fixed, and for the
        calibration error a block jackknife. NaN where a metric is not defined.
    """
    prediction = np.asarray(prediction, dtype=np.float64).reshape(len(prediction), -1)
    target = np.asarray(target, dtype=np.float64).reshape(len(target), -1)
    counts = np.concatenate([np.ones((1, len(target)), dtype=np.float32), resample(len(target), bootstraps, seed=seed)])
    rows, overall = [], []
    for metric in METRICS[kind]:
        if metric == "jsd" and jsd is None:
            continue
        if metric == "calibration_error":
            each, mean = calibration_interval(prediction, target, logits=kind == "binary")
        else:
            with np.errstate(invalid="ignore", divide="ignore"):
                draws = np.stack(
                    [
                        _draws(
                            metric, prediction[:, task], target[:, task], None if jsd is None else jsd[:, task], counts
                        )
                        for task in range(target.shape[1])
                    ]
                )
            each = np.array([with_interval(part) for part in draws])
            usable = np.isfinite(draws[:, 0])
            mean = with_interval(np.nanmean(draws[usable], axis=0)) if usable.any() else (np.nan,) * 3
        rows += [(task, metric, *map(float, values)) for task, values in zip(tasks, each, strict=True)]
        overall.append((OVERALL, metric, *map(float, mean)))
    return pd.DataFrame(rows + overall, columns=COLUMNS)


def overall_columns(table: pd.DataFrame, *, without: str) -> dict[str, float]:
    """Return the panel's columns of one network: each metric over all tasks but `without`, value and ends."""
    columns = {}
    for row in table[(table["task"] == OVERALL) & (table["metric"] != without)].itertuples(index=False):
        columns |= {row.metric: row.value, f"{row.metric}_lo": row.lo, f"{row.metric}_hi": row.hi}
    return columns


def cross_entropy_interval(
    logit: np.ndarray, target: np.ndarray, *, bootstraps: int = 500, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % interval of the mean cross-entropy of logits and labels (n, T), bootstrapped over regions."""
    logit, target = np.asarray(logit, dtype=np.float64), np.asarray(target, dtype=np.float64)
    each = (np.logaddexp(0, logit) - target * logit).reshape(len(target), -1).mean(axis=1)
    lo, hi = percentile_interval(bootstrap_means(each[None], resample(len(target), bootstraps, seed=seed)))
    return float(lo[0]), float(hi[0])


def aupr_draws(prediction: np.ndarray, target: np.ndarray, counts: np.ndarray, *, chunk: int = 64) -> np.ndarray:
    """Return the average precision of (n,) predictions and 0/1 targets in each sample (B, n); (B,).

    Tied predictions enter together; NaN where a sample has no positive.
    """
    order = np.argsort(-prediction, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(prediction[order]) != 0, True))
    positive = (target[order] > 0.5).astype(np.float64)
    out = np.empty(len(counts))
    for start in range(0, len(counts), chunk):
        part = counts[start : start + chunk][:, order].astype(np.float64)
        found = np.cumsum(part, axis=1)[:, ends]
        hits = np.cumsum(part * positive, axis=1)[:, ends]
        precision = np.divide(hits, found, out=np.zeros_like(hits), where=found > 0)
        gained = (np.diff(hits, axis=1, prepend=0.0) * precision).sum(axis=1)
        out[start : start + chunk] = np.divide(
            gained, hits[:, -1], out=np.full(len(part), np.nan), where=hits[:, -1] > 0
        )
    return out


def _draws(
    metric: str, prediction: np.ndarray, target: np.ndarray, jsd: np.ndarray | None, counts: np.ndarray
) -> np.ndarray:
    """Return the metric of one task in each sample (B,); the first sample is the data themselves."""
    if metric == "auroc":
        return auroc_draws(prediction, target, counts)
    if metric == "aupr":
        return aupr_draws(prediction, target, counts)
    if metric == "pearson":
        return pearson_draws(prediction, target, counts)
    if metric == "spearman":
        return pearson_draws(rankdata(prediction), rankdata(target), counts)
    values = jsd if metric == "jsd" else (prediction - target) ** 2
    return bootstrap_means(values[None], counts)[:, 0]
