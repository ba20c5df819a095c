"""How far attribution methods agree on the same regions."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import combinations

import numpy as np
import pandas as pd

from lucidna.attribution.hdf5 import ROWS_PER_BLOCK, AttributionFile
from lucidna.errors import UserError

COLUMNS = ["method_a", "method_b", "n_regions", "pearson", "low", "high"]
REGION_COLUMNS = ["region_id", "prediction", "pearson", "lowest", "method_a", "method_b"]


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


def region_agreement(paths: Mapping[str, str | os.PathLike]) -> pd.DataFrame:
    """Correlate the projected maps of all methods in each region that all of them have.

    Parameters
    ----------
    paths : mapping
        Method -> attribution file; the first is where the prediction is taken from.

    Returns
    -------
    DataFrame
        One row per region, those in which the methods agree least first: region_id, prediction, pearson (mean over
        the pairs of methods), lowest (that of the pair that agrees least) and its method_a and method_b. Regions
        with a constant map are left out. Empty for fewer than two methods.

    Raises
    ------
    UserError
        When two files explain sequences of different length.
    """
    names = list(paths)
    if len(names) < 2:
        return pd.DataFrame(columns=REGION_COLUMNS)
    with ExitStack() as stack:
        files = [stack.enter_context(AttributionFile(paths[name])) for name in names]
        for file in files[1:]:
            _check_lengths(files[0], file)
        rows = shared_rows(files)
        pairs = list(combinations(range(len(names)), 2))
        values = np.full((len(rows), len(pairs)), np.nan)
        for start in range(0, len(rows), ROWS_PER_BLOCK):
            part = rows[start : start + ROWS_PER_BLOCK]
            maps = [_projected(file, part[:, column]) for column, file in enumerate(files)]
            for column, (first, second) in enumerate(pairs):
                values[start : start + len(part), column] = pearson_rows(maps[first], maps[second])
        ids, prediction = np.array(files[0].region_ids, dtype=object), np.asarray(files[0].prediction)
    known = np.isfinite(values).all(axis=1)
    rows, values = rows[known, 0], values[known]
    lowest = values.argmin(axis=1)
    table = pd.DataFrame(
        {
            "region_id": ids[rows],
            "prediction": prediction[rows],
            "pearson": values.mean(axis=1),
            "lowest": values.min(axis=1),
            "method_a": [names[pairs[pair][0]] for pair in lowest],
            "method_b": [names[pairs[pair][1]] for pair in lowest],
        },
        columns=REGION_COLUMNS,
    )
    return table.sort_values("pearson", kind="stable", ignore_index=True)


def shared_rows(files: Sequence[AttributionFile]) -> np.ndarray:
    """Return the rows of the regions that all files hold, in the order of the first: int64 (n, files)."""
    places = [{name: row for row, name in enumerate(file.region_ids)} for file in files]
    shared = [name for name in files[0].region_ids if all(name in place for place in places[1:])]
    return np.array([[place[name] for place in places] for name in shared], dtype=np.int64).reshape(-1, len(files))


def _projected(file: AttributionFile, rows: np.ndarray) -> np.ndarray:
    """Read projected maps of rows in any order; the file wants them ascending."""
    order = np.argsort(rows)
    return file.read(rows[order]).projected[np.argsort(order)]


def _check_lengths(a: AttributionFile, b: AttributionFile) -> None:
    if a.length != b.length:
        raise UserError(f"{a.path} explains {a.length} bp and {b.path} {b.length} bp: run both on the same data")


def _pair(first: str | os.PathLike, second: str | os.PathLike) -> np.ndarray:
    """Return the correlation of each shared region."""
    with AttributionFile(first) as a, AttributionFile(second) as b:
        _check_lengths(a, b)
        shared = shared_rows([a, b])
        parts = [np.empty(0)]
        for start in range(0, len(shared), ROWS_PER_BLOCK):
            rows = shared[start : start + ROWS_PER_BLOCK]
            parts.append(pearson_rows(_projected(a, rows[:, 0]), _projected(b, rows[:, 1])))
    return np.concatenate(parts)
