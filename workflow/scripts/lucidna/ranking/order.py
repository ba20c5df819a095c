"""Gate, veto and order: from the panel to the table of ranks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lucidna.ranking.bootstrap import percentile_interval
from lucidna.ranking.criteria import RECURRENCE_NULL
from lucidna.ranking.families import PLACES, family_places
from lucidna.ranking.fold import Fold
from lucidna.ranking.gate import VETO_ABOVE, VETO_AGAINST, VETO_CHANCE, VETO_LOWEST, gate_reasons, veto_reasons
from lucidna.ranking.score import combined_score, rank_stability
from lucidna.ranking.separation import inseparable_from_best, regions_to_separate


@dataclass(frozen=True)
class Ordered:
    """The order of the networks.

    Attributes
    ----------
    ranking
        One row per network, those that passed first.
    score, draws
        (n,) and (B, n), in the order of the panel.
    best
        fold -> id of its best candidate that passed.
    inseparable, needed
        fold -> ids that cannot be told from the best, and the number of regions that would do it.
    """

    ranking: pd.DataFrame
    score: np.ndarray
    draws: np.ndarray
    best: dict[str, str]
    inseparable: dict[str, list[str]]
    needed: dict[str, int | None]


def status_of(
    panel: pd.DataFrame,
    folds: Mapping[str, Fold],
    candidate: np.ndarray,
    chance: np.ndarray,
    constant: np.ndarray,
    *,
    margin: float,
    quantile: float,
    metric: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Status and reason of every network: control, gated, vetoed or passed.

    `chance` and `constant` mark networks that predict no better than chance, and that give one prediction for all
    regions. The lowest share that is vetoed is one of the candidates that passed the gate: what the gate stops cannot
    save the worst of the others.
    """
    status = np.where(candidate, "passed", "control").astype(object)
    reasons = np.full(len(panel), "", dtype=object)
    for fold in folds.values():
        names = dict.fromkeys((*VETO_LOWEST, *VETO_AGAINST[fold.rule], *VETO_ABOVE))
        part = panel.iloc[fold.rows]
        inside = candidate[fold.rows]
        gated = gate_reasons(
            part["prediction"].to_numpy(),
            part["prediction_lo"].to_numpy(),
            candidate=inside,
            constant=constant[fold.rows],
            margin=margin,
            metric=metric,
        )
        through = np.array([gate is None for gate in gated]) & inside & ~chance[fold.rows]
        vetoed = veto_reasons(
            {name: part[name].to_numpy() for name in names},
            {name: part[f"{name}_lo"].to_numpy() for name in names},
            {name: part[f"{name}_hi"].to_numpy() for name in names},
            candidate=through,
            control=~inside,
            against_controls=VETO_AGAINST[fold.rule],
            chance=_chance(part, fold.rule),
            zero=fold.measured.zero,
            n_regions=fold.n_regions,
            quantile=quantile if fold.rule == "A*" else 0,
        )
        for row, gate, veto in zip(fold.rows, gated, vetoed, strict=True):
            if not candidate[row]:
                reasons[row] = panel["control"].iloc[row]
            elif chance[row]:
                status[row], reasons[row] = "gated", f"its validation {metric} does not exceed chance"
            elif gate:
                status[row], reasons[row] = "gated", gate
            elif veto:
                status[row], reasons[row] = "vetoed", veto
    return status, reasons


def _chance(part: pd.DataFrame, rule: str) -> dict[str, float | np.ndarray]:
    """Return criterion -> what maps without signal give, of the networks of one fold."""
    own = {"sl_con": part[f"{RECURRENCE_NULL}_hi"].to_numpy()} if rule == "B" else {}
    return {**VETO_CHANCE[rule], **own}


def order_networks(
    panel: pd.DataFrame,
    folds: Mapping[str, Fold],
    candidate: np.ndarray,
    status: np.ndarray,
    reasons: np.ndarray,
    objective: Mapping[str, float],
    *,
    top: int,
) -> Ordered:
    """Score and order the networks, those that passed first; mark what cannot be told from the best.

    A score is a rank percentile within a fold, by the rule of that fold, so folds of either rule have one scale.
    Percentiles are taken among those that passed, so whoever was set aside moves none of them; where none passed,
    among all candidates. (A network that the gate stops although it predicts better than chance still has a vote in
    the consensus: without it the criteria of the others change a little.)
    """
    n = len(panel)
    n_draws = next((next(iter(fold.draws.values())).shape[0] for fold in folds.values()), 1)
    score, draws = np.full(n, np.nan), np.full((n_draws, n), np.nan)
    for fold in folds.values():
        weights = fold.weights(objective)
        inside = status[fold.rows] == "passed"
        inside = inside if inside.any() else candidate[fold.rows]
        means = {name: panel[name].to_numpy()[fold.rows] for name in weights}
        score[fold.rows] = combined_score(means, weights, inside)
        draws[:, fold.rows] = combined_score(fold.draws, weights, inside)
    lo, hi = percentile_interval(draws)
    ranking = panel[["id", "family", "fold", "control", "prediction", "prediction_lo", "prediction_hi"]].copy()
    ranking = ranking.assign(status=status, reason=reasons, score=score, score_lo=lo, score_hi=hi)

    passed = np.flatnonzero(status == "passed")
    rank_lo, rank_hi, share = rank_stability(draws[:, passed], top)
    for name, values in (("rank_lo", rank_lo), ("rank_hi", rank_hi), ("top_share", share)):
        ranking[name] = np.nan
        ranking.loc[passed, name] = values
    ranking[list(PLACES)] = family_places(panel, folds, status == "passed", objective)
    ranking["consensus_weight"] = panel.get("consensus_weight")

    # Ties go to the better prediction, then to the id, so that the order never depends on the order of input.
    place = ranking["status"].map({"passed": 0, "gated": 1, "vetoed": 2, "control": 3})
    order = (
        ranking.assign(
            place=place,
            minus_score=-ranking["score"],
            minus_prediction=-ranking["prediction"].fillna(-np.inf),
        )
        .sort_values(["place", "minus_score", "minus_prediction", "id"], kind="stable")
        .index
    )
    best, inseparable, needed = _separation(
        folds, [index for index in order if status[index] == "passed"], score, draws, panel["id"]
    )
    ranking = ranking.loc[order].reset_index(drop=True)
    ranking.insert(0, "rank", pd.array([*range(1, len(passed) + 1), *[None] * (n - len(passed))], dtype="Int64"))
    return Ordered(ranking, score, draws, best, inseparable, needed)


def _separation(
    folds: Mapping[str, Fold], passed: list[int], score: np.ndarray, draws: np.ndarray, ids: pd.Series
) -> tuple[dict[str, str], dict[str, list[str]], dict[str, int | None]]:
    """Per fold: the best, the candidates that cannot be told from it, and how many regions would do it."""
    best, inseparable, needed = {}, {}, {}
    for name, fold in folds.items():
        members = set(fold.rows.tolist())
        rows = [row for row in passed if row in members]
        inseparable[name], needed[name] = [], None
        if rows:
            best[name] = ids[rows[0]]
        if len(rows) < 2:
            continue
        marked = inseparable_from_best(draws[:, rows], 0)
        inseparable[name] = [ids[row] for row, mark in zip(rows, marked, strict=True) if mark]
        needed[name] = regions_to_separate(draws[:, rows], 0, marked, fold.n_regions, scores=score[rows])
    return best, inseparable, needed
