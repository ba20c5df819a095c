"""How well attribution maps point at the bases that matter, where these are known."""

from __future__ import annotations

import numpy as np

from lucidna.ppm import information

_SAME = 1e-9  # bits; two columns of even bases may differ by rounding


def ground_truth_metrics(
    maps: np.ndarray, one_hot: np.ndarray, truth: np.ndarray, *, threshold: float = 0.1, top: int = 10
) -> dict[str, np.ndarray]:
    """Compare maps with the matrices that their sequences were drawn from.

    With g the map at the observed bases and I the information of the truth's columns: a position belongs to
    a motif when I > `threshold`, and to the background when I is the smallest of its sequence. Weak motif
    columns are neither, and count nowhere.

    * auroc, aupr: g as a score for motif against background.
    * snr: the mean g of the motif over the mean of the `top` largest g of the background; 0 when fewer than
      `top` of these are positive.
    * cosine: of the whole map and truth - 0.25, flattened.

    The evaluation of Majdandzic et al., Genome Biology 24:109 (2023), and of their consistency study (PMLR
    200:131, 2022).

    Parameters
    ----------
    maps : array (N, 4, L)
        Hypothetical contributions, corrected or not.
    one_hot : array (N, 4, L)
    truth : array (N, 4, L)
        Probabilities.
    threshold : float
        Bits.
    top : int

    Returns
    -------
    dict[str, float64 (N,)]
        auroc, aupr, snr, cosine. auroc and aupr are NaN for a sequence without motif or without background,
        cosine is 0 for a map of zeros.

    Raises
    ------
    ValueError
        When the three shapes differ.
    """
    maps, truth = np.asarray(maps, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    if not maps.shape == one_hot.shape == truth.shape:
        raise ValueError(f"shapes differ: maps {maps.shape}, one-hot {one_hot.shape}, truth {truth.shape}")
    score = (maps * one_hot).sum(axis=1)
    bits = information(truth)
    motif = bits > threshold
    background = ~motif & (bits <= bits.min(axis=1, keepdims=True) + _SAME)
    return {
        "auroc": auroc(score, motif, valid=motif | background),
        "aupr": aupr(score, motif, valid=motif | background),
        "snr": _signal_to_noise(score, motif, background, top=top),
        "cosine": _cosine(maps, truth - 0.25),
    }


def mask_auc(projected: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Score projected maps against what every base contributes.

    The size of a contribution counts, not its sign: repressors are to be found too.

    Parameters
    ----------
    projected : array (n, L)
        Maps at the observed bases.
    mask : array (n, L)
        0 where a base contributes nothing.

    Returns
    -------
    auroc, aupr : float64 (n,)
        NaN for a region where no base, or every base, contributes.

    Raises
    ------
    ValueError
        When the shapes differ.
    """
    if projected.shape != mask.shape:
        raise ValueError(f"shapes differ: maps {projected.shape}, mask {mask.shape}")
    size, label = np.abs(np.asarray(projected, dtype=np.float64)), np.asarray(mask) > 0
    return auroc(size, label), aupr(size, label)


def auroc(score: np.ndarray, label: np.ndarray, *, valid: np.ndarray | None = None) -> np.ndarray:
    """Return the area under the ROC curve of every row, ties counted half.

    Parameters
    ----------
    score : float (N, L)
    label : bool (N, L)
    valid : bool (N, L), optional
        Positions that count; default all.

    Returns
    -------
    float64 (N,)
        NaN where a row lacks one of the two labels.
    """
    true, false, ends = _cumulated(score, label, valid)
    positives, negatives = true[:, -1], false[:, -1]
    # The area in trapezes between tied groups is the rank statistic with ties counted half.
    area = _trapezes(false, true, ends, origin=0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(positives * negatives > 0, area / (positives * negatives), np.nan)


def aupr(score: np.ndarray, label: np.ndarray, *, valid: np.ndarray | None = None) -> np.ndarray:
    """Return the area under the precision-recall curve of every row, in trapezes from (0, 1).

    Parameters
    ----------
    score, label, valid
        As for `auroc`.

    Returns
    -------
    float64 (N,)
        NaN where a row lacks one of the two labels.
    """
    true, false, ends = _cumulated(score, label, valid)
    positives, negatives = true[:, -1], false[:, -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = true / (true + false)
        recall = true / positives[:, None]
    area = _trapezes(recall, precision, ends, origin=1.0)
    return np.where(positives * negatives > 0, area, np.nan)


def _cumulated(
    score: np.ndarray, label: np.ndarray, valid: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sort every row by falling score and count true and false positives down to each position.

    Returns
    -------
    true, false : float64 (N, L)
    ends : bool (N, L)
        True at the last position of every group of tied scores; positions that do not count are never ends.
    """
    score = np.asarray(score, dtype=np.float64)
    label = np.asarray(label, dtype=bool)
    valid = np.ones(score.shape, dtype=bool) if valid is None else np.asarray(valid, dtype=bool)
    order = np.argsort(np.where(valid, -score, np.inf), axis=1, kind="stable")
    score, label, valid = (np.take_along_axis(array, order, axis=1) for array in (score, label, valid))
    ends = valid.copy()
    ends[:, :-1] &= (score[:, :-1] != score[:, 1:]) | ~valid[:, 1:]
    true = np.cumsum(label & valid, axis=1, dtype=np.float64)
    false = np.cumsum(~label & valid, axis=1, dtype=np.float64)
    return true, false, ends


def _trapezes(x: np.ndarray, y: np.ndarray, ends: np.ndarray, *, origin: float) -> np.ndarray:
    """Integrate every row of y over x through the points marked in `ends`, starting at (0, `origin`)."""
    columns = np.where(ends, np.arange(ends.shape[1]), -1)
    last = np.maximum.accumulate(columns, axis=1)
    x = np.where(last >= 0, np.take_along_axis(x, np.maximum(last, 0), axis=1), 0.0)
    y = np.where(last >= 0, np.take_along_axis(y, np.maximum(last, 0), axis=1), origin)
    x = np.concatenate([np.zeros((len(x), 1)), x], axis=1)
    y = np.concatenate([np.full((len(y), 1), origin), y], axis=1)
    return (np.diff(x, axis=1) * (y[:, 1:] + y[:, :-1])).sum(axis=1) / 2


def _signal_to_noise(score: np.ndarray, motif: np.ndarray, background: np.ndarray, *, top: int) -> np.ndarray:
    if score.shape[1] < top:
        return np.zeros(len(score))
    largest = -np.sort(np.where(background, -score, np.inf), axis=1)[:, :top]
    enough = largest[:, -1] > 0
    signal = np.where(motif, score, 0.0).sum(axis=1) / np.maximum(motif.sum(axis=1), 1)
    noise = np.where(enough[:, None], largest, 1.0).mean(axis=1)
    return np.where(enough, signal / noise, 0.0)


def _cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return (a * b).sum(axis=1) / np.where(norms > 0, norms, 1.0)
