"""Cosine of two maps of the same region, over all of its positions or some."""

from __future__ import annotations

import numpy as np


def region_cosine(first: np.ndarray, second: np.ndarray, *, positions: np.ndarray | None = None) -> np.ndarray:
    """Return the cosine of two sets of maps, region by region.

    Parameters
    ----------
    first, second
        (N, 4, L) corrected maps of any scale.
    positions
        (N, L) bool, the positions compared; all by default.

    Returns
    -------
    (N,) float64 in [-1, 1]; 0 where one of the two is zero at all positions compared: it agrees with nothing.
    """
    first, second = _at(first, positions), _at(second, positions)
    dot = np.einsum("nal,nal->n", first, second)
    norm = np.sqrt(np.einsum("nal,nal->n", first, first) * np.einsum("nal,nal->n", second, second))
    return np.clip(np.divide(dot, norm, out=np.zeros_like(dot), where=norm > 0), -1, 1)


def _at(maps: np.ndarray, positions: np.ndarray | None) -> np.ndarray:
    """Scale by the largest entry, which keeps the squares of very small and large gradients in range."""
    maps = np.asarray(maps, dtype=np.float64)
    if positions is not None:
        maps = maps * positions[:, None, :]
    peak = np.abs(maps).max(axis=(1, 2), keepdims=True)
    return maps / np.where(peak > 0, peak, 1)
