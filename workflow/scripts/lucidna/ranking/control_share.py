"""How much of a map lies where a control experiment would put it: a preference that all networks may share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lucidna.attribution.correction import correct
from lucidna.ranking.consensus import BOX, top_share
from lucidna.ranking.prepare import smooth, unit_norm

SHARE = 0.1

BIAS = "bias"
"""The kind of a control that was trained on a control track: it is not ranked, its maps are what is taken out."""


def control_map(maps: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean of the unit-norm corrected maps of networks trained on a control track.

    Parameters
    ----------
    maps
        m arrays (N, 4, L).

    Returns
    -------
    float64 (N, 4, L)
    """
    return sum(unit_norm(correct(np.asarray(one, dtype=np.float64))) for one in maps) / len(maps)


def control_share(corrected: np.ndarray, control: np.ndarray, *, share: float = SHARE, box: int = BOX) -> np.ndarray:
    """Share of the squared map on the positions where the control map is largest.

    Agreement between networks rewards what all of them have learnt, an enzyme's preference too. A control
    track (naked DNA, input) holds the preference without the signal, so networks trained on it show where
    it acts. A map without preference for these positions has the share `share`.

    Parameters
    ----------
    corrected
        (N, 4, L) corrected maps of one network.
    control
        (N, 4, L), see `control_map`.
    share
        How many of a region's positions count.
    box
        Width of the smoothing of the control's squared map, bp.

    Returns
    -------
    (N,) in [0, 1], NaN for an all-zero map; lower is better.
    """
    width = min(box, control.shape[-1] - 1 + control.shape[-1] % 2)
    marked = top_share(smooth(np.square(control).sum(axis=1), width), share)
    power = np.square(np.asarray(corrected, dtype=np.float64)).sum(axis=1)
    total = power.sum(axis=1)
    return np.where(total > 0, (power * marked).sum(axis=1) / np.where(total > 0, total, 1), np.nan)
