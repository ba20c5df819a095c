"""Every criterion and rule of a population, through lucidna's own functions."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np
import pandas as pd

from lucidna.ranking.panel import rank_candidates
from lucidna.ranking.prepare import MapSet
from lucidna.ranking.score import RULE_A, RULE_B, combined_score
from lucidna.ranking.spherical import spherical_consistency
from rankbench.networks import CONTROLS
from rankbench.probed import PROBES
from rankbench.store import Population

CRITERIA = {
    "c_cos": "c_cos",
    "c_snr": "c_snr",
    "c_auc": "c_auc",
    "c_local": "c_local (veto)",
    "c_second": "c_second (veto)",
    "c_isolation": "c_isolation (veto)",
    "agreement": "mean cosine with the plain mean of the others",
    "family_agreement": "mean cosine within the family",
    "sl_con": "seqlet recurrence",
    "soft_kmer6": "soft 6-mers, cross-fitted",
    "ac1_g": "lag-1 autocorrelation",
    "selfsnr": "own signal to noise",
    "m1": "ACME Method 1",
    "m1_calibrated": "ACME Method 1 less its null",
    "m1cf": "ACME Method 1, cross-fitted",
    "m2": "ACME Method 2, orthonormal",
    "m2cf": "ACME Method 2, cross-fitted",
    "m2_calibrated": "ACME Method 2 less its null",
    "m2_acme2022": "ACME Method 2, as published",
    "prediction": "validation AUROC",
    "loss_gain": "validation loss, negative",
}
"""Criteria that are judged, with their names."""

RULES = ("rule_a", "rule_b", "z_sum")


def panel_of(population: Population, *, seed: int = 0) -> tuple[pd.DataFrame, float]:
    """Rank a population with `rank_candidates`; one row per candidate and control with criteria and truth.

    Returns
    -------
    table, seconds : the settings and the truth beside the columns `CRITERIA` and lucidna's status; CPU seconds
    of the ranking, per network.
    """
    rows = population.ranked
    table = population.table.iloc[rows].reset_index(drop=True)
    maps = dict(zip(table["id"], (population.maps[row] for row in rows), strict=True))
    start = time.process_time()
    ranking = rank_candidates(
        maps,
        population.onehot,
        scores=dict(zip(table["id"], table["auroc"], strict=True)),
        metric="auroc",
        families=dict(zip(table["id"], table["family"], strict=True)),
        controls={name: role for name, role in zip(table["id"], table["role"], strict=True) if role in CONTROLS},
        bootstraps=200,
        seed=seed,
    )
    seconds = (time.process_time() - start) / len(rows)
    panel = ranking.panel.drop(columns="family")
    prepared = MapSet(list(maps.values()), population.onehot)
    panel["m2_acme2022"] = [
        spherical_consistency(prepared.corrected(index), basis="acme2022", blocks=1).kld for index in range(len(rows))
    ]
    panel["loss_gain"] = -table["loss"].to_numpy()
    panel["m1_calibrated"] = panel["m1"] - panel["m1_null"]
    panel["m2_calibrated"] = panel["m2"] - panel["m2_null"]
    status = ranking.ranking.set_index("id").loc[table["id"], ["status", "reason"]].reset_index(drop=True)
    wanted = ["consensus_weight", *CRITERIA]
    return pd.concat([table, panel[wanted], status], axis=1), seconds


def scores_of(group: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return every criterion and rule of networks that are compared with each other, name -> (n,).

    Rules combine ranks or z-scores, so their values depend on the group: a family, or all candidates.
    """
    everyone = np.ones(len(group), dtype=bool)
    criteria = {name: group[name].to_numpy(dtype=np.float64) for name in (*CRITERIA, *PROBES) if name in group}
    return criteria | {
        "rule_a": combined_score(criteria, RULE_A, everyone),
        "rule_b": combined_score(criteria, RULE_B, everyone),
        "z_sum": sum(z_score(criteria[name]) for name in ("m1", "m2", "prediction")),
    }


def z_score(values: np.ndarray) -> np.ndarray:
    """Centre and scale (n,); what is missing takes the lowest value."""
    finite = values[np.isfinite(values)]
    if len(finite) == 0:
        return np.zeros_like(values)
    filled = np.where(np.isfinite(values), values, finite.min())
    spread = filled.std()
    return (filled - filled.mean()) / (spread if spread > 0 else 1)


def composite_of(group: pd.DataFrame) -> np.ndarray:
    """Mean rank percentile of the three truths among the networks of a group, (n,)."""
    truths: Mapping[str, np.ndarray] = {name: group[f"true_{name}"].to_numpy() for name in ("cosine", "auroc", "snr")}
    return combined_score(truths, dict.fromkeys(truths, 1.0), np.ones(len(group), dtype=bool))
