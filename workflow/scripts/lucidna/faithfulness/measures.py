"""Measures of one set of maps against the networks behind them, per region, each beside its null."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from lucidna.ranking.bootstrap import bootstrap_means, percentile_interval, resample, weighted_mean
from lucidna.ranking.prepare import project
from lucidna.ranking.probes.cosine import region_cosine
from lucidna.ranking.probes.insertion import SHARES, Curves

COLUMNS = ["measure", "better", "n_regions", "value", "value_lo", "value_hi", "null", "null_lo", "null_hi"]
CURVE_COLUMNS = ["curve", "share", "value", "value_lo", "value_hi", "null", "null_lo", "null_hi"]


class Measured(NamedTuple):
    """One measure.

    Attributes
    ----------
    better : {"higher", "lower"}
    value, null : array
        (N,) per region; NaN where it is not defined.
    weights : array or None
        (N,) of the regions.
    """

    better: str
    value: np.ndarray
    null: np.ndarray
    weights: np.ndarray | None = None


def curve_measures(real: Curves, null: Curves) -> dict[str, Measured]:
    """Return the areas under the insertion and the deletion curve (`ranking.probes.insertion.Curves`)."""
    found = {}
    for name, values, nulls in zip(("insertion", "deletion"), real.areas(), null.areas(), strict=True):
        found[name] = Measured("higher", values, nulls, real.full)
    return found


def mutagenesis_agreement(maps: np.ndarray, null: np.ndarray, effects: np.ndarray, positions: np.ndarray) -> Measured:
    """Return the cosine of each map with substitution effects at some positions.

    Parameters
    ----------
    maps, null : array
        Maps and permuted maps with zero mean over bases, (N, 4, L).
    effects : array
        Substitution effects with zero mean over bases, (N, 4, P).
    positions : array
        int64 (N, P).
    """
    values = [region_cosine(np.take_along_axis(each, positions[:, None], axis=2), effects) for each in (maps, null)]
    return Measured("higher", *values)


def completeness(maps: np.ndarray, onehot: np.ndarray, differences: np.ndarray, *, seed: int) -> dict[str, float]:
    """Correlate what maps add up to with what they are to explain, over regions.

    Averaged maps are in units of the output only up to each member's scale, so their sums cannot equal the
    difference; that regions with larger sums have larger differences is what is left of completeness.

    Parameters
    ----------
    maps, onehot : array
        (N, 4, L), not corrected.
    differences : array
        (N,) mean prediction of the members minus that of the region's shuffles.
    seed : int
        Of the bootstrap, and of the pairing of the null.

    Returns
    -------
    dict
        value, value_lo, value_hi, null, null_lo, null_hi: Pearson's r with its 95 % bootstrap interval, and the
        mean and the central 95 % over 200 random pairings of sums with differences.
    """
    sums = project(maps, onehot).sum(axis=1)
    rng = np.random.default_rng(seed)
    draws = [_pearson(sums[rows], differences[rows]) for rows in rng.integers(len(sums), size=(500, len(sums)))]
    nulls = np.array([_pearson(sums, rng.permutation(differences)) for _ in range(200)])
    (lo, hi), (null_lo, null_hi) = (percentile_interval(np.array(values)) for values in (draws, nulls))
    null = float(np.nanmean(nulls)) if np.isfinite(nulls).any() else float("nan")
    values = (_pearson(sums, differences), float(lo), float(hi), null, float(null_lo), float(null_hi))
    return dict(zip(COLUMNS[3:], values, strict=True))


def table_of(measures: Mapping[str, Measured], *, bootstraps: int = 500, seed: int = 0) -> pd.DataFrame:
    """Average each measure and its null over regions, with 95 % bootstrap intervals; columns `COLUMNS`."""
    rows = []
    for name, found in measures.items():
        ends = []
        counts = resample(len(found.value), bootstraps, seed=seed)
        for values in (found.value, found.null):
            weights = None if found.weights is None else found.weights[None]
            lo, hi = percentile_interval(bootstrap_means(values[None], counts, weights)[:, 0])
            ends += [float(weighted_mean(values, found.weights)), float(lo), float(hi)]
        rows.append((name, found.better, int(np.isfinite(found.value).sum()), *ends))
    return pd.DataFrame(rows, columns=COLUMNS)


def curve_table(real: Curves, null: Curves, *, bootstraps: int = 500, seed: int = 0) -> pd.DataFrame:
    """Average both curves and their nulls over regions, at every share of the positions; columns `CURVE_COLUMNS`."""
    parts = []
    for name in ("insertion", "deletion"):
        points = {
            str(share): Measured("higher", getattr(real, name)[:, k], getattr(null, name)[:, k], real.full)
            for k, share in enumerate(SHARES)
        }
        table = table_of(points, bootstraps=bootstraps, seed=seed)
        parts.append(table.assign(curve=name, share=SHARES)[CURVE_COLUMNS])
    return pd.concat(parts, ignore_index=True)


def _pearson(a: np.ndarray, b: np.ndarray) -> float:
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])
