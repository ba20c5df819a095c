"""How well scores order networks by their true quality, within families and over all, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from rankbench.scores import composite_of, scores_of
from rankbench.store import TRUTHS


def spearman_rows(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Rank correlation along the last axis of (..., n); NaN ranks lowest, 0 where one side is constant."""
    ranks = [rankdata(np.where(np.isfinite(side), side, -np.inf), axis=-1) for side in (first, second)]
    centred = [side - side.mean(axis=-1, keepdims=True) for side in ranks]
    norm = np.sqrt(np.prod([np.square(side).sum(axis=-1) for side in centred], axis=0))
    return (centred[0] * centred[1]).sum(axis=-1) / np.where(norm > 0, norm, 1)


def truths_of(group: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the truths and their composite among the networks of a group, name -> (n,)."""
    return {name: group[f"true_{name}"].to_numpy() for name in TRUTHS} | {"composite": composite_of(group)}


def correlation_table(
    table: pd.DataFrame,
    *,
    bootstraps: int,
    seed: int = 0,
    scores: Callable[[pd.DataFrame], Mapping[str, np.ndarray]] = scores_of,
) -> pd.DataFrame:
    """Correlate every score with every truth over the candidates of a population.

    Parameters
    ----------
    table
        One row per candidate: family, the true_ columns, and what `scores` reads.
    bootstraps
        Resamples of the networks within their families; ranks within a group are those of the whole group.
    scores
        Group of networks -> name -> (n,) values.

    Returns
    -------
    DataFrame
        score, truth, scope ("within": mean over the families; "pooled"; or a family), rho, lo, hi, n.
    """
    rng = np.random.default_rng(seed)
    families = list(dict.fromkeys(table["family"]))
    members = [np.flatnonzero((table["family"] == family).to_numpy()) for family in families]
    draws = [rng.integers(len(rows), size=(bootstraps, len(rows))) for rows in members]
    groups = [(scores(table.iloc[rows]), truths_of(table.iloc[rows])) for rows in members]
    pooled = (scores(table), truths_of(table))
    pooled_draws = np.concatenate([rows[drawn] for rows, drawn in zip(members, draws, strict=True)], axis=1)
    found = []
    for score in pooled[0]:
        for truth in pooled[1]:
            sides = [(group[0][score], group[1][truth]) for group in groups]
            values = np.array([spearman_rows(*pair) for pair in sides])
            resampled = np.stack(
                [
                    spearman_rows(first[drawn], second[drawn])
                    for (first, second), drawn in zip(sides, draws, strict=True)
                ]
            )
            first, second = pooled[0][score], pooled[1][truth]
            scopes = {
                "within": (values.mean(), resampled.mean(axis=0)),
                "pooled": (spearman_rows(first, second), spearman_rows(first[pooled_draws], second[pooled_draws])),
            } | {family: (values[index], resampled[index]) for index, family in enumerate(families)}
            for scope, (rho, sample) in scopes.items():
                lo, hi = np.quantile(sample, [0.025, 0.975])
                n = len(table) if scope in ("within", "pooled") else len(members[families.index(scope)])
                found.append({"score": score, "truth": truth, "scope": scope, "rho": rho, "lo": lo, "hi": hi, "n": n})
    return pd.DataFrame(found)
