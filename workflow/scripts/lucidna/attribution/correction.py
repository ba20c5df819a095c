"""The part of a map that one-hot data cannot constrain: remove it, and measure it.

Arrays and tensors alike; torch is not imported, so that the ranking of maps goes without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    import torch

Array = TypeVar("Array", np.ndarray, "torch.Tensor")


def correct(maps: Array) -> Array:
    """Subtract the mean over the four bases at each position.

    One-hot sequences lie on a simplex; the component of a gradient along (1, 1, 1, 1) points out of it, is
    not constrained by any data, and is noise (Majdandzic et al., Genome Biol 24:109, 2023, eq. 3).

    Parameters
    ----------
    maps : array or Tensor
        Hypothetical contributions, (..., 4, L).

    Returns
    -------
    array or Tensor
        Same shape and type; sums to zero over the base axis.
    """
    return maps - maps.mean(axis=-2, keepdims=True)


def simplex_angles(maps: np.ndarray) -> np.ndarray:
    """Return the angle between the gradient and the plane of the simplex at each position.

    ``arcsin(sum_a s_a / (2 |s|))`` (Majdandzic et al., Genome Biol 24:109, 2023, eq. 5): 0 where the gradient
    lies in the plane, +-90 where it is wholly out of it.

    Parameters
    ----------
    maps : array
        Uncorrected gradients, (N, 4, L).

    Returns
    -------
    array
        Degrees in [-90, 90], float32 (N, L); 0 where the gradient is zero.
    """
    maps = np.asarray(maps)
    norm = np.sqrt(np.square(maps, dtype=np.float64).sum(axis=-2))
    total = maps.sum(axis=-2, dtype=np.float64)
    sine = np.divide(total, 2 * norm, out=np.zeros_like(norm), where=norm > 0)
    return np.degrees(np.arcsin(np.clip(sine, -1, 1))).astype(np.float32)


def angle_shares(angles: np.ndarray, *, thresholds: tuple[int, ...] = (30, 45, 60)) -> dict[str, float]:
    """Return the share of positions whose gradient leaves the simplex by more than each threshold (degrees).

    Parameters
    ----------
    angles : array
        From `simplex_angles`.
    thresholds : tuple of int
        Degrees.

    Returns
    -------
    dict
        ``{"over_30": ..., "over_45": ..., "over_60": ...}``, between 0 and 1.
    """
    size = np.abs(np.asarray(angles))
    return {f"over_{degrees}": float((size > degrees).mean()) for degrees in thresholds}
