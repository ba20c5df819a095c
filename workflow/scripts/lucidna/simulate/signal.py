"""From matches to cuts: the rate at every base, Poisson counts by strand, the peaks a caller would report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lucidna.ppm import information
from lucidna.simulate.grammar import Difficulty

REACH = 150
"""bp beyond which an activator has no effect; also the widest a peak gets on either side of its site."""

_HALF_WIDTH = 90.0  # bp where an instance's effect is down to 1/e
_REPRESSED_HALF_WIDTH = 160.0  # the same for repressors, which close a whole site, not the half they stand in
_CUT_AT = 5 / 3  # half-widths, where exp(-x**4) is 4e-4
_FOOTPRINT = 0.6  # share of cuts that a bound factor keeps off its own bases
_UNEXPLAINED_SITE = 3.0  # log2 rise of an accessible site that holds no motif
_NOISE_SD_BP = 60.0
_LARGEST = 8.0  # log2 rise at which accessibility saturates
_STRAND_BIAS = 0.3
_SMOOTH_BP = 75
_SUMMIT_WITHIN = 35
_EDGE = 0.3  # share of a peak's height at which it ends


@dataclass
class Signal:
    """Cuts along one chromosome.

    Attributes
    ----------
    plus, minus : int64 (L,)
        Observed cuts per base and strand.
    explained : float64 (L,)
        log2 rise of the rate that instances cause.
    """

    plus: np.ndarray
    minus: np.ndarray
    explained: np.ndarray


def draw_signal(
    codes: np.ndarray,
    matches: pd.DataFrame,
    *,
    sites: np.ndarray,
    empty: np.ndarray,
    difficulty: Difficulty,
    rng: np.random.Generator,
) -> Signal:
    """Draw the cuts of one chromosome.

    The rate at a base is base_rate * 2**(explained + unexplained) * footprint. `explained` is the sum over
    all instances, planted or there by chance, of strength * exp(-(d / h)**4): d is the distance to the
    instance's centre, h 90 bp, or 160 bp for repressors. The same rule holds everywhere, so that
    accessibility is a function of the sequence: a lone instance far from any site makes a small bump of its
    own. `unexplained` is a smooth Gaussian noise, and a fixed rise under the sites without motifs. Bound
    factors (of any strength but 0) protect their own bases. The forward strand gets more cuts on the rising
    flank of a peak, the reverse strand on the falling one.

    Parameters
    ----------
    codes : uint8 (L,)
    matches : DataFrame
        start, end, strength.
    sites, empty : int (n,), bool (n,)
        Centres of the accessible sites, and which of them hold no motif.
    difficulty : Difficulty
    rng : Generator

    Returns
    -------
    Signal
    """
    length = len(codes)
    centres = ((matches["start"] + matches["end"]) // 2).to_numpy()
    strength = matches["strength"].to_numpy()
    explained = _spread(length, centres, np.maximum(strength, 0.0), _HALF_WIDTH)
    explained += _spread(length, centres, np.minimum(strength, 0.0), _REPRESSED_HALF_WIDTH)
    unexplained = _spread(length, sites[empty], np.full(int(empty.sum()), _UNEXPLAINED_SITE), _HALF_WIDTH)
    unexplained += difficulty.noise * _smooth_noise(length, rng=rng)

    opening = explained + unexplained
    rate = difficulty.base_rate * np.exp2(np.minimum(opening, _LARGEST))
    acting = (matches["strength"] != 0).to_numpy()
    rate[_covered(length, matches[acting])] *= 1 - _FOOTPRINT
    rate[codes > 3] = 0.0
    cuts = rng.poisson(rate)

    forward = 0.5 + _STRAND_BIAS * np.tanh(20 * np.gradient(explained))
    plus = rng.binomial(cuts, forward)
    return Signal(plus, cuts - plus, explained)


def contribution_mask(length: int, matches: pd.DataFrame, ppms: dict[str, np.ndarray]) -> np.ndarray:
    """Return what every base contributes: |strength| times its column's share of the motif's information.

    Parameters
    ----------
    length : int
        bp of the chromosome.
    matches : DataFrame
        start, motif, strand, strength.
    ppms : dict[str, array (4, w)]

    Returns
    -------
    float64 (length,)
        log2 units; 0 outside instances, and under decoys.
    """
    mask = np.zeros(length)
    for (name, strand), group in matches.groupby(["motif", "strand"], sort=True):
        share = information(ppms[name])
        share = share / share.sum()
        positions = group["start"].to_numpy()[:, None] + np.arange(len(share))
        strength = group["strength"].abs().to_numpy()[:, None]
        np.add.at(mask, positions, strength * (share if strand == "+" else share[::-1]))
    return mask


def call_peaks(cuts: np.ndarray, sites: np.ndarray) -> pd.DataFrame:
    """Return the peaks that a caller would report at the sites: summit and edges follow the observed cuts.

    The summit is the highest point, within 35 bp of the site's centre, of the cuts in 75-bp windows
    smoothed once more; the edges are where these fall below 0.3 of the summit.

    Parameters
    ----------
    cuts : int (L,)
    sites : int64 (n,)
        At least 150 bp from both ends.

    Returns
    -------
    DataFrame
        start, end, summit, height (cuts per bp at the summit).
    """
    # In whole numbers, so that summits that tie are the same ones whatever order a processor sums in.
    box = np.ones(_SMOOTH_BP, dtype=np.int64)
    smooth = np.convolve(np.convolve(cuts.astype(np.int64), box, mode="same"), box, mode="same") / _SMOOTH_BP**2
    windows = smooth[sites[:, None] + np.arange(-REACH, REACH + 1)]
    near = windows[:, REACH - _SUMMIT_WITHIN : REACH + _SUMMIT_WITHIN + 1]
    summit = near.argmax(axis=1) + REACH - _SUMMIT_WITHIN
    height = near.max(axis=1)
    below = windows < _EDGE * height[:, None]
    column = np.arange(2 * REACH + 1)
    left = np.where(below & (column < summit[:, None]), column, -1).max(axis=1) + 1
    right = np.where(below & (column > summit[:, None]), column, 2 * REACH + 1).min(axis=1)
    origin = sites - REACH
    return pd.DataFrame({"start": origin + left, "end": origin + right, "summit": origin + summit, "height": height})


def _spread(length: int, centres: np.ndarray, weights: np.ndarray, half_width: float) -> np.ndarray:
    """Sum weight * exp(-(d / half_width)**4) over all centres at every base, float64 (length,)."""
    reach = int(half_width * _CUT_AT)
    kernel = np.exp(-((np.arange(-reach, reach + 1) / half_width) ** 4))
    return np.convolve(np.bincount(centres, weights=weights, minlength=length), kernel, mode="same")


def _smooth_noise(length: int, *, rng: np.random.Generator) -> np.ndarray:
    """Draw Gaussian noise of standard deviation 1, correlated over about 100 bp."""
    reach = int(3 * _NOISE_SD_BP)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _NOISE_SD_BP) ** 2)
    kernel /= np.sqrt((kernel**2).sum())
    return np.convolve(rng.standard_normal(length + 2 * reach), kernel, mode="valid")


def _covered(length: int, intervals: pd.DataFrame) -> np.ndarray:
    depth = np.bincount(intervals["start"], minlength=length + 1) - np.bincount(intervals["end"], minlength=length + 1)
    return np.cumsum(depth)[:length] > 0
