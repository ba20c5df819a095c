"""How far raw gradients leave the simplex of one-hot sequences: a diagnostic that needs no truth."""

from __future__ import annotations

import numpy as np


def angle_share(raw: np.ndarray, *, degrees: float = 30.0) -> np.ndarray:
    """Share of positions whose gradient leaves the plane of the simplex by more than `degrees`.

    Parameters
    ----------
    raw
        (N, 4, L) uncorrected gradients; corrected maps give 0.
    degrees
        Threshold in degrees, 0 to 90.

    Returns
    -------
    (N,) between 0 and 1; positions without any gradient count as inside.

    Notes
    -----
    theta = arcsin(sum_a s_a / (2 |s|)); Majdandzic et al., Genome Biology 24:109, 2023. Not used for ranking:
    within a family the angle says little about the quality of a map.
    """
    raw = np.asarray(raw, dtype=np.float64)
    norm = np.sqrt(np.einsum("nal,nal->nl", raw, raw))
    sine = np.divide(raw.sum(axis=1), 2 * norm, out=np.zeros_like(norm), where=norm > 0)
    return (np.abs(sine) > np.sin(np.radians(degrees))).mean(axis=1)
