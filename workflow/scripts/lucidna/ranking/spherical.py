"""ACME's Method 2: how far attribution directions pile up in few places of the sphere of base vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lucidna.compiled import compiled
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


def directions(corrected: np.ndarray, *, window: int, basis: str) -> tuple[np.ndarray, np.ndarray]:
    """Project window sums of the normalised maps to three dimensions.

    Parameters
    ----------
    corrected
        (N, 4, L).
    window, basis
        As in `spherical_consistency`.

    Returns
    -------
    points : (3, N, L) float64.
    radius : (N, L), their norms.
    """
    if basis not in BASES:
        raise UserError(f"spherical basis is '{basis}': use {' or '.join(BASES)}")
    return _window_points(np.ascontiguousarray(corrected), BASES[basis], window)


@compiled
def _window_points(maps, basis, window):
    n, _, length = maps.shape
    points, radius = np.empty((3, n, length)), np.empty((n, length))
    # Circular, as published: the last window - 1 positions take in the start of their sequence.
    own = np.empty((length + window - 1, 3))
    for row in range(n):
        total = 0.0
        for place in range(length):
            a, c = float(maps[row, 0, place]), float(maps[row, 1, place])
            g, t = float(maps[row, 2, place]), float(maps[row, 3, place])
            mean = (a + c + g + t) / 4
            a, c, g, t = a - mean, c - mean, g - mean, t - mean
            total += np.sqrt(a * a + c * c + g * g + t * t)
            own[place, 0] = basis[0, 0] * a + basis[0, 1] * c + basis[0, 2] * g + basis[0, 3] * t
            own[place, 1] = basis[1, 0] * a + basis[1, 1] * c + basis[1, 2] * g + basis[1, 3] * t
            own[place, 2] = basis[2, 0] * a + basis[2, 1] * c + basis[2, 2] * g + basis[2, 3] * t
        for place in range(window - 1):
            own[length + place] = own[place % length]
        scale = 1 / total if total > 0 else 1.0
        for place in range(length):
            x, y, z = 0.0, 0.0, 0.0
            for step in range(place, place + window):
                x += own[step, 0]
                y += own[step, 1]
                z += own[step, 2]
            x, y, z = x * scale, y * scale, z * scale
            points[0, row, place], points[1, row, place], points[2, row, place] = x, y, z
            radius[row, place] = np.sqrt(x * x + y * y + z * z)
    return points, radius


def largest(radius: np.ndarray, cutoff: float) -> np.ndarray:
    """Return the places, in the flattened (N, L), of the largest share `cutoff` of radii; none where all are equal."""
    kept = max(int(cutoff * radius.size), 1)
    limit = np.partition(radius.ravel(), radius.size - kept)[radius.size - kept]
    return np.flatnonzero(radius > limit)


def _density(histogram: np.ndarray) -> np.ndarray:
    return histogram / histogram.sum(axis=(-2, -1), keepdims=True) / BOX**2


def _divergence(histograms: np.ndarray) -> np.ndarray:
    """Divergence of densities (..., 31, 31) from their own local mean, over inner bins; NaN for an empty one.

    The local mean of bin (i, j) is over i-3..i+2 and j-3..j+2 without row and column 0, as published.
    """
    empty = histograms.sum(axis=(-2, -1)) <= 0
    pdf = _density(np.where(empty[..., None, None], 1.0, histograms))
    inner = pdf.copy()
    inner[..., 0, :] = inner[..., 0] = 0
    usable = np.ones((BINS, BINS))
    usable[0] = usable[:, 0] = 0
    local = _box_sum(inner) / np.maximum(_box_sum(usable), 1)
    here, mean = pdf[..., 1:-1, 1:-1], local[..., 1:-1, 1:-1]
    # A bin that holds something has a local mean above 0: it is part of it.
    ratio = np.divide(here, mean, out=np.ones_like(here), where=here > 0)
    return np.where(empty, np.nan, (here * np.log(ratio)).sum(axis=(-2, -1)) * BOX**2)


def _box_sum(values: np.ndarray) -> np.ndarray:
    """Sum over i-3..i+2, j-3..j+2 of the last two axes, zero outside."""
    around = [(0, 0)] * (values.ndim - 2) + [(4, 2), (4, 2)]
    total = np.pad(values, around).cumsum(axis=-2).cumsum(axis=-1)
    return total[..., 6:, 6:] - total[..., :-6, 6:] - total[..., 6:, :-6] + total[..., :-6, :-6]


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
    points, radius = directions(corrected, window=window, basis=basis)
    histograms, *polar = _polar(points, radius, cutoff, blocks)
    # Maps that are constant in every sequence leave nothing above the cutoff.
    whole = histograms.sum(axis=0)
    kld, *left_out = _left_out(histograms).tolist()
    lo, hi = block_jackknife(kld, np.array(left_out))
    pdf = _density(whole) if whole.sum() > 0 else whole
    r, phi, theta = polar
    return SphericalConsistency(kld=kld, lo=lo, hi=hi, pdf=pdf, radius=r, phi=phi, theta=theta)


def _polar(
    points: np.ndarray, radius: np.ndarray, cutoff: float, blocks: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the histograms (blocks, 31, 31) over the angles of the largest points, and their radii and angles."""
    n, length = radius.shape
    places = largest(radius, cutoff)
    e1, e2, e3 = points.reshape(3, -1)[:, places]
    r = radius.ravel()[places]
    phi = np.arctan2(e3, e2) / 2 + np.pi / 2
    theta = np.arccos(np.clip(e1 / np.where(r > 0, r, 1), -1, 1))
    bin_phi = np.minimum((phi / BOX).astype(np.int64), BINS - 1)
    bin_theta = np.minimum((theta / BOX).astype(np.int64), BINS - 1)
    block = places // length * blocks // n
    histograms = np.bincount(
        (block * BINS + bin_phi) * BINS + bin_theta, weights=r**2, minlength=blocks * BINS**2
    ).reshape(blocks, BINS, BINS)
    return histograms, r, phi, theta


def _left_out(histograms: np.ndarray) -> np.ndarray:
    """Return the divergence of the sum of histograms (blocks, 31, 31), then of it without each; (1 + blocks,)."""
    whole = histograms.sum(axis=0)
    return _divergence(np.concatenate([whole[None], np.maximum(whole - histograms, 0)]))


def spherical_null(
    corrected: np.ndarray,
    *,
    kind: str = "isotropic",
    window: int = 3,
    cutoff: float = 0.1,
    basis: str = "orthonormal",
    draws: int = 1,
    blocks: int = 20,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Mean consistency of maps that have lost their directions or their order.

    Parameters
    ----------
    corrected
        (N, 4, L).
    kind
        "isotropic": every position keeps its norm and gets a direction uniform on the sum-zero sphere.
        "permuted": the positions of each sequence are shuffled, each keeps its vector.
    window, cutoff, basis, blocks
        As in `spherical_consistency`.
    draws, seed
        Number of random maps averaged, and the seed they come from.

    Returns
    -------
    value, lo, hi : the mean divergence in nats, and its 95 % interval by the jackknife of `spherical_consistency`,
    the random maps held fixed.

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
        points, radius = directions(null, window=window, basis=basis)
        histograms = _polar(points, radius, cutoff, blocks)[0]
        values.append(_left_out(histograms))
    kld, *left_out = np.mean(values, axis=0).tolist()
    return kld, *block_jackknife(kld, np.array(left_out))
