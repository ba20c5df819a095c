"""Bring attribution maps to the one form that every criterion reads: corrected, unit norm, projected."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lucidna.attribution.correction import correct
from lucidna.errors import UserError
from lucidna.sequence import one_hot_numpy

CACHE_BYTES = 512 * 2**20


def unit_norm(maps: np.ndarray) -> np.ndarray:
    """Scale every sequence's map (..., 4, L) to Euclidean norm 1; an all-zero map stays zero.

    The largest entry is divided out first, so maps of any scale neither overflow nor vanish in float32.
    """
    peak = np.abs(maps).max(axis=(-2, -1), keepdims=True)
    scaled = maps / np.where(peak > 0, peak, 1)
    norm = np.sqrt(np.einsum("...al,...al->...", scaled, scaled))[..., None, None]
    return scaled / np.where(norm > 0, norm, 1)


def project(maps: np.ndarray, onehot: np.ndarray) -> np.ndarray:
    """Keep the entry of the observed base: (N, 4, L) and one-hot (N, 4, L) -> (N, L); zero where N."""
    return np.einsum("nal,nal->nl", maps, onehot)


def unit_rows(values: np.ndarray) -> np.ndarray:
    """Scale the last axis to norm 1; all-zero rows stay zero."""
    norm = np.sqrt(np.einsum("...l,...l->...", values, values))[..., None]
    return values / np.where(norm > 0, norm, 1)


def smooth(values: np.ndarray, width: int, *, pad: str = "input") -> np.ndarray:
    """Mean over `width` (odd) neighbouring positions along the last axis, same length.

    Parameters
    ----------
    values
        (..., L).
    width
        Width of the box in bp, odd, at most L.
    pad
        "input" repeats the first and last value before averaging; "output" averages whole windows only and
        repeats the first and last average.
    """
    half = width // 2
    edges = [(0, 0)] * (values.ndim - 1) + [(half, half)]
    wide = np.pad(values, edges, mode="edge") if pad == "input" else values
    length = wide.shape[-1] - width + 1
    total = sum(wide[..., shift : shift + length] for shift in range(width)) / width
    return total if pad == "input" else np.pad(total, edges, mode="edge")


def without(values: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Take the component along `other` out of `values`, sequence by sequence; both (N, ...), float64 out."""
    flat = np.asarray(values, dtype=np.float64).reshape(len(values), -1)
    along = np.asarray(other, dtype=np.float64).reshape(len(other), -1)
    power = np.square(along).sum(axis=1)
    share = (flat * along).sum(axis=1) / np.where(power > 0, power, 1)
    return (flat - share[:, None] * along).reshape(np.shape(values))


def codes_of(onehot: np.ndarray) -> np.ndarray:
    """One-hot (N, 4, L) -> uint8 codes (N, L), A C G T N = 0 1 2 3 4 (an all-zero column is N)."""
    onehot = np.asarray(onehot)
    return np.where(onehot.any(axis=1), onehot.argmax(axis=1), 4).astype(np.uint8)


class MapSet:
    """The maps of several networks on the same sequences, prepared one network at a time.

    Parameters
    ----------
    sources
        n arrays (N, 4, L), in memory or memory-mapped; they are read, never changed.
    onehot
        (N, 4, L) one-hot sequences.
    cache_bytes
        Prepared maps are kept in memory when all of them fit into this, otherwise prepared again at each
        visit.

    Attributes
    ----------
    onehot
        (N, 4, L) float32.
    codes
        (N, L) uint8.
    """

    def __init__(self, sources: Sequence[np.ndarray], onehot: np.ndarray, *, cache_bytes: int = CACHE_BYTES):
        self.sources = list(sources)
        self.onehot = np.ascontiguousarray(onehot, dtype=np.float32)
        self.codes = codes_of(self.onehot)
        self._cache: dict[int, np.ndarray] | None = (
            {} if len(self.sources) * self.onehot.nbytes <= cache_bytes else None
        )

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def n_regions(self) -> int:
        """Return the number of sequences N."""
        return self.onehot.shape[0]

    @property
    def length(self) -> int:
        """Return the sequence length L in bp."""
        return self.onehot.shape[2]

    def raw(self, index: int) -> np.ndarray:
        """Return the maps of one network as they came, (N, 4, L) float32."""
        return np.asarray(self.sources[index], dtype=np.float32)

    def corrected(self, index: int) -> np.ndarray:
        """Return the corrected unit-norm maps of one network, (N, 4, L) float32."""
        if self._cache is not None and index in self._cache:
            return self._cache[index]
        # Means in float64: the corrected map must sum to zero although raw maps can have a large common
        # offset.
        prepared = unit_norm(correct(np.asarray(self.sources[index], dtype=np.float64))).astype(np.float32)
        if self._cache is not None:
            self._cache[index] = prepared
        return prepared

    def zero_regions(self, index: int) -> int:
        """Count the sequences in which the map of one network is zero once the mean over bases is subtracted."""
        return int((~varies(np.asarray(self.sources[index]))).sum())

    def release(self) -> None:
        """Give the memory of the prepared maps back; from now on each is prepared at every visit."""
        self._cache = None

    def projected(self, index: int) -> np.ndarray:
        """Return g, the projected map of one network, (N, L) float32."""
        return project(self.corrected(index), self.onehot)


def misplaced(maps: np.ndarray, onehot: np.ndarray) -> str | None:
    """Say in words that projected maps are of other sequences, or in another order, than the one-hot; or None.

    Only maps with at most one base that is not zero at each position tell of which sequences they are; of others None
    is returned.

    Parameters
    ----------
    maps, onehot
        (N, 4, L).
    """
    # A few regions tell maps that are not projected; the others need not be read then.
    for rows in (slice(0, 5), slice(None)):
        filled = np.asarray(maps[rows]) != 0
        if not filled.any() or (filled.sum(axis=1) > 1).any():
            return None
    off = (filled & (onehot == 0)).any(axis=(1, 2))
    if not off.any():
        return None
    return (
        f"its maps have one base at each position, and in {int(off.sum())} of {len(off)} regions not that of the "
        "sequence: give maps and sequences of the same regions in the same order"
    )


def is_projected(maps: np.ndarray, onehot: np.ndarray) -> bool:
    """Whether maps (N, 4, L) are zero at every base that is not in the sequence, and not zero everywhere."""
    # A few regions tell maps that are not projected; the others need not be read then.
    for rows in (slice(0, 5), slice(None)):
        if ((np.asarray(maps[rows]) != 0) & (onehot[rows] == 0)).any():
            return False
    return bool(np.asarray(maps).any())


def not_readable(maps: np.ndarray, shape: tuple[int, ...]) -> str | None:
    """Say in words what keeps one network's maps from being read as (N, 4, L) numbers, or None."""
    if tuple(maps.shape) != tuple(shape):
        return f"its maps have shape {tuple(maps.shape)}, the sequences have {tuple(shape)}"
    if maps.dtype.kind not in "biuf":
        return f"its maps are of type {maps.dtype}: give real numbers"
    finite = np.isfinite(np.asarray(maps)).all(axis=(1, 2))
    if not finite.all():
        return f"its maps of {int((~finite).sum())} of {len(maps)} regions contain NaN or infinite values"
    return None


def varies(maps: np.ndarray) -> np.ndarray:
    """Mark the sequences whose map (N, 4, L) is more than one value for all bases of a position; bool (N,)."""
    largest = np.abs(maps).max(axis=(1, 2), initial=0.0)[:, None]
    # Equal values for the four bases leave only rounding after the correction.
    return ((maps.max(axis=1) - maps.min(axis=1)) > 1e-6 * largest).any(axis=1)


def problem_of(maps: np.ndarray, shape: tuple[int, ...]) -> str | None:
    """Say in words what makes one network's maps unusable, or None.

    Parameters
    ----------
    maps
        The array to check.
    shape
        (N, 4, L) that is expected.
    """
    problem = not_readable(maps, shape)
    if problem:
        return problem
    if not varies(np.asarray(maps)).any():
        return "its maps are zero everywhere once the mean over bases is subtracted"
    return None


def as_onehot(onehot: np.ndarray) -> np.ndarray:
    """Return one-hot sequences or codes as one-hot (N, 4, L).

    Raises
    ------
    UserError
        Wrong shape, values other than 0 and 1, or more than one base at a position.
    """
    onehot = np.asarray(onehot)
    if onehot.ndim == 2 and np.issubdtype(onehot.dtype, np.integer):
        onehot = one_hot_numpy(onehot)
    if onehot.ndim != 3 or onehot.shape[1] != 4:
        raise UserError(
            f"the sequences have shape {onehot.shape}: give one-hot (regions, 4, length) or codes (regions, length)"
        )
    column = onehot.sum(axis=1)
    if not (np.isin(onehot, (0, 1)).all() and (column <= 1).all()):
        raise UserError("the sequences are not one-hot: every column must hold a single 1, or zeros for N")
    return onehot


def check_onehot(onehot: np.ndarray, *, minimum: int = 20) -> np.ndarray:
    """Return the sequences as float32 (N, 4, L), or raise when they are not one-hot or too few.

    Raises
    ------
    UserError
        What `as_onehot` refuses, sequences without a base, or fewer than `minimum` regions.
    """
    onehot = as_onehot(onehot)
    if len(onehot) and not onehot.any():
        raise UserError("the sequences are N at every position: give those that the maps are of")
    if len(onehot) < minimum:
        raise UserError(
            f"{len(onehot)} regions are too few to compare maps: give at least {minimum}, better 200 or more"
        )
    return np.ascontiguousarray(onehot, dtype=np.float32)
