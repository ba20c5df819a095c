"""From checked inputs to the tables and the verdict: measure each fold, score, gate, veto, order, decide."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lucidna.errors import UserError
from lucidna.ranking.differences import difference_table
from lucidna.ranking.disagreement import disagreement
from lucidna.ranking.families import family_table
from lucidna.ranking.fold import Fold, measure_fold, panel_of
from lucidna.ranking.gate import QUANTILE_MINIMUM, at_chance
from lucidna.ranking.inputs import Networks
from lucidna.ranking.level import agreement_level
from lucidna.ranking.order import order_networks, status_of
from lucidna.ranking.prediction import CHANCE
from lucidna.ranking.score import MINIMUM_REFERENCES, objective_of
from lucidna.ranking.separation import in_fold, in_folds
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
    if top < 1:
        raise UserError(f"top is {top}: the delivered set needs at least 1 candidate")
    if bootstraps < 50:
        raise UserError(f"bootstraps is {bootstraps}: intervals need at least 50 samples, better 500")
    table = networks.table.reset_index(drop=True)
    candidate = (table["control"] == "none").to_numpy()
    chance = _at_chance(table, candidate, metric)
    voters = candidate & ~chance if (candidate & ~chance).any() else candidate

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
    status, reasons = status_of(panel, folds, candidate, chance, margin=margin, quantile=quantile, metric=metric)
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
            *_notices(folds, candidate, status == "gated", quantile),
            *_bias_notices(networks, folds),
        ],
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


def _at_chance(table: pd.DataFrame, candidate: np.ndarray, metric: str) -> np.ndarray:
    """Mark networks that predict nothing; none where there are no predictions, or chance is not known."""
    value = table["prediction"].to_numpy(dtype=np.float64)
    if metric not in CHANCE or not np.isfinite(value[candidate]).any():
        return np.zeros(len(table), dtype=bool)
    return at_chance(table["prediction_hi"].to_numpy(dtype=np.float64), value, chance=CHANCE[metric])


def _notices(folds: dict[str, Fold], candidate: np.ndarray, gated: np.ndarray, quantile: float) -> list[str]:
    """Say in sentences what limits the conclusion."""
    notices = []
    for name, fold in folds.items():
        where = in_fold(name, len(folds))
        n = int((candidate & ~gated)[fold.rows].sum())
        if fold.n_regions < 50:
            notices.append(f"Only {fold.n_regions} regions{where} were compared: intervals are wide, 200 are advised.")
        elif fold.n_regions < 200:
            notices.append(f"{fold.n_regions} regions{where} were compared: m1 and m2 are biased below 200.")
        if candidate[fold.rows].all():
            notices.append(f"There is no control{where}: the maps could not be compared with those of one.")
        if fold.rule == "A*" and quantile > 0 and n < QUANTILE_MINIMUM:
            notices.append(
                f"The veto on the lowest {quantile:.0%} was not applied{where}: it needs {QUANTILE_MINIMUM} "
                f"candidates that pass the gate, there {'is' if n == 1 else 'are'} {n}."
            )
    weaker = [name for name, fold in folds.items() if fold.rule == "B"]
    if weaker or not folds:
        where = "" if len(weaker) == len(folds) else in_folds(weaker)
        notices.append(
            f"There are fewer than {MINIMUM_REFERENCES} others to agree with{where}: the weaker rule B was used"
            + (" there." if where else ".")
        )
    return notices


def _bias_notices(networks: Networks, folds: dict[str, Fold]) -> list[str]:
    """Say which bias controls' maps were taken out of the consensus."""
    named = {fold: tuple(names) for fold, names in networks.bias_controls.items() if fold in folds}
    notices = []
    for names in dict.fromkeys(named.values()):
        own = [fold for fold in named if named[fold] == names]
        where = "" if len(own) == len(folds) else in_folds(own)
        notices.append(
            f"Bias controls{where}: {', '.join(names)}. What their maps show was taken out of the consensus that "
            "networks are compared with; control_share is the share of a network's map that lies there."
        )
    return notices
