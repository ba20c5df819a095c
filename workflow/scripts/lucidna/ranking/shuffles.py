"""The same regions without their motifs: the null of every criterion."""

from __future__ import annotations

import numpy as np

from lucidna.attribution.nulls import shuffled_copies


def shuffled_regions(codes: np.ndarray, *, seed: int) -> np.ndarray:
    """Shuffle each region once, keeping its dinucleotide counts; the same for every network of a fold.

    Parameters
    ----------
    codes
        uint8 (N, L); N bases stay where they are.
    seed
        `ranking.seed`.

    Returns
    -------
    uint8 (N, L).
    """
    return shuffled_copies(codes, n_shuffles=1, seed=seed, purpose="ranking")[:, 0]
