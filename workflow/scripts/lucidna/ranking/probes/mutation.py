"""Stability of maps to changes where they see nothing of importance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lucidna.ranking.prepare import codes_of
from lucidna.ranking.probes.cosine import region_cosine
from lucidna.ranking.probes.draws import other_bases
from lucidna.sequence import one_hot_numpy


def mutation_stability(
    explain: Callable[[np.ndarray], np.ndarray],
    onehot: np.ndarray,
    corrected: np.ndarray,
    *,
    share: float = 0.2,
    seed: int = 0,
) -> np.ndarray:
    """Cosine of each map with that of a sequence mutated at positions of low importance.

    Parameters
    ----------
    explain, onehot, corrected
        As in `reverse_complement.rc_stability`.
    share
        Of the positions, drawn among the half whose map vectors are the shortest; each gets another base.
    seed
        Of the draw.

    Returns
    -------
    (N,) in [-1, 1], over the positions that were not mutated.
    """
    codes = codes_of(onehot)
    n, length = codes.shape
    rng = np.random.default_rng(seed)
    keys = rng.random((n, length))
    size = np.einsum("nal,nal->nl", corrected, corrected)
    lower = np.argsort(np.argsort(size, axis=1, kind="stable"), axis=1) < length // 2
    order = np.argsort(np.where(lower, keys, 2.0), axis=1)
    mutated = np.zeros((n, length), dtype=bool)
    np.put_along_axis(mutated, order[:, : min(round(share * length), length // 2)], True, axis=1)
    changed = np.where(mutated, other_bases(codes, rng), codes)
    return region_cosine(corrected, explain(one_hot_numpy(changed)), positions=~mutated)
