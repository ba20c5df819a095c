"""From checked inputs to the tables and the verdict: measure each fold, score, gate, veto, order, decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lucidna.errors import UserError
from lucidna.ranking.bootstrap import percentile_interval, resample
from lucidna.ranking.criteria import Measured, measure
from lucidna.ranking.gate import QUANTILE_MINIMUM, VETO_AGAINST, VETO_LOWEST, at_chance, gate_reasons, veto_reasons
from lucidna.ranking.inputs import Networks
from lucidna.ranking.prediction import CHANCE
from lucidna.ranking.prepare import MapSet
from lucidna.ranking.probed import fold_agreement, probed_values
from lucidna.ranking.score import MINIMUM_REFERENCES, RULE_B, combined_score, objective_of, rank_stability
from lucidna.ranking.tables import Ranking, family_table, with_failed
from lucidna.ranking.verdict import in_fold, inseparable_from_best, regions_to_separate, verdict_of


@dataclass(frozen=True)
class _Fold:
    """The networks of one fold: their rows in the table, what was measured, and its bootstrap draws."""

    rows: np.ndarray
    measured: Measured
    draws: dict[str, np.ndarray]
    n_regions: int


def rank_networks(
    networks: Networks,
    *,
    metric: str = "prediction",
    objective: Mapping[str, float] | None = None,
    top: int = 5,
    single: bool = False,
    margin: float = 0.0,
    quantile: float = 0.05,
    consistency: Mapping[str, object] | None = None,
    bootstraps: int = 500,
    seed: int = 0,
) -> Ranking:
    """Rank networks whose inputs have been checked; parameters and result as in `panel.rank_candidates`."""
    objective = objective_of(objective)
    if top < 1:
        raise UserError(f"top is {top}: the delivered set needs at least 1 candidate")
    if bootstraps < 50:
        raise UserError(f"bootstraps is {bootstraps}: intervals need at least 50 samples, better 500")
    table = networks.table.reset_index(drop=True)
    candidate = (table["control"] == "none").to_numpy()
    chance = _at_chance(table, candidate, metric)
    voters = candidate & ~chance if (candidate & ~chance).any() else candidate

    folds: dict[str, _Fold] = {}
    for number, (fold, onehot) in enumerate(networks.onehot.items()):
        rows = np.flatnonzero((table["fold"] == fold).to_numpy())
        if len(rows) == 0:
            continue
        maps = MapSet([networks.maps[row] for row in rows], onehot)
        measured = measure(
            maps,
            families=table["family"].iloc[rows].tolist(),
            voters=voters[rows],
            votes=None if networks.votes is None else [networks.votes[row] for row in rows],
            control=networks.control_maps.get(fold),
            consistency=consistency,
            seed=seed,
        )
        if networks.probes is not None:
            measured = _with_probes(measured, maps, networks, table, rows, fold, voters)
        draws = measured.draws(resample(len(onehot), bootstraps, seed=seed + number))
        folds[fold] = _Fold(rows=rows, measured=measured, draws=draws, n_regions=len(onehot))

    references = min((_references(fold, voters, networks.votes) for fold in folds.values()), default=0)
    rule = "A*" if references >= MINIMUM_REFERENCES else "B"
    weights = objective if rule == "A*" else RULE_B
    panel = _panel(table, folds)
    status, reasons = _status(panel, folds, candidate, chance, rule, margin=margin, quantile=quantile, metric=metric)
    ranking, separation = _ranking(panel, folds, candidate, status, reasons, weights, top=top)
    ranking = with_failed(ranking, networks.failed)
    verdict = verdict_of(
        ranking,
        rule=rule,
        **separation,
        n_regions={name: fold.n_regions for name, fold in folds.items()},
        top=top,
        single=single,
        notices=[*networks.notices, *_notices(folds, candidate, rule, quantile)],
        metric=metric,
    )
    ranking["chosen"] = ranking["id"].isin(verdict["chosen"])
    ranking["front"] = ranking["id"].isin(verdict["front"])
    ranking["inseparable"] = ranking["id"].isin(verdict["inseparable"])
    families = family_table(ranking)
    return Ranking(
        panel=panel, ranking=ranking, families=families, verdict=verdict, metric=metric, tracks=networks.tracks
    )


def _with_probes(
    measured: Measured,
    maps: MapSet,
    networks: Networks,
    table: pd.DataFrame,
    rows: np.ndarray,
    fold: str,
    voters: np.ndarray,
) -> Measured:
    """Add what was probed with the networks of one fold; its bootstrap leaves out the regions that were not."""
    values, weights = probed_values([networks.probes[row] for row in rows], maps.n_regions)
    families = table["family"].tolist()
    others = [
        (families[row], probes.fold_rows[fold], probes.fold_maps[fold])
        for row, probes in enumerate(networks.probes)
        if voters[row] and probes is not None and fold in probes.fold_maps
    ]
    agreement = fold_agreement(maps, [families[row] for row in rows], others)
    if np.isfinite(agreement).any():
        values = {"fold_agreement": agreement, **values}
    return replace(measured, values=measured.values | values, weights=measured.weights | weights)


def _at_chance(table: pd.DataFrame, candidate: np.ndarray, metric: str) -> np.ndarray:
    """Mark networks that predict nothing; none where there are no predictions, or chance is not known."""
    value = table["prediction"].to_numpy(dtype=np.float64)
    if metric not in CHANCE or not np.isfinite(value[candidate]).any():
        return np.zeros(len(table), dtype=bool)
    return at_chance(table["prediction_hi"].to_numpy(dtype=np.float64), value, chance=CHANCE[metric])


def _references(fold: _Fold, voters: np.ndarray, votes: list | None) -> int:
    """Count the other votes that a candidate of this fold is compared with."""
    rows = [row for row in fold.rows if voters[row]]
    return len(rows if votes is None else {votes[row] for row in rows}) - 1


def _panel(table: pd.DataFrame, folds: dict[str, _Fold]) -> pd.DataFrame:
    """One row per network: every criterion with its interval, the nulls last."""
    columns: dict[str, np.ndarray] = {}

    def fill(name: str, rows: np.ndarray, values: np.ndarray) -> None:
        columns.setdefault(name, np.full(len(table), np.nan))[rows] = values

    for fold in folds.values():
        for name, values in fold.measured.means().items():
            lo, hi = percentile_interval(fold.draws[name])
            for suffix, column in (("", values), ("_lo", lo), ("_hi", hi)):
                fill(name + suffix, fold.rows, column)
        for name, values in fold.measured.population.items():
            for suffix, column in zip(("", "_lo", "_hi"), values.T, strict=True):
                fill(name + suffix, fold.rows, column)
        for name, values in fold.measured.nulls.items():
            fill(name, fold.rows, values)
        fill("consensus_weight", fold.rows, fold.measured.consensus_weights)
    n_regions = [folds[fold].n_regions for fold in table["fold"]]
    return pd.concat([table.assign(n_regions=n_regions), pd.DataFrame(columns)], axis=1)


def _status(
    panel: pd.DataFrame,
    folds: dict[str, _Fold],
    candidate: np.ndarray,
    chance: np.ndarray,
    rule: str,
    *,
    margin: float,
    quantile: float,
    metric: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Status and reason of every network: control, gated, vetoed or passed."""
    status = np.where(candidate, "passed", "control").astype(object)
    reasons = np.full(len(panel), "", dtype=object)
    for fold in folds.values():
        part = panel.iloc[fold.rows]
        inside = candidate[fold.rows]
        gated = gate_reasons(
            part["prediction"].to_numpy(),
            part["prediction_lo"].to_numpy(),
            candidate=inside,
            margin=margin,
            metric=metric,
        )
        names = dict.fromkeys((*VETO_LOWEST, *VETO_AGAINST[rule]))
        vetoed = veto_reasons(
            {name: part[name].to_numpy() for name in names},
            {name: part[f"{name}_lo"].to_numpy() for name in names},
            {name: part[f"{name}_hi"].to_numpy() for name in names},
            candidate=inside,
            against_controls=VETO_AGAINST[rule],
            quantile=quantile if rule == "A*" else 0,
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


def _ranking(
    panel: pd.DataFrame,
    folds: dict[str, _Fold],
    candidate: np.ndarray,
    status: np.ndarray,
    reasons: np.ndarray,
    weights: Mapping[str, float],
    *,
    top: int,
) -> tuple[pd.DataFrame, dict]:
    """Score and order the networks, those that passed first; mark what cannot be told from the best."""
    n = len(panel)
    n_draws = next((next(iter(fold.draws.values())).shape[0] for fold in folds.values()), 1)
    score, draws = np.full(n, np.nan), np.full((n_draws, n), np.nan)
    for fold in folds.values():
        inside = candidate[fold.rows]
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
    separation = _separation(folds, [index for index in order if status[index] == "passed"], draws, panel["id"])
    ranking = ranking.loc[order].reset_index(drop=True)
    ranking.insert(0, "rank", pd.array([*range(1, len(passed) + 1), *[None] * (n - len(passed))], dtype="Int64"))
    return ranking, separation


def _separation(folds: dict[str, _Fold], passed: list[int], draws: np.ndarray, ids: pd.Series) -> dict:
    """Per fold: the candidates that cannot be told from the best, and how many regions would do it."""
    inseparable, needed = {}, {}
    for name, fold in folds.items():
        rows = [row for row in passed if row in set(fold.rows.tolist())]
        inseparable[name], needed[name] = [], None
        if len(rows) < 2:
            continue
        marked = inseparable_from_best(draws[:, rows], 0)
        inseparable[name] = [ids[row] for row, mark in zip(rows, marked, strict=True) if mark]
        needed[name] = regions_to_separate(draws[:, rows], 0, marked, fold.n_regions)
    return {"inseparable": inseparable, "needed": needed}


def _notices(folds: dict[str, _Fold], candidate: np.ndarray, rule: str, quantile: float) -> list[str]:
    """Say in sentences what limits the conclusion."""
    notices = []
    for name, fold in folds.items():
        where = in_fold(name, len(folds))
        n = int(candidate[fold.rows].sum())
        if fold.n_regions < 50:
            notices.append(f"Only {fold.n_regions} regions{where} were compared: intervals are wide, 200 are advised.")
        elif fold.n_regions < 200:
            notices.append(f"{fold.n_regions} regions{where} were compared: m1 and m2 are biased below 200.")
        if candidate[fold.rows].all():
            notices.append(f"There is no control{where}: the maps could not be compared with those of one.")
        if rule == "A*" and quantile > 0 and n < QUANTILE_MINIMUM:
            notices.append(
                f"The veto on the lowest {quantile:.0%} was not applied{where}: it needs {QUANTILE_MINIMUM} "
                f"candidates, there are {n}."
            )
    if rule == "B":
        notices.append(f"There are fewer than {MINIMUM_REFERENCES} others to agree with: the weaker rule B was used.")
    return notices
