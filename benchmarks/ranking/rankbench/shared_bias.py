"""Which score sees a preference of the assay that all networks have learnt."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch

from lucidna.ranking.consensus import consensus
from lucidna.ranking.control_share import control_share
from lucidna.ranking.prepare import MapSet, unit_norm, without
from lucidna.ranking.score import RULE_A, combined_score
from lucidna.truth.metrics import ground_truth_metrics
from rankbench.contrast import explained, mean_map
from rankbench.correlation import correlation_table
from rankbench.fooled import components
from rankbench.planting import consensus_seqlets, global_importance
from rankbench.store import Population, read_models

TRIED = {
    "rule_a": tuple(RULE_A),
    "matched": ("matched_c_cos", "matched_c_snr", "matched_c_auc"),
    "contrast": ("contrast_c_cos", "contrast_c_snr", "contrast_c_auc"),
    "rule_a_and_control": (*RULE_A, "minus_control"),
    "rule_a_and_share": (*RULE_A, "minus_share"),
    "matched_and_share": ("matched_c_cos", "matched_c_snr", "matched_c_auc", "minus_share"),
    "minus_control": ("minus_control",),
    "minus_share": ("minus_share",),
    "minus_shuffled": ("minus_shuffled",),
    "global_importance": ("global_importance",),
    "global_contrast": ("global_contrast",),
}
"""Scores that are compared: each the mean rank percentile of some columns."""


def bias_columns(config: Mapping, population: Population, panel: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Add to the candidates' rows everything that `TRIED` needs.

    Parameters
    ----------
    panel
        Rows of the candidates, see `scores.panel_of`.

    Returns
    -------
    DataFrame
        `panel` with matched_ (against networks trained on bias-matched negatives), contrast_ (against the
        consensus less the control map), minus_control and minus_shuffled (minus the cosine with the mean map of
        control-track and of label-shuffled networks), minus_share (minus the share of the map where the
        control map peaks), global_importance (mean effect of the consensus' seqlets
        in null sequences), global_contrast (correlation over seqlets of the effect with what the consensus
        networks show beyond the control-track networks), and minus_on_bias.
    """
    maps = _map_set(population, "candidate")
    control = mean_map(_map_set(population, "control_track"))
    shuffled = mean_map(_map_set(population, "label_shuffled"))
    weights = panel["consensus_weight"].to_numpy()
    contrasted = components(consensus(maps, panel["sl_con"].to_numpy(), control=control))
    columns = {f"matched_{name}": values for name, values in _matched(population, panel).items()}
    columns |= {f"contrast_{name}": values for name, values in contrasted.items()}
    columns |= {"minus_control": -explained(maps, control), "minus_shuffled": -explained(maps, shuffled)}
    shares = [control_share(maps.corrected(index), control) for index in range(len(maps))]
    columns["minus_share"] = -np.nanmean(shares, axis=1)
    columns |= _global(config, population, maps, weights, seed=seed)
    return panel.assign(**columns, minus_on_bias=-panel["on_bias"])


def _map_set(population: Population, *roles: str) -> MapSet:
    return MapSet([population.maps[row] for row in population.rows(*roles)], population.onehot)


def _matched(population: Population, panel: pd.DataFrame) -> dict[str, np.ndarray]:
    """Rule A*'s components of the candidates against the networks trained on bias-matched negatives."""
    maps = _map_set(population, "candidate", "bias_matched")
    roles = population.table["role"].iloc[np.sort(population.rows("candidate", "bias_matched"))].to_numpy()
    seeds = np.ones(len(maps))
    found = components(consensus(maps, seeds, voters=roles == "bias_matched"))
    return {name: values[roles == "candidate"] for name, values in found.items()}


def _global(
    config: Mapping, population: Population, maps: MapSet, weights: np.ndarray, *, seed: int
) -> dict[str, np.ndarray]:
    """Global importance of the consensus' seqlets, alone and against the control-track networks."""
    torch.set_num_threads(1)
    models = read_models(config, population)
    average = sum(weight * maps.corrected(index).astype(np.float64) for index, weight in enumerate(weights))
    stretches = consensus_seqlets(average, maps.codes, **config["bias"]["seqlets"], seed=seed)
    candidates, controls = population.rows("candidate"), population.rows("control_track")
    effects = global_importance(
        [models[row] for row in (*candidates, *controls)],
        stretches,
        maps.codes,
        nulls=config["bias"]["nulls"],
        seed=seed,
    )
    of_control = effects[len(candidates) :].mean(axis=0)
    effects = effects[: len(candidates)]
    total = weights @ effects
    contrast = np.empty(len(candidates))
    for index, weight in enumerate(weights):
        wanted = _scaled(total - weight * effects[index]) - _scaled(of_control)
        contrast[index] = np.corrcoef(effects[index], wanted)[0, 1] if effects[index].std() > 0 else -1.0
    return {"global_importance": effects.mean(axis=1), "global_contrast": contrast}


def _scaled(values: np.ndarray) -> np.ndarray:
    spread = values.std()
    return (values - values.mean()) / (spread if spread > 0 else 1)


def tried_scores(group: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return every score of `TRIED` for networks that are compared with each other."""
    everyone = np.ones(len(group), dtype=bool)
    return {
        name: combined_score({key: group[key].to_numpy() for key in columns}, dict.fromkeys(columns, 1.0), everyone)
        for name, columns in TRIED.items()
    }


def bias_table(
    columns: pd.DataFrame, population: Population, *, bootstraps: int, top: int = 10, seed: int = 0
) -> pd.DataFrame:
    """Judge the scores of `TRIED` by the true quality, by the share of the map on the bias, and by what they choose.

    Returns
    -------
    DataFrame
        score; rho, lo, hi (within-family Spearman with the true composite); bias_rho, bias_lo, bias_hi (with
        minus the share of the map on the assay's preference); top_cosine and top_on_bias of the average map of
        the `top` first; clean_cosine and clean_on_bias of the same average less the control map.
    """
    found = correlation_table(columns, bootstraps=bootstraps, seed=seed, scores=tried_scores)
    within = found[found["scope"] == "within"].set_index(["score", "truth"])
    as_truth = columns.assign(true_cosine=columns["minus_on_bias"])
    on_bias = correlation_table(as_truth, bootstraps=bootstraps, seed=seed, scores=tried_scores)
    on_bias = on_bias[(on_bias["scope"] == "within") & (on_bias["truth"] == "cosine")].set_index("score")
    maps = _map_set(population, "candidate")
    control = mean_map(_map_set(population, "control_track"))
    rows = []
    for name, values in tried_scores(columns).items():
        chosen = np.argsort(-values, kind="stable")[:top]
        average = unit_norm(sum(maps.corrected(index).astype(np.float64) for index in chosen))
        composite = within.loc[(name, "composite")]
        rows.append(
            {
                "score": name,
                **{key: composite[key] for key in ("rho", "lo", "hi")},
                **{f"bias_{key}": on_bias.loc[name, key] for key in ("rho", "lo", "hi")},
                **{f"top_{key}": value for key, value in _judged(average, population).items()},
                **{f"clean_{key}": value for key, value in _judged(without(average, control), population).items()},
            }
        )
    return pd.DataFrame(rows)


def _judged(average: np.ndarray, population: Population) -> dict[str, float]:
    """True cosine of a map (N, 4, L), and its share on the assay's preference."""
    power = np.square(average).sum(axis=1)
    power /= np.maximum(power.sum(axis=1, keepdims=True), 1e-30)
    planted = population.drawn.planted[population.drawn.shown]
    cosine = ground_truth_metrics(average, population.onehot, population.truth)["cosine"]
    return {"cosine": float(cosine.mean()), "on_bias": float((power * planted).sum(axis=1).mean())}
