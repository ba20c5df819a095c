"""ACME's Method 2: how far attribution directions pile up in few places of the sphere of base vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lucidna.errors import UserError
from lucidna.ranking.bootstrap import block_jackknife

BOX = 0.1
BINS = 31
# Rows are e1, e2, e3 over A, C, G, T: an isometry of the vectors that sum to zero.
_ORTHONORMAL = np.array(
    [
        [-np.sqrt(1 / 2), np.sqrt(1 / 2), 0, 0],
        [-np.sqrt(1 / 6), -np.sqrt(1 / 6), np.sqrt(2 / 3), 0],
        [-np.sqrt(1 / 12), -np.sqrt(1 / 12), -np.sqrt(1 / 12), np.sqrt(3 / 4)],
    ]
)
_ACME2022 = _ORTHONORMAL.copy()
_ACME2022[1, 2] = 0
BASES = {"orthonormal": _ORTHONORMAL, "acme2022": _ACME2022}


@dataclass(frozen=True)
class SphericalConsistency:
    """Result of `spherical_consistency`.

    Attributes
    ----------
    kld
        Local peakedness of the direction histogram, in nats; NaN when no position is kept.
    lo, hi
        95 % interval by the delete-a-block jackknife over sequences, the cutoff radius held fixed.
    pdf
        (31, 31) density over the two angles, weighted by squared radius.
    radius, phi, theta
        (m,) polar coordinates of the kept positions, angles in [0, pi].
    """

    kld: float
    lo: float
    hi: float
    pdf: np.ndarray
    radius: np.ndarray
    phi: np.ndarray
    theta: np.ndarray


def _directions(corrected: np.ndarray, *, window: int, basis: str) -> np.ndarray:
    """Project window sums of the normalised maps to three dimensions: (N, 4, L) -> (N, 3, L) float64."""
    if basis not in BASES:
        raise UserError(f"spherical basis is '{basis}': use {' or '.join(BASES)}")
    maps = np.asarray(corrected, dtype=np.float64)
    maps = maps - maps.mean(axis=1, keepdims=True)
    total = np.sqrt(np.einsum("nal,nal->nl", maps, maps)).sum(axis=1)[:, None, None]
    maps = maps / np.where(total > 0, total, 1)
    points = np.einsum("ba,nal->nbl", BASES[basis], maps)
    # Circular, as published: the last window - 1 positions take in the start of their sequence.
    return sum(np.roll(points, -shift, axis=2) for shift in range(window))


def _density(histogram: np.ndarray) -> np.ndarray:
    return histogram / histogram.sum() / BOX**2


def _divergence(histogram: np.ndarray) -> float:
    """Divergence of the density from its own local mean, over inner bins; NaN when the histogram is empty.

    The local mean of bin (i, j) is over i-3..i+2 and j-3..j+2 without row and column 0, as published.
    """
    if histogram.sum() <= 0:
        return float("nan")
    pdf = _density(histogram)
    inner = pdf.copy()
    inner[0] = inner[:, 0] = 0
    usable = np.ones_like(pdf)
    usable[0] = usable[:, 0] = 0
    local = _box_sum(inner) / np.maximum(_box_sum(usable), 1)
    here, mean = pdf[1:-1, 1:-1], local[1:-1, 1:-1]
    filled = here > 0
    return float((here[filled] * np.log(here[filled] / mean[filled])).sum() * BOX**2)


def _box_sum(values: np.ndarray) -> np.ndarray:
    """Sum over i-3..i+2, j-3..j+2, zero outside."""
    cumulative = np.pad(values, ((4, 2), (4, 2))).cumsum(axis=0).cumsum(axis=1)
    return cumulative[6:, 6:] - cumulative[:-6, 6:] - cumulative[6:, :-6] + cumulative[:-6, :-6]


def spherical_consistency(
    corrected: np.ndarray,
    *,
    window: int = 3,
    cutoff: float = 0.1,
    basis: str = "orthonormal",
    blocks: int = 20,
) -> SphericalConsistency:
    """Measure how peaked the directions of the largest window-summed attributions are.

    Blind to which sequence a map belongs to, and strongly biased in small samples: compare at equal N, beside
    `spherical_null`.

    Parameters
    ----------
    corrected
        (N, 4, L) maps of sequences that are positive for the task.
    window
        Positions summed, 3 as published (6 in later use).
    cutoff
        Share of positions kept, those of the largest radius over all sequences pooled.
    basis
        "orthonormal" keeps angles between sum-zero vectors. "acme2022" leaves G out of the second axis, as
        the published code does, and reproduces its numbers.
    blocks
        Number of blocks of sequences for the jackknife interval.

    Returns
    -------
    SphericalConsistency

    Raises
    ------
    UserError
        When `basis` is unknown.

    Notes
    -----
    Majdandzic et al., PMLR 200:131-149, 2022. Both angles go to bins of 0.1, the azimuth halved to [0, pi];
    the density is compared with its own local mean, not with the uniform sphere.
    """
    points = _directions(corrected, window=window, basis=basis)
    n, _, length = points.shape
    radius = np.sqrt(np.einsum("nbl,nbl->nl", points, points))
    kept = max(int(cutoff * n * length), 1)
    limit = np.partition(radius.ravel(), n * length - kept)[n * length - kept]
    keep = radius > limit
    e1, e2, e3 = (points[:, axis, :][keep] for axis in range(3))
    r = radius[keep]
    phi = np.arctan2(e3, e2) / 2 + np.pi / 2
    theta = np.arccos(np.clip(e1 / np.where(r > 0, r, 1), -1, 1))
    bin_phi = np.minimum((phi / BOX).astype(np.int64), BINS - 1)
    bin_theta = np.minimum((theta / BOX).astype(np.int64), BINS - 1)
    block = np.nonzero(keep)[0] * blocks // n
    histograms = np.bincount(
        (block * BINS + bin_phi) * BINS + bin_theta, weights=r**2, minlength=blocks * BINS**2
    ).reshape(blocks, BINS, BINS)
    # Maps that are constant in every sequence leave nothing above the cutoff.
    whole = histograms.sum(axis=0)
    kld = _divergence(whole)
    left_out = np.array([_divergence(np.maximum(whole - part, 0)) for part in histograms])
    lo, hi = block_jackknife(kld, left_out)
    pdf = _density(whole) if whole.sum() > 0 else whole
    return SphericalConsistency(kld=kld, lo=lo, hi=hi, pdf=pdf, radius=r, phi=phi, theta=theta)


def spherical_null(
    corrected: np.ndarray,
    *,
    kind: str = "isotropic",
    window: int = 3,
    cutoff: float = 0.1,
    basis: str = "orthonormal",
    draws: int = 1,
    seed: int = 0,
) -> float:
    """Mean consistency of maps that have lost their directions or their order.

    Parameters
    ----------
    corrected
        (N, 4, L).
    kind
        "isotropic": every position keeps its norm and gets a direction uniform on the sum-zero sphere.
        "permuted": the positions of each sequence are shuffled, each keeps its vector.
    window, cutoff, basis
        As in `spherical_consistency`.
    draws, seed
        Number of random maps averaged, and the seed they come from.

    Returns
    -------
    The mean divergence in nats.

    Raises
    ------
    UserError
        When `kind` or `basis` is unknown.
    """
    if kind not in ("isotropic", "permuted"):
        raise UserError(f"spherical null is '{kind}': use isotropic or permuted")
    rng = np.random.default_rng(seed)
    corrected = np.asarray(corrected)
    values = []
    for _ in range(draws):
        if kind == "isotropic":
            noise = rng.standard_normal(corrected.shape, dtype=np.float32)
            noise -= noise.mean(axis=1, keepdims=True)
            scale = np.einsum("nal,nal->nl", corrected, corrected) / np.einsum("nal,nal->nl", noise, noise)
            null = noise * np.sqrt(scale)[:, None, :]
        else:
            order = rng.random(corrected[:, :1, :].shape).argsort(axis=2)
            null = np.take_along_axis(corrected, order, axis=2)
        values.append(spherical_consistency(null, window=window, cutoff=cutoff, basis=basis, blocks=1).kld)
    return float(np.mean(values))
