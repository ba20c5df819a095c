"""Stability of maps to the strand: the map of the other strand, turned back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lucidna.ranking.probes.cosine import region_cosine
from lucidna.sequence import reverse_complement_one_hot


def rc_stability(explain: Callable[[np.ndarray], np.ndarray], onehot: np.ndarray, corrected: np.ndarray) -> np.ndarray:
    """Cosine of each map with that of the reverse complement, turned back.

    Parameters
    ----------
    explain
        One-hot sequences (N, 4, L) -> corrected maps (N, 4, L).
    onehot
        (N, 4, L) float32, bases ACGT.
    corrected
        (N, 4, L), `explain(onehot)`.

    Returns
    -------
    (N,) in [-1, 1]; 1 for a network that reads both strands alike.
    """
    turned = reverse_complement_one_hot(explain(reverse_complement_one_hot(onehot)))
    return region_cosine(corrected, turned)
