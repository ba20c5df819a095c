"""Position probability matrices: float64 (4, w), base order A C G T, every column summing to 1."""

from __future__ import annotations

import numpy as np


def information(ppm: np.ndarray) -> np.ndarray:
    """Return the information of every column against even bases.

    Parameters
    ----------
    ppm : array (..., 4, w)

    Returns
    -------
    float64 (..., w)
        Bits, 0 to 2.
    """
    ppm = np.asarray(ppm, dtype=np.float64)
    return 2.0 + (ppm * np.log2(np.maximum(ppm, 1e-300))).sum(axis=-2)


def reverse_complement_ppm(ppm: np.ndarray) -> np.ndarray:
    """Return the PPM (..., 4, w) of the other strand: both last axes reversed."""
    return np.ascontiguousarray(ppm[..., ::-1, ::-1])
