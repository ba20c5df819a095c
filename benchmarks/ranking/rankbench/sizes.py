"""How few reference networks, and how few regions, are enough for rule A*."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lucidna.ranking.bootstrap import weighted_mean
from lucidna.ranking.consensus import consensus
from lucidna.ranking.prepare import MapSet
from lucidna.ranking.recurrence import sl_con
from lucidna.ranking.score import RULE_A, combined_score
from rankbench.correlation import correlation_table
from rankbench.store import Population


def recurrences(maps: MapSet) -> np.ndarray:
    """Return the seqlet recurrence of every network, (n,)."""
    found = [weighted_mean(*sl_con(maps.corrected(index), maps.onehot)) for index in range(len(maps))]
    return np.nan_to_num(np.array(found, dtype=np.float64))


def rule_a_components(maps: MapSet, seeds: np.ndarray, *, voters: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Return c_cos, c_snr and c_auc of all networks against the consensus of the voters, (n,) each."""
    found = consensus(maps, seeds, voters=voters)
    return {name: part.mean(axis=1) for name, part in zip(RULE_A, (found.cosine, found.snr, found.auc), strict=True)}


def size_table(population: Population, settings: Mapping, *, bootstraps: int, seed: int = 0) -> pd.DataFrame:
    """Measure rule A* with few references and with few regions.

    Parameters
    ----------
    population
        Its candidates are ranked.
    settings
        counts (numbers of references), regions (numbers of regions), draws, shown (regions for the first part).

    Returns
    -------
    DataFrame
        what ("references" or "regions"), size, draws, rho (within-family Spearman with the true composite, mean
        over the draws), lo, hi (mean ends of the bootstrap interval over networks), lowest (worst draw).
    """
    rng = np.random.default_rng(seed)
    rows = population.rows("candidate")
    table = population.table.iloc[rows].reset_index(drop=True)
    sources = [population.maps[row] for row in rows]
    found = []
    few = MapSet([maps[: settings["shown"]] for maps in sources], population.onehot[: settings["shown"]])
    seeds = recurrences(few)
    for count in [count for count in settings["counts"] if count < len(rows) - 8]:
        drawn = []
        for _ in range(settings["draws"]):
            voters = np.zeros(len(rows), dtype=bool)
            voters[rng.permutation(len(rows))[:count]] = True
            # References are compared with one reference less than the others, so they are left out.
            drawn.append(
                _agreement(table, rule_a_components(few, seeds, voters=voters), ~voters, bootstraps=bootstraps)
            )
        found.append({"what": "references", "size": count, "draws": len(drawn), **_summary(drawn)})
    everyone = np.ones(len(rows), dtype=bool)
    available = len(population.onehot)
    for size in dict.fromkeys(min(size, available) for size in settings["regions"]):
        drawn = []
        for _ in range(settings["draws"] if size < available else 1):
            chosen = np.sort(rng.permutation(available)[:size])
            part = MapSet([maps[chosen] for maps in sources], population.onehot[chosen])
            drawn.append(_agreement(table, rule_a_components(part, recurrences(part)), everyone, bootstraps=bootstraps))
        found.append({"what": "regions", "size": size, "draws": len(drawn), **_summary(drawn)})
    return pd.DataFrame(found)


def _agreement(
    table: pd.DataFrame, components: Mapping[str, np.ndarray], kept: np.ndarray, *, bootstraps: int
) -> pd.Series:
    """Within-family correlation of rule A* with the true composite over the kept networks."""
    group = table.assign(**components)[kept].reset_index(drop=True)

    def rule(part: pd.DataFrame) -> dict[str, np.ndarray]:
        values = {name: part[name].to_numpy() for name in RULE_A}
        return {"rule_a": combined_score(values, RULE_A, np.ones(len(part), dtype=bool))}

    found = correlation_table(group, bootstraps=bootstraps, scores=rule)
    return found[(found["truth"] == "composite") & (found["scope"] == "within")].iloc[0]


def _summary(drawn: list[pd.Series]) -> dict[str, float]:
    frame = pd.DataFrame(drawn)
    return {**{name: frame[name].mean() for name in ("rho", "lo", "hi")}, "lowest": frame["rho"].min()}
