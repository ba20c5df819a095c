"""What several probes share: which positions a map ranks highest, and random bases that differ from what is there."""

from __future__ import annotations

import numpy as np


def top_positions(values: np.ndarray, share: float) -> np.ndarray:
    """Mark the highest positions of each region.

    Parameters
    ----------
    values
        (N, L).
    share
        Of the positions, at least one.

    Returns
    -------
    (N, L) bool, the same number in each row; ties go to the position further left.
    """
    n, length = values.shape
    count = max(1, round(share * length))
    marked = np.zeros((n, length), dtype=bool)
    np.put_along_axis(marked, np.argsort(-values, axis=1, kind="stable")[:, :count], True, axis=1)
    return marked


def other_bases(codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a base other than the present one at each position of codes (N, L); N stays N."""
    step = rng.integers(1, 4, size=codes.shape, dtype=np.uint8)
    return np.where(codes < 4, (codes + step) % 4, codes).astype(np.uint8)
