"""What a ranking delivers: the average of the chosen networks' maps, with its spread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lucidna.attribution.correction import correct
from lucidna.attribution.ensemble import Ensemble, map_norms
from lucidna.errors import UserError
from lucidna.files import atomic_path
from lucidna.ranking.prepare import not_readable

BLOCK = 256
"""Regions whose maps are held in memory at once, beside the average."""


@dataclass(frozen=True)
class AverageMap:
    """The average of several networks' maps of the same sequences.

    Attributes
    ----------
    members
        Ids of the networks, the best first.
    onehot
        int8 (N, 4, L).
    mean
        float32 (N, 4, L). In every region the members' corrected maps are scaled to norm 1 before they are
        averaged, so that each counts as much as the others; the average is then multiplied by how strong the
        region's maps are, see `attribution.ensemble.Ensemble`. A single member's corrected map comes out as it was.
    spread, sign_agreement
        float32 (N, L), of the contribution of the base that is there: the standard deviation over members (NaN for
        one member) once all have the same mean norm, for their units are their own; and the share of members with the
        sign of the average.
    """

    members: list[str]
    onehot: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    sign_agreement: np.ndarray

    def write(self, directory: str | Path) -> None:
        """Write ohe.npz and attr.npz into a folder, (N, 4, L) as arr_0: what TF-MoDISco reads; no pickle in them.

        attr.npz also has the spread, the sign agreement and the ids of the members.
        """
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        with atomic_path(directory / "ohe.npz") as temporary:
            np.savez_compressed(temporary, arr_0=self.onehot)
        with atomic_path(directory / "attr.npz") as temporary:
            np.savez_compressed(
                temporary,
                arr_0=self.mean,
                spread=self.spread,
                sign_agreement=self.sign_agreement,
                members=np.array(self.members, dtype=np.str_),
            )


def average_maps(maps: Mapping[str, np.ndarray], onehot: np.ndarray) -> AverageMap:
    """Average the maps of networks on the same sequences.

    Parameters
    ----------
    maps
        id -> (N, 4, L), raw or corrected, in memory or memory-mapped.
    onehot
        (N, 4, L) one-hot sequences.

    Raises
    ------
    UserError
        Maps of another shape than the sequences, or with values that are not finite.
    """
    onehot = np.asarray(onehot, dtype=np.int8)
    ensemble = Ensemble(len(onehot), onehot.shape[-1], same_units=False)
    for name, array in maps.items():
        problem = not_readable(array, onehot.shape)
        if problem:
            raise UserError(f"the maps of network '{name}' cannot be averaged: {problem}")
        add_member(
            ensemble, lambda rows, array=array: corrected(array[rows]), onehot.__getitem__, n_regions=len(onehot)
        )
    found = ensemble.results(slice(None), onehot)
    return AverageMap(list(maps), onehot, found.mean, found.spread, found.sign_agreement)


def corrected(maps: np.ndarray) -> np.ndarray:
    """Return maps (n, 4, L) less their mean over bases, float32; the mean is taken in float64."""
    return correct(np.asarray(maps, dtype=np.float64)).astype(np.float32)


def add_member(
    ensemble: Ensemble,
    maps: Callable[[slice], np.ndarray],
    onehot: Callable[[slice], np.ndarray],
    *,
    n_regions: int,
) -> None:
    """Add one network to an average, in two passes over its maps.

    Parameters
    ----------
    ensemble
        Of `n_regions` regions.
    maps, onehot
        Return (n, 4, L) of the given rows: what is averaged, float32, and the sequences.
    n_regions
        N.
    """
    starts = range(0, n_regions, BLOCK)
    blocks = [slice(start, min(start + BLOCK, n_regions)) for start in starts]
    ensemble.start_member(np.concatenate([map_norms(maps(rows)) for rows in blocks]))
    for rows in blocks:
        ensemble.add(np.arange(rows.start, rows.stop), maps(rows), onehot(rows))
