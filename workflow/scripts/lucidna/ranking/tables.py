"""The tables of a ranking, and writing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lucidna.errors import UserError
from lucidna.files import write_json, write_tsv
from lucidna.ranking.average import AverageMap, average_maps
from lucidna.ranking.disagreement import Disagreement
from lucidna.ranking.prepare import as_onehot

NUMBERS = (
    "prediction",
    "prediction_lo",
    "prediction_hi",
    "score",
    "score_lo",
    "score_hi",
    "rank_lo",
    "rank_hi",
    "top_share",
    "family_rank",
    "family_rank_lo",
    "family_rank_hi",
    "consensus_weight",
)


@dataclass(frozen=True)
class Ranking:
    """Result of `panel.rank_candidates`.

    Attributes
    ----------
    panel
        One row per network in the order given: id, family, fold, control, prediction and every criterion and null,
        each with its interval in columns `_lo` and `_hi`. Without one are the number of regions, the weight in the
        consensus (held fixed in the bootstrap), and losses other than the cross-entropy (not kept by region).
    ranking
        One row per network, best first: status (passed, gated, vetoed, control, failed), reason, chosen,
        score and rank with their intervals, top_share (how often it is among the best `top` over bootstrap samples;
        it has no interval, being read from one), family_rank (its rank within family and fold, by percentiles among
        these alone), consensus_weight, front, inseparable.
    families
        One row per family: number of candidates, and means over its runs of score, prediction and criteria with
        their standard deviation and interval over seeds, see `families.family_table`.
    differences
        How far each network is from the best of its fold, by criterion, with paired intervals, see
        `differences.difference_table`.
    verdict
        See `verdict.verdict_of`.
    disagreement
        Regions in which the maps of the best, the median and the worst candidate differ most.
    metric
        What the column prediction holds: "auroc", "pearson", or as the caller named it.
    tracks
        Every metric of prediction of every network, per track and over all ("all"), with intervals: id, task,
        metric, value, lo, hi; None when predictions were not given.
    """

    panel: pd.DataFrame
    ranking: pd.DataFrame
    families: pd.DataFrame
    differences: pd.DataFrame
    verdict: dict
    disagreement: Disagreement
    metric: str = "prediction"
    tracks: pd.DataFrame | None = None

    def write(self, directory: str | Path) -> None:
        """Write panel.tsv, ranking.tsv, families.tsv, differences.tsv, disagreement.tsv and .npz, verdict.json.

        Where metrics of prediction are known by track, also prediction.tsv.
        """
        directory = Path(directory)
        write_tsv(directory / "panel.tsv", self.panel)
        write_tsv(directory / "ranking.tsv", self.ranking)
        write_tsv(directory / "families.tsv", self.families)
        write_tsv(directory / "differences.tsv", self.differences)
        self.disagreement.write(directory)
        if self.tracks is not None:
            write_tsv(directory / "prediction.tsv", self.tracks)
        write_json(directory / "verdict.json", self.verdict)

    def average(
        self,
        maps: np.ndarray | Sequence[np.ndarray] | Mapping[str, np.ndarray],
        onehot: np.ndarray | Mapping[str, np.ndarray],
    ) -> AverageMap | dict[str, AverageMap]:
        """Average the maps of the networks that the verdict chooses: what the ranking delivers.

        Parameters
        ----------
        maps
            Maps of all networks that were ranked, in the same order, or a dictionary that has at least the chosen
            ones; of the sequences that were compared, or of others.
        onehot
            The sequences, one-hot or codes: one array, of which all chosen networks have maps; or a dictionary
            fold -> sequences, where each network has maps of its own fold's.

        Returns
        -------
        AverageMap
            Of all chosen networks; with a dictionary of sequences fold -> that of the networks chosen in the fold,
            without the folds in which none is.

        Raises
        ------
        UserError
            None was chosen; maps that are missing, of another shape than the sequences, or not finite.
        """
        chosen, fold_of = self.verdict["chosen"], dict(zip(self.panel["id"], self.panel["fold"], strict=True))
        if not chosen:
            raise UserError("the ranking chose no network, so there is no average: verdict['text'] says why")
        if not isinstance(maps, Mapping):
            if len(maps) != len(self.panel):
                raise UserError(
                    f"there are maps of {len(maps)} networks and {len(self.panel)} were ranked: give the same, or a "
                    "dictionary id -> maps"
                )
            maps = dict(zip(self.panel["id"], maps, strict=True))
        missing = [name for name in chosen if name not in maps]
        if missing:
            raise UserError(f"there are no maps of the chosen network '{missing[0]}': add them")
        if not isinstance(onehot, Mapping):
            return average_maps({name: maps[name] for name in chosen}, as_onehot(onehot))
        averages = {}
        for fold in dict.fromkeys(fold_of[name] for name in chosen):
            if fold not in onehot:
                raise UserError(f"there are no sequences for fold '{fold}': add them under this name")
            members = {name: maps[name] for name in chosen if fold_of[name] == fold}
            averages[fold] = average_maps(members, as_onehot(onehot[fold]))
        return averages


def with_failed(ranking: pd.DataFrame, failed: pd.DataFrame) -> pd.DataFrame:
    """Append the networks that could not be ranked; all their numbers are missing."""
    rows = ranking.to_dict("records") + failed.assign(status="failed").to_dict("records")
    joined = pd.DataFrame(rows, columns=ranking.columns)
    return joined.astype({"rank": "Int64"} | dict.fromkeys(NUMBERS, "float64"))
