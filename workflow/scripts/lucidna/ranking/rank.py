"""From checked inputs to the tables and the verdict: measure each fold, score, gate, veto, order, decide."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lucidna.ranking.arguments import check_settings
from lucidna.ranking.criteria import consistency_settings
from lucidna.ranking.differences import difference_table
from lucidna.ranking.disagreement import disagreement
from lucidna.ranking.families import family_table
from lucidna.ranking.fold import Fold, measure_fold, panel_of
from lucidna.ranking.gate import at_chance
from lucidna.ranking.inputs import Networks
from lucidna.ranking.level import agreement_level
from lucidna.ranking.notices import limits_of, notices_of
from lucidna.ranking.order import order_networks, status_of
from lucidna.ranking.prediction import CHANCE
from lucidna.ranking.score import objective_of
from lucidna.ranking.tables import Ranking, with_failed
from lucidna.ranking.verdict import verdict_of


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
    check_settings(top=top, bootstraps=bootstraps, margin=margin, quantile=quantile, seed=seed, metric=metric)
    consistency = consistency_settings(consistency)
    table = networks.table.reset_index(drop=True)
    candidate = (table["control"] == "none").to_numpy()
    chance, constant = _at_chance(table, candidate, metric), _constant(networks, candidate)
    useful = candidate & ~chance & ~constant
    voters = useful if useful.any() else candidate

    folds: dict[str, Fold] = {}
    for number, fold in enumerate(networks.onehot):
        rows = np.flatnonzero((table["fold"] == fold).to_numpy())
        if len(rows):
            folds[fold] = measure_fold(
                networks,
                fold,
                rows,
                voters,
                consistency=consistency,
                bootstraps=bootstraps,
                seed=seed,
                draw_seed=seed + number,
            )
    panel = panel_of(table, folds)
    status, reasons = status_of(
        panel, folds, candidate, chance, constant, margin=margin, quantile=quantile, metric=metric
    )
    through = candidate & (status != "gated")
    unknown = _unknown(table, candidate & ~constant)
    ordered = order_networks(panel, folds, candidate, status, reasons, objective, top=top)
    ranking = with_failed(ordered.ranking, networks.failed)
    verdict = verdict_of(
        ranking,
        rule={name: fold.rule for name, fold in folds.items()},
        inseparable=ordered.inseparable,
        needed=ordered.needed,
        n_regions={name: fold.n_regions for name, fold in folds.items()},
        top=top,
        single=single,
        runs=None if networks.votes is None else dict(zip(table["id"], networks.votes, strict=True)),
        notices=[
            *networks.notices,
            *notices_of(networks, folds, candidate, through, unknown, quantile),
        ],
        limits=limits_of(folds, through, unknown, quantile),
        shared_bias=not networks.control_maps,
        metric=metric,
        level=lambda chosen: agreement_level(panel, folds, candidate, chosen),
    )
    for name in ("chosen", "front", "inseparable"):
        ranking[name] = ranking["id"].isin(verdict[name])
    return Ranking(
        panel=panel,
        ranking=ranking,
        families=family_table(ranking, panel, metric=metric),
        differences=difference_table(
            panel, folds, ordered.best, ordered.score, ordered.draws, networks.prediction_draws
        ),
        verdict=verdict,
        disagreement=disagreement(ranking, table["id"].tolist(), folds, networks.region_ids),
        metric=metric,
        tracks=networks.tracks,
    )


def _constant(networks: Networks, candidate: np.ndarray) -> np.ndarray:
    """Mark networks whose predictions are there and give no metric, as those of others do: each is constant."""
    known = networks.table["prediction"].notna().to_numpy()
    if networks.prediction_draws is None or not known[candidate].any():
        return np.zeros(len(known), dtype=bool)
    return ~known


def _unknown(table: pd.DataFrame, candidate: np.ndarray) -> int:
    """Count the candidates whose score is not known, where that of others is."""
    known = table["prediction"].notna().to_numpy()[candidate]
    return int((~known).sum()) if known.any() else 0


def _at_chance(table: pd.DataFrame, candidate: np.ndarray, metric: str) -> np.ndarray:
    """Mark networks that predict nothing; none where there are no predictions, or chance is not known."""
    value = table["prediction"].to_numpy(dtype=np.float64)
    if metric not in CHANCE or not np.isfinite(value[candidate]).any():
        return np.zeros(len(table), dtype=bool)
    return at_chance(table["prediction_hi"].to_numpy(dtype=np.float64), value, chance=CHANCE[metric])
