"""Criteria that read one projected map by itself: smoothness, and signal-to-noise by its own peaks."""

from __future__ import annotations

import numpy as np

from lucidna.ranking.consensus import TOP, signal_to_noise
from lucidna.ranking.prepare import smooth


def ac1_g(projected: np.ndarray) -> np.ndarray:
    """Lag-1 autocorrelation of the projected map of each sequence.

    Parameters
    ----------
    projected
        (N, L).

    Returns
    -------
    (N,) in [-1, 1]; 0 for a constant row. A positional window fools this criterion: use it with others.
    """
    centred = np.asarray(projected, dtype=np.float64)
    centred = centred - centred.mean(axis=-1, keepdims=True)
    power = np.einsum("nl,nl->n", centred, centred)
    lagged = np.einsum("nl,nl->n", centred[:, 1:], centred[:, :-1])
    return np.divide(lagged, power, out=np.zeros_like(power), where=power > 0)


def selfsnr(projected: np.ndarray, *, width: int = 9, share: float = 0.2, top: int = TOP) -> np.ndarray:
    """Signal-to-noise ratio against the map's own smoothed peaks.

    Parameters
    ----------
    projected
        (N, L).
    width
        Width of the smoothing box in bp; whole windows only, the ends take the nearest one.
    share
        Positions strictly above the 1 - `share` quantile of the smoothed map are the signal.
    top
        Number of background peaks averaged.

    Returns
    -------
    (N,), 0 where fewer than `top` background values are positive.
    """
    projected = np.asarray(projected, dtype=np.float64)
    length = projected.shape[-1]
    smoothed = smooth(projected, min(width, length - 1 + length % 2), pad="output")
    threshold = np.quantile(smoothed, 1 - share, axis=-1, keepdims=True)
    return signal_to_noise(projected, smoothed > threshold, top=top)
