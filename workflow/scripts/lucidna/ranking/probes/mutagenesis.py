"""Faithfulness: whether a map says what single-base changes do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lucidna.attribution.correction import correct
from lucidna.ranking.prepare import codes_of
from lucidna.ranking.probes.cosine import region_cosine
from lucidna.sequence import one_hot_numpy

CENTRE = 500
"""Positions are drawn within so many bp around the centre of the window, where a peak's signal lies."""


def draw_positions(n_regions: int, length: int, *, per_region: int, seed: int, centre: int = CENTRE) -> np.ndarray:
    """Draw the positions that are mutated, int64 (n_regions, P), sorted; all of the centre when it has no more."""
    width = min(length, centre)
    start = (length - width) // 2
    keys = np.random.default_rng(seed).random((n_regions, width))
    return start + np.sort(np.argsort(keys, axis=1)[:, :per_region], axis=1)


def substitution_effects(
    predict: Callable[[np.ndarray, np.ndarray], np.ndarray], onehot: np.ndarray, positions: np.ndarray
) -> np.ndarray:
    """Return how every substitution at the given positions changes the prediction.

    Parameters
    ----------
    predict
        One-hot sequences (M, 4, L) and the region that each comes from (M,) -> (M,).
    onehot
        (N, 4, L).
    positions
        (N, P).

    Returns
    -------
    (N, 4, P) float64: f(with this base) - f(as it is), 0 for the present base and where it is N.
    """
    codes = codes_of(onehot)
    n, per_region = positions.shape
    effects = np.zeros((n, 4, per_region))
    whole = predict(onehot, np.arange(n)).astype(np.float64)
    for region in range(n):
        column = np.repeat(np.arange(per_region), 4)
        base = np.tile(np.arange(4, dtype=np.uint8), per_region)
        present = codes[region, positions[region]][column]
        changed = (base != present) & (present < 4)
        column, base = column[changed], base[changed]
        mutants = np.repeat(codes[region][None], len(base), axis=0)
        mutants[np.arange(len(base)), positions[region][column]] = base
        output = predict(one_hot_numpy(mutants), np.full(len(base), region))
        effects[region, base, column] = output - whole[region]
    return effects


def ism_agreement(
    predict: Callable[[np.ndarray, np.ndarray], np.ndarray],
    onehot: np.ndarray,
    corrected: np.ndarray,
    positions: np.ndarray,
) -> np.ndarray:
    """Cosine of each map with in-silico mutagenesis, both with zero mean over bases, at the given positions.

    Parameters
    ----------
    predict, onehot, positions
        As in `substitution_effects`.
    corrected
        (N, 4, L) maps.

    Returns
    -------
    (N,) in [-1, 1]; 1 for a network that is linear.
    """
    effects = correct(substitution_effects(predict, onehot, positions))
    here = np.take_along_axis(np.asarray(corrected), positions[:, None, :], axis=2)
    known = np.take_along_axis(onehot.sum(axis=1), positions, axis=1) > 0
    return region_cosine(here, effects, positions=known)
