"""The mean map of some networks, and how far others are explained by it."""

from __future__ import annotations

import numpy as np

from lucidna.ranking.prepare import MapSet, unit_norm


def mean_map(maps: MapSet) -> np.ndarray:
    """Mean of the unit-norm corrected maps of some networks, unit norm again, float64 (N, 4, L)."""
    return unit_norm(sum(maps.corrected(index).astype(np.float64) for index in range(len(maps))))


def explained(maps: MapSet, control: np.ndarray) -> np.ndarray:
    """Mean cosine of every network's maps with the control map, (n,)."""
    return np.array([np.einsum("nal,nal->n", maps.corrected(index), control).mean() for index in range(len(maps))])
