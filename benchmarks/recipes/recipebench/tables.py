"""From networks to the tables: means and differences to the baseline with 95 % intervals over the seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

METRICS = (
    "test_auroc", "map_auroc", "map_aupr", "cosine", "snr", "agreement", "angle_share", "seconds", "cost",
)  # fmt: skip
"""Columns of the networks that are averaged; cost is the ratio of the seconds to the baseline's of the same seed."""

CELL = ["difficulty", "architecture", "recipe"]
ALL = "all"
"""Name of the rows over all difficulties."""


def networks_table(cells: Mapping[tuple[str, str, str], pd.DataFrame], *, baseline: str) -> pd.DataFrame:
    """Join the networks of all cells and add what each costs next to the baseline.

    Parameters
    ----------
    cells
        (difficulty, architecture, recipe) -> networks.tsv.
    baseline
        Name of a recipe.
    """
    parts = [frame.assign(**dict(zip(CELL, cell, strict=True))) for cell, frame in cells.items()]
    table = pd.concat(parts, ignore_index=True)
    table = table[[*CELL, *(name for name in table if name not in CELL)]]
    own = _of_baseline(table, "seconds", baseline=baseline)
    return table.assign(cost=table["seconds"] / own)


def cells_table(networks: pd.DataFrame, *, baseline: str) -> pd.DataFrame:
    """Average every metric over the seeds of a cell, and its difference to the baseline's network of the same seed.

    Returns
    -------
    DataFrame
        difficulty, architecture, recipe, metric, seeds (networks behind the mean), failed, mean, lo, hi, difference,
        difference_lo, difference_hi. Intervals are Student's, empty for a single seed.
    """
    rows = []
    for metric in METRICS:
        values = networks.assign(value=networks[metric])
        values["difference"] = values["value"] - _of_baseline(networks, metric, baseline=baseline)
        for cell, part in values.groupby(CELL, sort=False):
            mean, lo, hi = interval(part["value"])
            names = dict(zip(CELL, cell, strict=True))
            found = {**names, "metric": metric, "seeds": int(part["value"].notna().sum())}
            found |= {"failed": int((part["status"] != "ok").sum()), "mean": mean, "lo": lo, "hi": hi}
            limits = interval(part["difference"]) if names["recipe"] != baseline else (np.nan,) * 3
            rows.append(found | dict(zip(("difference", "difference_lo", "difference_hi"), limits, strict=True)))
    return pd.DataFrame(rows)


def summary_table(networks: pd.DataFrame, cells: pd.DataFrame, *, baseline: str) -> pd.DataFrame:
    """Summarise every recipe over the architectures, per difficulty and, if it has been run in all, over all of them.

    Returns
    -------
    DataFrame
        difficulty, recipe, cells (architectures, times difficulties), seeds, the mean of every metric, and for all but
        the seconds and the cost d_<metric>, d_<metric>_lo, d_<metric>_hi: the difference to the baseline, averaged
        over the cells of each seed, with Student's interval over the seeds; aupr_least: the smallest difference in map
        AUPR of any cell; aupr_better and auroc_worse: cells in which the interval of the difference in map AUPR lies
        above 0, and in test AUROC below 0.
    """
    difficulties = list(dict.fromkeys(networks["difficulty"]))
    groups = {name: [name] for name in difficulties}
    if len(difficulties) > 1:
        groups[ALL] = difficulties
    rows = []
    for group, names in groups.items():
        for recipe in dict.fromkeys(networks["recipe"]):
            own = networks[networks["difficulty"].isin(names) & (networks["recipe"] == recipe)]
            if own["difficulty"].nunique() < len(names):
                continue
            of_cells = cells[cells["difficulty"].isin(names) & (cells["recipe"] == recipe)]
            rows.append({"difficulty": group, "recipe": recipe} | _summary(networks, own, of_cells, baseline=baseline))
    return pd.DataFrame(rows)


def interval(values: Sequence[float] | pd.Series) -> tuple[float, float, float]:
    """Return the mean and the 95 % interval of Student's t; NaN values are left out, one value has no interval."""
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if not len(values):
        return (np.nan,) * 3
    mean = float(values.mean())
    if len(values) < 2:
        return mean, np.nan, np.nan
    half = float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return mean, mean - half, mean + half


def _of_baseline(networks: pd.DataFrame, metric: str, *, baseline: str) -> np.ndarray:
    """Return for every network the baseline's value for the same difficulty, architecture and seed."""
    keys = ["difficulty", "architecture", "seed"]
    values = networks[networks["recipe"] == baseline].set_index(keys)[metric]
    return values.reindex(pd.MultiIndex.from_frame(networks[keys])).to_numpy()


def _summary(networks: pd.DataFrame, own: pd.DataFrame, of_cells: pd.DataFrame, *, baseline: str) -> dict:
    found: dict = {"cells": len(own.groupby(CELL)), "seeds": own["seed"].nunique()}
    found |= {metric: own.groupby(CELL)[metric].mean().mean() for metric in METRICS}
    if own["recipe"].iloc[0] == baseline:
        return found
    for metric in METRICS[: METRICS.index("seconds")]:
        reference = pd.Series(_of_baseline(networks, metric, baseline=baseline), index=networks.index)
        difference = (own[metric] - reference[own.index]).groupby(own["seed"])
        # A seed that failed in one cell would shift the average of the others.
        whole = difference.mean()[difference.count() == found["cells"]]
        limits = interval(whole)
        found |= dict(zip((f"d_{metric}", f"d_{metric}_lo", f"d_{metric}_hi"), limits, strict=True))
    aupr = of_cells[of_cells["metric"] == "map_aupr"]
    tested = of_cells[of_cells["metric"] == "test_auroc"]
    found["aupr_least"] = aupr["difference"].min()
    found["aupr_better"] = int((aupr["difference_lo"] > 0).sum())
    found["auroc_worse"] = int((tested["difference_hi"] < 0).sum())
    return found
