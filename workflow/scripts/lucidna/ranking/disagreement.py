"""The regions in which the maps of the best, the median and the worst candidate differ most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from lucidna.files import atomic_path, write_tsv
from lucidna.ranking.fold import Fold

COUNT = 6
PLACES = ("best", "median", "worst")


@dataclass(frozen=True)
class Disagreement:
    """Example regions, and the maps of a few candidates in them.

    Attributes
    ----------
    ids, words
        The candidates, and which each is: "best", "median", "worst"; one or two when no more were compared.
    table
        One row per region, the largest distance first: region_id, fold, place (among the regions compared),
        distance, and the cosine of each pair of maps, as in cos_best_worst.
    maps
        Unit-norm corrected maps, float32 (candidates, regions, 4, L).
    codes
        uint8 (regions, L).
    """

    ids: list[str]
    words: list[str]
    table: pd.DataFrame
    maps: np.ndarray
    codes: np.ndarray

    def write(self, directory: str | Path) -> None:
        """Write disagreement.tsv and disagreement.npz (read without pickle) into a folder."""
        directory = Path(directory)
        write_tsv(directory / "disagreement.tsv", self.table)
        with atomic_path(directory / "disagreement.npz") as temporary:
            np.savez_compressed(
                temporary,
                ids=np.array(self.ids, dtype=np.str_),
                words=np.array(self.words, dtype=np.str_),
                maps=self.maps,
                codes=self.codes,
            )


def disagreement(
    ranking: pd.DataFrame,
    panel_ids: Sequence[str],
    folds: Mapping[str, Fold],
    region_ids: Mapping[str, Sequence[str]] | None = None,
    *,
    count: int = COUNT,
) -> Disagreement:
    """Choose the regions, by a rule without any choice of ours.

    The candidates are the first, the middle and the last of the order, of those in the fold of the first that were
    compared (what the gate or the veto set aside stands at the end). Of the half of the regions in which the first
    agrees most with the consensus of the others, so that there is something to see, those come first in which the
    mean over pairs of 1 - cosine of the maps is largest; ties by the order of the regions.

    Parameters
    ----------
    ranking
        `tables.Ranking.ranking`, best first.
    panel_ids
        The networks, in the order of the rows of the folds.
    folds
        Maps and criteria.
    region_ids
        fold -> N names; without them a region is called by its place, from 1.
    count
        Most regions.
    """
    compared = ranking[(ranking["control"] == "none") & ranking["score"].notna()]
    if compared.empty:
        columns = ["region_id", "fold", "place", "distance"]
        return Disagreement([], [], pd.DataFrame(columns=columns), np.zeros((0, 0, 4, 0), np.float32), _no_codes())
    name = compared["fold"].iloc[0]
    order = compared.loc[compared["fold"] == name, "id"].tolist()
    chosen = {"best": order[0]}
    if len(order) > 2:
        chosen["median"] = order[(len(order) - 1) // 2]
    if len(order) > 1:
        chosen["worst"] = order[-1]
    fold = folds[name]
    place_of = {panel_ids[row]: place for place, row in enumerate(fold.rows)}
    maps = np.stack([fold.maps.corrected(place_of[candidate]) for candidate in chosen.values()])
    pairs = list(combinations(range(len(chosen)), 2))
    cosines = {pair: np.einsum("nal,nal->n", maps[pair[0]], maps[pair[1]]) for pair in pairs}
    distance = np.mean([1 - value for value in cosines.values()], axis=0) if pairs else np.zeros(fold.n_regions)
    agreed = np.nan_to_num(fold.measured.values["c_cos"][place_of[order[0]]], nan=0.0)
    usable = np.flatnonzero(agreed >= np.median(agreed))
    # Rounded: the last digit of a product of matrices differs between machines.
    rows = usable[np.argsort(-np.round(distance[usable], 6), kind="stable")][:count]
    names = [str(row + 1) for row in rows] if region_ids is None else [str(region_ids[name][row]) for row in rows]
    words = list(chosen)
    table = pd.DataFrame({"region_id": names, "fold": name, "place": rows + 1, "distance": distance[rows].round(6)})
    for (first, second), value in cosines.items():
        table[f"cos_{words[first]}_{words[second]}"] = value[rows].round(6)
    return Disagreement(list(chosen.values()), words, table, maps[:, rows], fold.maps.codes[rows])


def _no_codes() -> np.ndarray:
    return np.zeros((0, 0), dtype=np.uint8)
