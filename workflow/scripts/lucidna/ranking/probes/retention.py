"""Stability of maps to everything around what they call important."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lucidna.ranking.prepare import codes_of, project
from lucidna.ranking.probes.cosine import region_cosine
from lucidna.ranking.probes.draws import top_positions
from lucidna.sequence import dinucleotide_shuffle, one_hot_numpy


def retention_stability(
    explain: Callable[[np.ndarray], np.ndarray],
    onehot: np.ndarray,
    corrected: np.ndarray,
    *,
    share: float = 0.2,
    seed: int = 0,
) -> np.ndarray:
    """Cosine of each map with that of a sequence of which only the top positions were kept.

    Parameters
    ----------
    explain, onehot, corrected
        As in `reverse_complement.rc_stability`.
    share
        Of the positions, those with the largest contributions, which stay; the others get the bases of a
        dinucleotide shuffle of the sequence.
    seed
        Of the shuffle: the same for every network.

    Returns
    -------
    (N,) in [-1, 1], over the positions that were kept.
    """
    codes = codes_of(onehot)
    kept = top_positions(project(corrected, onehot), share)
    shuffled = dinucleotide_shuffle(codes, seed=seed)[:, 0]
    changed = one_hot_numpy(np.where(kept, codes, shuffled))
    return region_cosine(corrected, explain(changed), positions=kept)
