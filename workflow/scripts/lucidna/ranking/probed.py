"""Bring what was probed of each candidate into the panel: values by region, and agreement between folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lucidna.errors import UserError
from lucidna.ranking.prepare import MapSet
from lucidna.ranking.probes.store import Probes


def placed(probes: Probes, fold: str, rows: Mapping[str, np.ndarray]) -> Probes:
    """Turn rows of the dataset into places among the regions of each fold.

    Parameters
    ----------
    probes
        As read from disk.
    fold
        The candidate's own.
    rows
        fold -> (N,) rows of the dataset of the regions that are ranked, sorted or not.

    Raises
    ------
    UserError
        When a probed region is not among them.
    """
    return Probes(
        rows=_places(probes.rows, rows[fold], fold),
        values=probes.values,
        weights=probes.weights,
        fold_rows={name: _places(found, rows[name], name) for name, found in probes.fold_rows.items() if name in rows},
        fold_maps={name: array for name, array in probes.fold_maps.items() if name in rows},
    )


def _places(found: np.ndarray, among: np.ndarray, fold: str) -> np.ndarray:
    order = np.argsort(among)
    place = order[np.searchsorted(among, found, sorter=order).clip(max=len(among) - 1)]
    if not np.array_equal(among[place], found):
        missing = int((among[place] != found).sum())
        raise UserError(
            f"{missing} of {len(found)} probed regions are not among those of fold '{fold}' that are ranked: "
            "remove the folder of the probes and run again"
        )
    return place


def probed_values(
    probes: Sequence[Probes | None], n_regions: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Collect the probes of the networks of one fold.

    Parameters
    ----------
    probes
        n, with places among the regions (`placed`); None for a network without.
    n_regions
        N.

    Returns
    -------
    values, weights : criterion -> (n, N), NaN and 0 where a region was not probed.
    """
    values: dict[str, np.ndarray] = {}
    weights: dict[str, np.ndarray] = {}
    for index, found in enumerate(probes):
        if found is None:
            continue
        for name, array in found.values.items():
            values.setdefault(name, np.full((len(probes), n_regions), np.nan))[index, found.rows] = array
        for name, array in found.weights.items():
            weights.setdefault(name, np.zeros((len(probes), n_regions)))[index, found.rows] = array
    return values, weights


def fold_agreement(
    maps: MapSet, families: Sequence[str], others: Sequence[tuple[str, np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Mean cosine of each network's maps with those of its family trained on other folds, on the same regions.

    Parameters
    ----------
    maps
        n networks of one fold on its N regions.
    families
        (n,) labels.
    others
        Networks of other folds: family, places among the N regions (R,), unit-norm corrected maps there (R, 4, L).

    Returns
    -------
    (n, N), NaN where there is none. The other networks may have been trained on these regions; what is compared
    are their maps, not their predictions.
    """
    n, n_regions = len(maps), maps.n_regions
    total, count = np.zeros((n, n_regions)), np.zeros((n, n_regions))
    for index, family in enumerate(families):
        for name, places, array in others:
            if name != family:
                continue
            own = maps.corrected(index)[places]
            total[index, places] += np.einsum("nal,nal->n", own, array.astype(np.float32))
            count[index, places] += 1
    return np.divide(total, count, out=np.full((n, n_regions), np.nan), where=count > 0)
