"""Stability of maps to noise on the input."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lucidna.ranking.probes.cosine import region_cosine

DEVIATION = 0.1
"""Standard deviation of the noise, as in SmoothGrad and in the field's training with input noise."""


def noise_stability(
    explain: Callable[[np.ndarray], np.ndarray],
    onehot: np.ndarray,
    corrected: np.ndarray,
    *,
    deviation: float = DEVIATION,
    seed: int = 0,
) -> np.ndarray:
    """Cosine of each map with that of the sequence plus Gaussian noise on every entry of its one-hot columns.

    Parameters
    ----------
    explain, onehot, corrected
        As in `reverse_complement.rc_stability`.
    deviation
        Standard deviation of the noise.
    seed
        Of the noise: the same for every network.

    Returns
    -------
    (N,) in [-1, 1].
    """
    rng = np.random.default_rng(seed)
    noisy = onehot + deviation * rng.standard_normal(onehot.shape, dtype=np.float32)
    return region_cosine(corrected, explain(noisy.astype(np.float32)))
