"""The tables of a ranking, and writing them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lucidna.files import write_json, write_tsv

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
    "consensus_weight",
)


@dataclass(frozen=True)
class Ranking:
    """Result of `panel.rank_candidates`.

    Attributes
    ----------
    panel
        One row per network in the order given: id, family, fold, control, prediction and every criterion,
        each with its interval in columns `_lo` and `_hi`, and the nulls of the divergences.
    ranking
        One row per network, best first: status (passed, gated, vetoed, control, failed), reason, chosen,
        score and rank with their intervals, top_share (how often it is among the best `top` over bootstrap
        samples), consensus_weight, front, inseparable.
    families
        One row per family: number of candidates, mean and standard deviation of score and prediction.
    verdict
        See `verdict.verdict_of`.
    metric
        What the column prediction holds: "auroc", "pearson", or as the caller named it.
    tracks
        Every metric of prediction of every network, per track and over all ("all"), with intervals: id, task,
        metric, value, lo, hi; None when predictions were not given.
    """

    panel: pd.DataFrame
    ranking: pd.DataFrame
    families: pd.DataFrame
    verdict: dict
    metric: str = "prediction"
    tracks: pd.DataFrame | None = None

    def write(self, directory: str | Path) -> None:
        """Write panel.tsv, ranking.tsv, families.tsv, verdict.json and, where known, prediction.tsv into a folder."""
        directory = Path(directory)
        write_tsv(directory / "panel.tsv", self.panel)
        write_tsv(directory / "ranking.tsv", self.ranking)
        write_tsv(directory / "families.tsv", self.families)
        if self.tracks is not None:
            write_tsv(directory / "prediction.tsv", self.tracks)
        write_json(directory / "verdict.json", self.verdict)


def with_failed(ranking: pd.DataFrame, failed: pd.DataFrame) -> pd.DataFrame:
    """Append the networks that could not be ranked; all their numbers are missing."""
    rows = ranking.to_dict("records") + failed.assign(status="failed").to_dict("records")
    joined = pd.DataFrame(rows, columns=ranking.columns)
    return joined.astype({"rank": "Int64"} | dict.fromkeys(NUMBERS, "float64"))


def family_table(ranking: pd.DataFrame) -> pd.DataFrame:
    """Mean and spread over the seeds and folds of each family, best mean score first."""
    members = ranking[(ranking["control"] == "none") & (ranking["status"] != "failed")]
    families = members.groupby("family", sort=False).agg(
        n=("id", "size"),
        n_passed=("status", lambda status: int((status == "passed").sum())),
        score_mean=("score", "mean"),
        score_sd=("score", "std"),
        prediction_mean=("prediction", "mean"),
        prediction_sd=("prediction", "std"),
    )
    return families.reset_index().sort_values(["score_mean", "family"], ascending=[False, True], ignore_index=True)
