"""Families: their means with intervals over seeds, and the order of the candidates inside each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t

from lucidna.ranking.fold import Fold
from lucidna.ranking.prediction import METRIC_ENDS
from lucidna.ranking.score import combined_score, rank_stability

SHOWN = ("score", "prediction", "c_cos", "c_snr", "c_auc", "sl_con", "m1cf", "family_agreement")
"""What the table of families averages; criteria that were not measured are left out."""

ENDS = {"score": (0, 1), "c_cos": (-1, 1), "c_auc": (0, 1), "sl_con": (-1, 1), "family_agreement": (-1, 1)}
"""Ends of the scales, of which Student's interval knows nothing."""

PLACES = ("family_rank", "family_rank_lo", "family_rank_hi")


@dataclass(frozen=True)
class Spread:
    """Mean over the runs of a family, the standard deviation between its seeds, and a 95 % interval of the mean.

    Attributes
    ----------
    freedom : int
        Degrees of freedom of the standard deviation: runs less folds.
    """

    mean: float
    sd: float
    lo: float
    hi: float
    freedom: int


def spread_over_seeds(values: pd.Series, folds: pd.Series) -> Spread:
    """Average runs, and say how far the mean would move with other seeds on the same folds.

    Folds differ in how hard they are, which is not what another seed would change: the standard deviation is that
    within folds, pooled. The interval is Student's; with one seed in each fold it is NaN.

    Parameters
    ----------
    values, folds
        One entry per run; NaN values are left out.
    """
    known = values.notna()
    values, folds = values[known].astype(float), folds[known]
    runs, freedom = len(values), len(values) - folds.nunique()
    mean = float(values.mean()) if runs else np.nan
    if freedom < 1:
        return Spread(mean, np.nan, np.nan, np.nan, 0)
    sd = float(np.sqrt(((values - values.groupby(folds).transform("mean")) ** 2).sum() / freedom))
    half = float(t.ppf(0.975, freedom)) * sd / np.sqrt(runs)
    return Spread(mean, sd, mean - half, mean + half, freedom)


def family_table(
    ranking: pd.DataFrame, panel: pd.DataFrame | None = None, *, metric: str = "prediction"
) -> pd.DataFrame:
    """Tabulate families: counts, and means with their spread and interval over seeds; best mean score first.

    Parameters
    ----------
    ranking
        `tables.Ranking.ranking`.
    panel
        Criteria by id, for those of `SHOWN` that the ranking does not hold.
    metric
        What the prediction is.

    Returns
    -------
    DataFrame
        family, n (candidates that were compared), n_passed, and for each of `SHOWN` its `_mean`, `_mean_lo`,
        `_mean_hi` and `_sd` (between seeds, within folds).
    """
    members = ranking[(ranking["control"] == "none") & (ranking["status"] != "failed")]
    if panel is not None:
        names = [name for name in SHOWN if name in panel and name not in members]
        members = members.merge(panel[["id", *names]], on="id", how="left")
    rows = []
    for family, group in members.groupby("family", sort=False):
        row = {"family": family, "n": len(group), "n_passed": int((group["status"] == "passed").sum())}
        for name in SHOWN:
            if name in group:
                found = spread_over_seeds(group[name], group["fold"])
                scale = METRIC_ENDS.get(metric) if name == "prediction" else ENDS.get(name)
                ends = np.clip([found.lo, found.hi], *scale) if scale else (found.lo, found.hi)
                row |= {f"{name}_mean": found.mean, f"{name}_mean_lo": ends[0], f"{name}_mean_hi": ends[1]}
                row[f"{name}_sd"] = found.sd
        rows.append(row)
    if not rows:
        return pd.DataFrame(columns=["family", "n", "n_passed", "score_mean", "score_mean_lo", "score_mean_hi"])
    return pd.DataFrame(rows).sort_values(["score_mean", "family"], ascending=[False, True], ignore_index=True)


def family_places(
    panel: pd.DataFrame, folds: Mapping[str, Fold], passed: np.ndarray, objective: Mapping[str, float]
) -> pd.DataFrame:
    """Order the candidates that passed within their family and fold, by rank percentiles among these alone.

    Parameters
    ----------
    panel
        One row per network: family, and the criteria of both rules.
    folds
        Bootstrap draws, and the rule of each fold.
    passed
        bool, over the rows of the panel.
    objective
        criterion -> weight, in folds of rule A*.

    Returns
    -------
    DataFrame
        `PLACES`, in the order of the panel: rank (1 is best, ties share) and its 95 % interval; NaN elsewhere.
    """
    out = pd.DataFrame(np.nan, index=panel.index, columns=list(PLACES))
    for fold in folds.values():
        families, weights = panel["family"].to_numpy()[fold.rows], fold.weights(objective)
        for family in dict.fromkeys(families[passed[fold.rows]]):
            inside = np.flatnonzero((families == family) & passed[fold.rows])
            rows, everyone = fold.rows[inside], np.ones(len(inside), dtype=bool)
            score = combined_score({name: panel[name].to_numpy()[rows] for name in weights}, weights, everyone)
            draws = combined_score({name: fold.draws[name][:, inside] for name in weights}, weights, everyone)
            lo, hi, _ = rank_stability(draws, top=1)
            place = pd.Series(-score).rank(method="min").to_numpy()
            out.loc[panel.index[rows], list(PLACES)] = np.stack([place, lo, hi], axis=1)
    return out
