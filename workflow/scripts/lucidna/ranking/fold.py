"""The networks of one fold: what is measured on their maps, and its bootstrap draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lucidna.ranking.bootstrap import percentile_interval, resample
from lucidna.ranking.criteria import NULLS, Measured, measure
from lucidna.ranking.inputs import Networks
from lucidna.ranking.prepare import MapSet
from lucidna.ranking.probed import fold_agreement, probed_values
from lucidna.ranking.score import RULE_B, rule_for

SHUFFLED = "_shuffled"
"""What is added to the name of a criterion that was measured on dinucleotide-shuffled sequences."""


@dataclass(frozen=True)
class Fold:
    """The networks of one fold.

    Attributes
    ----------
    rows
        Their rows in the table of networks, int64 (n,).
    maps
        Their maps.
    measured
        Every criterion.
    draws
        criterion -> (B, n) means over the same bootstrap samples of the regions.
    rule
        "A*", or "B" where there are too few votes for a consensus.
    """

    rows: np.ndarray
    maps: MapSet
    measured: Measured
    draws: dict[str, np.ndarray]
    rule: str

    @property
    def n_regions(self) -> int:
        """Return the number of regions that are compared."""
        return self.maps.n_regions

    def weights(self, objective: Mapping[str, float]) -> Mapping[str, float]:
        """Return criterion -> weight of the score: the objective, or those of rule B."""
        return objective if self.rule == "A*" else RULE_B


def measure_fold(
    networks: Networks,
    fold: str,
    rows: np.ndarray,
    voters: np.ndarray,
    *,
    consistency: Mapping[str, object] | None,
    bootstraps: int,
    seed: int,
    draw_seed: int,
) -> Fold:
    """Measure the networks of a fold by all criteria, on its regions and, where there are maps, on shuffled ones.

    Parameters
    ----------
    networks
        All networks.
    fold
        Its name.
    rows
        (n,) rows of the table that are of this fold.
    voters
        bool, over the whole table: who enters the consensus.
    consistency, bootstraps
        As in `panel.rank_candidates`.
    seed, draw_seed
        Of the nulls, and of the bootstrap samples.
    """
    table = networks.table
    families = table["family"].iloc[rows].tolist()
    votes = None if networks.votes is None else [networks.votes[row] for row in rows]
    settings = {
        "families": families,
        "voters": voters[rows],
        "votes": votes,
        "consistency": consistency,
        "seed": seed,
    }
    maps = MapSet([networks.maps[row] for row in rows], networks.onehot[fold])
    rule = rule_for(_references(voters[rows], votes))
    control = networks.control_maps.get(fold)
    measured = measure(maps, control=control, recurrence_null=rule == "B", **settings)
    if networks.probes is not None:
        measured = _with_probes(measured, maps, networks, rows, fold, voters)
    if networks.shuffled is not None:
        shuffled = MapSet([networks.shuffled[row] for row in rows], networks.shuffled_onehot[fold])
        control = networks.shuffled_control_maps.get(fold)
        measured = _with_shuffled(measured, measure(shuffled, control=control, **settings))
    # All folds are kept until the end, and few of their maps are looked at again.
    maps.release()
    draws = measured.draws(resample(maps.n_regions, bootstraps, seed=draw_seed))
    return Fold(rows=rows, maps=maps, measured=measured, draws=draws, rule=rule)


def _references(voters: np.ndarray, votes: Sequence[object] | None) -> int:
    """Count the other votes that a candidate is compared with."""
    members = np.flatnonzero(voters)
    return len(members if votes is None else {votes[index] for index in members}) - 1


def _with_shuffled(measured: Measured, shuffled: Measured) -> Measured:
    """Add what the same lines gave for maps on shuffled sequences, under names of their own; they need no nulls."""

    def named(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {f"{name}{SHUFFLED}": array for name, array in values.items() if name not in NULLS}

    return replace(
        measured,
        values=measured.values | named(shuffled.values),
        weights=measured.weights | named(shuffled.weights),
        population=measured.population | named(shuffled.population),
    )


def _with_probes(
    measured: Measured, maps: MapSet, networks: Networks, rows: np.ndarray, fold: str, voters: np.ndarray
) -> Measured:
    """Add what was probed with the networks; the bootstrap leaves out the regions that were not."""
    values, weights = probed_values([networks.probes[row] for row in rows], maps.n_regions)
    families = networks.table["family"].tolist()
    others = [
        (families[row], probes.fold_rows[fold], probes.fold_maps[fold])
        for row, probes in enumerate(networks.probes)
        if voters[row] and probes is not None and fold in probes.fold_maps
    ]
    agreement = fold_agreement(maps, [families[row] for row in rows], others)
    if np.isfinite(agreement).any():
        values = {"fold_agreement": agreement, **values}
    return replace(measured, values=measured.values | values, weights=measured.weights | weights)


def panel_of(table: pd.DataFrame, folds: Mapping[str, Fold]) -> pd.DataFrame:
    """One row per network: every criterion and null with its interval.

    Weights in the consensus have none: the bootstrap holds them fixed, like all that is fitted.
    """
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
        fill("consensus_weight", fold.rows, fold.measured.consensus_weights)
    n_regions = [folds[fold].n_regions for fold in table["fold"]]
    return pd.concat([table.assign(n_regions=n_regions), pd.DataFrame(columns)], axis=1)
