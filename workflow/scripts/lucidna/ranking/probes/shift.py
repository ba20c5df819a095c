"""Stability of maps to where the window begins: sequences moved by a few bases."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lucidna.ranking.probes.cosine import region_cosine

SHIFTS = (-3, -2, -1, 1, 2, 3)


def shift_stability(
    explain: Callable[[np.ndarray], np.ndarray],
    onehot: np.ndarray,
    corrected: np.ndarray,
    *,
    shifts: Sequence[int] = SHIFTS,
) -> np.ndarray:
    """Mean cosine of each map with those of the moved sequence, moved back.

    Parameters
    ----------
    explain, onehot, corrected
        As in `reverse_complement.rc_stability`.
    shifts
        Moves in bp, to the right where positive.

    Returns
    -------
    (N,) in [-1, 1]; 1 for a network without a sense of place.

    Notes
    -----
    The bases that leave at one end come in at the other, so no sequence outside the window is needed; these
    few positions are not compared.
    """
    n, _, length = onehot.shape
    total = np.zeros(n)
    for shift in shifts:
        moved = explain(np.ascontiguousarray(np.roll(onehot, shift, axis=2)))
        place = np.arange(length) + shift
        inside = (place >= 0) & (place < length)
        total += region_cosine(
            corrected, np.roll(moved, -shift, axis=2), positions=np.broadcast_to(inside, (n, length))
        )
    return total / len(shifts)
