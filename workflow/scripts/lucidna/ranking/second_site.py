"""Agreement with the other networks beyond the strongest site of each map: one motif alone leaves nothing else."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

WIDTH = 11


def second_site(projected: np.ndarray, motif: np.ndarray, *, width: int = WIDTH) -> np.ndarray:
    """AUROC of projected maps against pseudo-motifs without the window where each map is strongest.

    Parameters
    ----------
    projected
        (N, L).
    motif
        bool (N, L), the pseudo-motif positions of the other networks.
    width
        Of the window with the largest sum, which is left out, in bp.

    Returns
    -------
    (N,) ties half; 0.5 where nothing is left to tell apart.
    """
    values = np.asarray(projected, dtype=np.float64)
    length = values.shape[-1]
    width = min(width, length)
    cumulative = np.pad(np.cumsum(values, axis=-1), ((0, 0), (1, 0)))
    start = (cumulative[:, width:] - cumulative[:, :-width]).argmax(axis=-1)
    places = np.arange(length)
    dropped = (places >= start[:, None]) & (places < start[:, None] + width)
    # What is left out ranks below all else, so every other rank is too high by the width.
    ranks = rankdata(np.where(dropped, -np.inf, values), axis=-1) - width
    labels = motif & ~dropped
    positive = labels.sum(axis=-1)
    negative = length - width - positive
    area = np.where(labels, ranks, 0).sum(axis=-1) - positive * (positive + 1) / 2
    pairs = positive * negative
    return np.where(pairs > 0, area / np.maximum(pairs, 1), 0.5)
