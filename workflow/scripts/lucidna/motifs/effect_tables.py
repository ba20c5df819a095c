"""Tables of what instances and patterns do to the predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lucidna.motifs.ablation import Predict, ablation_effects, control_places, evenly_capped
from lucidna.motifs.hit_columns import COLUMNS
from lucidna.motifs.importance import global_importance, instances_of, null_sequences, sign_flip_p
from lucidna.motifs.multiple_testing import benjamini_hochberg
from lucidna.motifs.patterns import Pattern

ABLATION_COLUMNS = [*COLUMNS, "effect", "effect_sd", "effect_agreement", "control_effect"]
IMPORTANCE_COLUMNS = ["pattern", "instances", "importance", "importance_sd", "null_importance", "p_value", "q_value"]


@dataclass(frozen=True)
class EffectSettings:
    """How much is predicted.

    Attributes
    ----------
    max_hits : int
        Hits whose ablation is predicted, at most.
    draws : int
        Shuffles that replace an instance.
    nulls : int
        Null sequences that each pattern is put in.
    max_pairs : int
        Pairs of instances of two patterns that are ablated together, at most; four times as many of two with a spacing.
    """

    max_hits: int = 2000
    draws: int = 5
    nulls: int = 200
    max_pairs: int = 60


def ablation_table(
    predict: Predict,
    sequences: np.ndarray,
    hits: pd.DataFrame,
    placed: pd.DataFrame,
    taken: np.ndarray,
    settings: EffectSettings,
    *,
    seed: int,
) -> pd.DataFrame:
    """Ablate hits, and beside each a place of the same width that belongs to no hit.

    Parameters
    ----------
    predict : callable
    sequences : ndarray
        uint8 (N, L).
    hits, placed : DataFrame
        Hits in genome coordinates, and within their windows.
    taken : ndarray
        bool (N, L), bases of hits, in every window that holds them.
    settings : EffectSettings
    seed : int

    Returns
    -------
    DataFrame
        The columns of hits; effect (mean over networks, units of the output), effect_sd (over networks, n - 1),
        effect_agreement (share of networks with the sign of the mean), control_effect (of the other place).
    """
    kept = evenly_capped(placed["pattern"].to_numpy(dtype=str), settings.max_hits, seed=seed)
    if not len(kept):
        return hits[:0].reindex(columns=ABLATION_COLUMNS)
    rows, start, end = (placed[name].to_numpy(dtype=np.int64)[kept] for name in ("row", "start", "end"))
    other = control_places(rows, end - start, taken, seed=seed)
    effects = ablation_effects(predict, sequences, rows, start, end, draws=settings.draws, seed=seed)
    control = ablation_effects(predict, sequences, rows, other, other + end - start, draws=settings.draws, seed=seed)
    mean = effects.mean(axis=0)
    return hits.iloc[kept].assign(
        effect=mean,
        effect_sd=spread_over_networks(effects),
        effect_agreement=(np.sign(effects) == np.sign(mean)).mean(axis=0),
        control_effect=control.mean(axis=0),
    )


def taken_bases(sequences: np.ndarray, placed: pd.DataFrame) -> np.ndarray:
    """Return bool (N, L), the bases of hits within their windows."""
    taken = np.zeros(sequences.shape, dtype=bool)
    for row, start, end in placed[["row", "start", "end"]].astype(np.int64).itertuples(index=False):
        taken[row, start:end] = True
    return taken


def importance_table(
    predict: Predict, sequences: np.ndarray, patterns: Sequence[Pattern], settings: EffectSettings, *, seed: int
) -> pd.DataFrame:
    """Put every pattern into the same null sequences.

    Returns
    -------
    DataFrame
        pattern, instances (put in), importance (mean over instances and networks, units of the output),
        importance_sd (over networks), null_importance (of the instances with their bases in random order), p_value
        (of the difference, `importance.sign_flip_p`), q_value (Benjamini-Hochberg over patterns).
    """
    rows = []
    nulls = null_sequences(sequences, settings.nulls, seed=seed) if patterns else None
    for pattern in patterns:
        words = instances_of(pattern, sequences, settings.nulls, seed=seed)
        found = global_importance(predict, nulls, words, seed=seed)
        by_network = found.pattern.mean(axis=1)
        p_value = sign_flip_p((found.pattern - found.shuffled).mean(axis=0), seed=seed)
        spread = spread_over_networks(by_network[:, None])[0]
        rows.append(
            (pattern.name, settings.nulls, by_network.mean(), spread, found.shuffled.mean(), p_value, float("nan"))
        )
    table = pd.DataFrame(rows, columns=IMPORTANCE_COLUMNS)
    return table.assign(q_value=benjamini_hochberg(table["p_value"].to_numpy(dtype=float)))


def spread_over_networks(values: np.ndarray) -> np.ndarray:
    """Return the standard deviation over networks (the first axis), NaN for one."""
    return values.std(axis=0, ddof=1) if len(values) > 1 else np.full(values.shape[1:], np.nan)
