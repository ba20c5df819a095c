"""The mean map of several networks, and how far they agree at every base."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lucidna.errors import UserError


def map_norms(maps: np.ndarray) -> np.ndarray:
    """Return the L2 norm of each sequence's map, float64 (N,)."""
    flat = maps.reshape(len(maps), -1)
    return np.sqrt(np.einsum("nk,nk->n", flat, flat, dtype=np.float64))


def project(maps: np.ndarray, onehot: np.ndarray) -> np.ndarray:
    """Return the contribution of the base that is there, float32 (N, L); 0 where it is N."""
    return np.einsum("nal,nal->nl", maps, onehot, dtype=np.float32)


class EnsembleMaps(NamedTuple):
    """What the members say together.

    Attributes
    ----------
    mean : array
        Mean hypothetical map, float32 (N, 4, L).
    spread : array
        Standard deviation over members (n - 1 in the denominator) of the projected map as the member gave it, float32
        (N, L), in units of the output: networks that agree on where a map is large and not on how large differ too.
        NaN where fewer than two members cover a region.
    sign_agreement : array
        Share of members whose projected map has the sign of the mean, float32 (N, L).
    n_members : array
        Members that cover each region, int64 (N,).
    """

    mean: np.ndarray
    spread: np.ndarray
    sign_agreement: np.ndarray
    n_members: np.ndarray


class Ensemble:
    """Mean, spread and sign agreement of maps that arrive one member at a time, block by block.

    Every member's map of a region is scaled to norm 1 before the average, so that each counts as much as the others
    in every region (the deliverable of the ranking: the mean of unit-norm maps). A region's mean is then multiplied
    by how strong the members' maps of it are: the mean over members of the map's norm over the member's mean
    norm. Regions so keep their relative strength, which motif discovery needs. All is multiplied by the mean of the
    members' mean norms and is so in units of the output again; a single member's maps come out as they were. The
    averages are Welford's (Technometrics 4:419, 1962), in one pass over the maps.

    Parameters
    ----------
    n_regions, length : int
        N and L.
    folder : path, optional
        Where the running sums lie as memory-mapped files; in memory when not given.
    same_units : bool
        Whether the members' maps are in the same units. If not (maps of unknown origin), the spread is that of maps
        scaled to one mean norm.
    """

    def __init__(self, n_regions: int, length: int, *, folder: Path | None = None, same_units: bool = True):
        self.same_units = same_units
        self._mean = scratch_array((n_regions, 4, length), np.float32, folder, "mean")
        self._projected = scratch_array((n_regions, length), np.float32, folder, "projected")
        self._squares = scratch_array((n_regions, length), np.float32, folder, "squares")
        self._positive = scratch_array((n_regions, length), np.uint16, folder, "positive")
        self._negative = scratch_array((n_regions, length), np.uint16, folder, "negative")
        self._n_members = np.zeros(n_regions, dtype=np.int64)
        self._strength = np.zeros(n_regions)
        self._alive = np.zeros(n_regions, dtype=np.int64)
        self.constants: list[float] = []

    def start_member(self, norms: np.ndarray) -> None:
        """Begin a member, given the norms of all its maps (`map_norms`); a member of zero maps stays zero."""
        constant = float(np.mean(norms))
        self.constants.append(constant if constant > 0 else 1.0)

    def add(self, rows: np.ndarray, maps: np.ndarray, onehot: np.ndarray) -> None:
        """Add the current member's maps of some regions, each region at most once per member.

        Parameters
        ----------
        rows : array
            Positions of the regions in the ensemble, int (k,).
        maps : array
            Hypothetical contributions, float32 (k, 4, L).
        onehot : array
            The sequences, (k, 4, L).
        """
        norms = map_norms(maps)
        projected = project(maps, onehot)
        if not self.same_units:
            projected /= np.float32(self.constants[-1])
        maps = maps / np.where(norms > 0, norms, 1).astype(np.float32)[:, None, None]
        self._strength[rows] += norms / self.constants[-1]
        self._alive[rows] += norms > 0
        self._n_members[rows] += 1
        count = self._n_members[rows].astype(np.float32)
        self._mean[rows] += (maps - self._mean[rows]) / count[:, None, None]
        before = self._projected[rows]
        after = before + (projected - before) / count[:, None]
        self._projected[rows] = after
        self._squares[rows] += (projected - before) * (projected - after)
        self._positive[rows] += projected > 0
        self._negative[rows] += projected < 0

    def results(self, rows: slice, onehot: np.ndarray) -> EnsembleMaps:
        """Return the results for some regions; all members must be complete.

        Parameters
        ----------
        rows : slice
            Positions of the regions in the ensemble.
        onehot : array
            Their sequences, (k, 4, L).
        """
        n_members = self._n_members[rows]
        unit = (self.unit * self.strength[rows]).astype(np.float32)
        mean = self._mean[rows]
        n = n_members.astype(np.float32)[:, None]
        sign = np.sign(project(mean, onehot))
        positive, negative = self._positive[rows], self._negative[rows]
        agreeing = np.select([sign > 0, sign < 0], [positive, negative], n - positive - negative)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = np.where(n > 1, np.sqrt(self._squares[rows] / (n - 1)), np.float32(np.nan))
        if not self.same_units:
            spread *= np.float32(self.unit)
        share = agreeing / np.maximum(n, 1)
        return EnsembleMaps(mean * unit[:, None, None], spread, share.astype(np.float32), n_members)

    @property
    def strength(self) -> np.ndarray:
        """How strong each region's maps are, float64 (N,): 1 at a member's mean norm; maps of zeros do not count."""
        return self._strength / np.maximum(self._alive, 1)

    @property
    def unit(self) -> float:
        """The mean of the members' mean norms: what a region of mean strength is multiplied by."""
        return float(np.mean(self.constants))

    def largest(self) -> float:
        """Return the largest absolute value of the mean maps, in units of the output."""
        blocks = zip(self._mean, self.strength, strict=True)
        return max((float(np.abs(block).max() * each) for block, each in blocks), default=0.0) * self.unit


def scratch_array(shape: tuple[int, ...], dtype: type, folder: Path | None, name: str) -> np.ndarray:
    """Return an array of zeros, in memory or as the file `name`.npy of `folder`.

    Raises
    ------
    UserError
        When the disk has no room for the file.
    """
    if folder is None:
        return np.zeros(shape, dtype=dtype)
    path = folder / f"{name}.npy"
    array = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    # A mapped file has no room until it is written, and then a full disk kills the process without a word.
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as handle:
            try:
                os.posix_fallocate(handle.fileno(), 0, path.stat().st_size)
            except OSError as error:
                size = path.stat().st_size / 1e9
                raise UserError(
                    f"no room for {size:.1f} GB of intermediate maps in {folder.parent} "
                    f"({error.strerror}): free some space, or lower attribution.methods.<method>.max_regions"
                ) from error
    return array
