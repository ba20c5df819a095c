"""ACME's Method 2 cross-fitted (M2cf): how well other sequences foretell the directions of attributions."""

from __future__ import annotations

import numpy as np

from lucidna.ranking.kmers import FOLDS
from lucidna.ranking.spherical import directions, largest

HEIGHTS = 24
AZIMUTHS = 48
PSEUDOCOUNT = 2.0
"""Added to every bin. Maps of noise then give -0.02 (60 regions of 80 bp) to -0.07 nats (200 of 200 bp)."""


def cross_fitted_directions(
    corrected: np.ndarray, *, window: int = 3, cutoff: float = 0.1
) -> tuple[np.ndarray, np.ndarray]:
    """Log density of the largest attributions' directions, fitted on other sequences than those that are scored.

    Method 2 compares a histogram with its own neighbourhood, so sampling noise alone makes it positive. Here the
    density comes from three quarters of the sequences and is read at the directions of the last one: directions
    that do not recur give about 0, or a little less, the price of an estimated density.

    Parameters
    ----------
    corrected
        (N, 4, L) corrected maps; their scale per sequence does not matter.
    window
        Positions summed, circular as published.
    cutoff
        Share of positions kept, those of the largest radius over all sequences pooled.

    Returns
    -------
    values : (N,) mean of ln(p / q) over the kept positions of each sequence, weighted by the squared radius: p the
    density in the other three quarters of the sequences (i mod 4) on 24 x 48 bins of equal area with `PSEUDOCOUNT`
    in each, q = 1/1152 that of the uniform sphere; 0 where no position is kept.
    weights : (N,) their weights, summing to the number of kept positions. The score of the network is the weighted
    mean of `values`, in nats.

    Notes
    -----
    The basis is always the orthonormal one: only there are isotropic maps uniform on the sphere. Blind, as Method 2
    is, to where in which sequence a map points, and to its sign; a map of one direction everywhere scores highest.
    """
    points, radius = directions(corrected, window=window, basis="orthonormal")
    n, length = radius.shape
    places = largest(radius, cutoff)
    if not len(places):
        return np.zeros(n), np.zeros(n)
    r = radius.ravel()[places]
    first, second, third = points.reshape(3, -1)[:, places] / r
    # Bands of equal height on a sphere have equal area.
    height = np.clip(((first + 1) / 2 * HEIGHTS).astype(np.int64), 0, HEIGHTS - 1)
    azimuth = ((np.arctan2(third, second) / (2 * np.pi) + 0.5) * AZIMUTHS).astype(np.int64) % AZIMUTHS
    size, bins, row = HEIGHTS * AZIMUTHS, height * AZIMUTHS + azimuth, places // length
    # Pseudocounts weigh the same for any map when the weights sum to the number of positions.
    power = np.square(r)
    weight, fold = power * (len(power) / power.sum()), row % FOLDS
    tables = np.bincount(fold * size + bins, weights=weight, minlength=FOLDS * size).reshape(FOLDS, size)
    # Differences of sums can leave -1e-17 where nothing was seen; the pseudocount dominates it.
    train = tables.sum(axis=0) - tables + PSEUDOCOUNT
    log_ratio = np.log(train / train.sum(axis=1, keepdims=True) * size)
    total = np.bincount(row, weights=weight, minlength=n)
    summed = np.bincount(row, weights=weight * log_ratio[fold, bins], minlength=n)
    return summed / np.where(total > 0, total, 1), total
