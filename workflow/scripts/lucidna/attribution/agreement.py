"""How far attribution methods agree on the same regions."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
import pandas as pd

from lucidna.attribution.hdf5 import ROWS_PER_BLOCK, AttributionFile
from lucidna.errors import UserError

COLUMNS = ["method_a", "method_b", "n_regions", "pearson", "low", "high"]


def pearson_rows(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return Pearson's r of each row of two arrays (n, L): float64 (n,), NaN for constant rows."""
    a = a - a.mean(axis=1, keepdims=True, dtype=np.float64)
    b = b - b.mean(axis=1, keepdims=True, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))


def bootstrap_mean(values: np.ndarray, *, draws: int = 1000, level: float = 0.95, seed: int = 0) -> tuple[float, ...]:
    """Return the mean and its percentile bootstrap interval.

    Parameters
    ----------
    values : array
        (n,); NaN are left out.
    draws : int
        Resamples over regions.
    level : float
        Coverage.
    seed : int
        Of the resamples.

    Returns
    -------
    tuple of float
        Mean, low, high; NaN without values.
    """
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return (float("nan"),) * 3
    rng = np.random.default_rng(seed)
    means = np.array([rng.choice(values, len(values)).mean() for _ in range(draws)])
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(values.mean()), float(low), float(high)


def method_agreement(paths: Mapping[str, str | os.PathLike], *, draws: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Correlate the projected maps of every two methods, region by region, on the regions both have.

    Parameters
    ----------
    paths : mapping
        Method -> attribution file.
    draws : int
        Bootstrap resamples over regions.
    seed : int
        Of the resamples.

    Returns
    -------
    DataFrame
        One row per pair: method_a, method_b, n_regions, pearson (mean over regions of the correlation within
        a region), low and high (95 % interval). Empty for fewer than two methods.

    Raises
    ------
    UserError
        When two files explain sequences of different length.
    """
    names = list(paths)
    lines = []
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            values = _pair(paths[first], paths[second])
            mean, low, high = bootstrap_mean(values, draws=draws, seed=seed)
            lines.append((first, second, len(values), mean, low, high))
    return pd.DataFrame(lines, columns=COLUMNS)


def _pair(first: str | os.PathLike, second: str | os.PathLike) -> np.ndarray:
    """Return the correlation of each shared region."""
    with AttributionFile(first) as a, AttributionFile(second) as b:
        if a.length != b.length:
            raise UserError(f"{a.path} explains {a.length} bp and {b.path} {b.length} bp: run both on the same data")
        row_in_b = {name: row for row, name in enumerate(b.region_ids)}
        shared = np.array([(i, row_in_b[r]) for i, r in enumerate(a.region_ids) if r in row_in_b], dtype=np.int64)
        parts = [np.empty(0)]
        for start in range(0, len(shared), ROWS_PER_BLOCK):
            rows = shared[start : start + ROWS_PER_BLOCK]
            order = np.argsort(rows[:, 1])
            of_a, of_b = a.read(rows[:, 0]).projected, b.read(rows[order, 1]).projected
            parts.append(pearson_rows(of_a, of_b[np.argsort(order)]))
    return np.concatenate(parts)
