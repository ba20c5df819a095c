"""How well predictions agree with measurements: one number per task, NaN where it is not defined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata


def auroc(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the area under the ROC curve per task; tied scores count one half.

    Parameters
    ----------
    scores, labels : numpy.ndarray
        (N, T); labels above 0.5 are positive.

    Returns
    -------
    numpy.ndarray
        float64 (T,); NaN where only one class is present.
    """
    positive = labels > 0.5
    n_positive = positive.sum(axis=0)
    n_negative = len(labels) - n_positive
    ranks = rankdata(scores, axis=0)
    wins = np.where(positive, ranks, 0).sum(axis=0) - n_positive * (n_positive + 1) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return wins / (n_positive * n_negative)


def aupr(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the average precision per task; tied scores enter together.

    Parameters and shapes as in `auroc`; NaN where there is no positive.
    """
    return np.array([_average_precision(s, y > 0.5) for s, y in zip(scores.T, labels.T, strict=True)])


def _average_precision(scores: np.ndarray, positive: np.ndarray) -> float:
    if not positive.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(positive[order])
    last_of_tie = np.append(np.diff(scores[order]) != 0, True)
    hits, found = hits[last_of_tie], np.flatnonzero(last_of_tie) + 1
    recall = hits / hits[-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * hits / found))


def pearson(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return Pearson's correlation of the columns of (N, T) arrays; NaN where one is constant."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    scale = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(scale > 0, (a * b).sum(axis=0) / scale, np.nan)


def spearman(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return Spearman's rank correlation of the columns of (N, T) arrays; ties take their mean rank."""
    return pearson(rankdata(a, axis=0), rankdata(b, axis=0))


def profile_jsd(logits: np.ndarray, counts: np.ndarray, channels: Sequence[Sequence[int]]) -> np.ndarray:
    """Return the Jensen-Shannon distance of predicted and measured profiles, per row and task.

    The square root of the divergence in nats, as scipy and ChromBPNet report it: 0 for equal profiles, 0.833
    for disjoint ones. One distribution per track, over the positions of all its strands.

    Parameters
    ----------
    logits, counts : numpy.ndarray
        (N, C, L_out).
    channels : list of list of int
        For each task, its rows among C.

    Returns
    -------
    numpy.ndarray
        float32 (N, T); NaN where a measured profile is empty.
    """
    out = np.empty((len(logits), len(channels)), dtype=np.float32)
    for task, rows in enumerate(channels):
        z = logits[:, rows].reshape(len(logits), -1).astype(np.float64)
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        q = counts[:, rows].reshape(len(counts), -1).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            q = q / q.sum(axis=1, keepdims=True)
        middle = (p + q) / 2
        divergence = (_x_log_ratio(p, middle) + _x_log_ratio(q, middle)).sum(axis=1) / 2
        out[:, task] = np.sqrt(np.maximum(divergence, 0))
    return out


def _x_log_ratio(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(x == 0, 0, x * np.log(x / y))


def score(
    prediction: np.ndarray, target: np.ndarray, *, kind: str, jsd: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Return every metric of a target, each (T,).

    Parameters
    ----------
    prediction, target : numpy.ndarray
        (N, T): logits and labels ("binary"), or log1p counts.
    kind : str
        "binary", "counts" or "profile".
    jsd : numpy.ndarray, optional
        (N, T) of `profile_jsd`, for "profile".
    """
    if kind == "binary":
        return {"auroc": auroc(prediction, target), "aupr": aupr(prediction, target)}
    scores = {
        "pearson": pearson(prediction, target),
        "spearman": spearman(prediction, target),
        "mse": np.mean((prediction.astype(np.float64) - target) ** 2, axis=0),
    }
    if kind == "profile":
        measured = np.isfinite(jsd)
        with np.errstate(invalid="ignore", divide="ignore"):
            scores["jsd"] = np.where(measured, jsd, 0).sum(axis=0, dtype=np.float64) / measured.sum(axis=0)
    return scores


def mean_over_tasks(values: np.ndarray) -> float:
    """Return the mean of what is defined, or NaN."""
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if len(defined) else float("nan")
