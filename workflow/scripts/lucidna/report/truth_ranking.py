"""Simulated data only: the order of the candidates against the true quality of their maps."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from lucidna.report.collect import Experiment, appearance
from lucidna.report.criteria_words import criteria_of, label_of
from lucidna.report.numbers import number
from lucidna.report.point_figures import Point, scatter
from lucidna.report.ranking_section import joined, prediction_label
from lucidna.report.tables import Table, from_frame
from lucidna.report.truth_maps import quality_table

FEWEST_RESAMPLED = 6
BOOTSTRAPS = 500


def ranking_against_truth(experiment: Experiment, quality: pd.DataFrame) -> tuple[list[Table], list[tuple[str, str]]]:
    """Compare the order of the candidates by each criterion with the order by the truth.

    Returns
    -------
    tables : list of Table
        Rank correlation of each criterion with the truth (controls left out); the candidates' scores.
    figures : list of (str, str)
        Title and SVG of the score against the truth.
    """
    caption = "Maps of each candidate on its validation regions, against the truth"
    tables = [quality_table(quality, caption=caption, key="candidate")]
    panel = joined(experiment.table("rank", "panel.tsv"), experiment.table("rank", "ranking.tsv"))
    if panel is None:
        return tables, []
    control = {candidate["id"]: candidate.get("control", "none") for candidate in experiment.candidates}
    merged = panel.merge(quality, on="candidate", suffixes=("", "_truth"))
    merged = merged[[control.get(name, "none") == "none" for name in merged["candidate"]]]
    truth = "aupr_truth" if "aupr_truth" in merged else "aupr"
    rows = []
    measured = [name for name in criteria_of(panel) if not name.endswith("_null")]
    measured += ["prediction"] if "prediction" in panel else []
    for name in measured:
        usable = merged[[name, truth]].dropna()
        if len(usable) < 3 or usable[name].nunique() < 2 or usable[truth].nunique() < 2:
            continue
        label = prediction_label(experiment.config) if name == "prediction" else label_of(name)
        rows.append({"criterion": label, "candidates": len(usable), **correlation(usable, name, truth)})
    if rows:
        caption = "Does the ranking find the truer maps? Rank correlation of each criterion with their AUPR"
        tables.insert(0, from_frame(pd.DataFrame(rows), caption=caption, labels={"spearman": "Spearman ρ"}))
    return tables, truth_figure(experiment, merged, truth)


def correlation(frame: pd.DataFrame, first: str, second: str) -> dict[str, float]:
    """Return Spearman's correlation of two columns, with a bootstrap interval over the rows.

    Resamples of few rows mostly repeat the order they have, so below `FEWEST_RESAMPLED` rows the interval is NaN.
    """
    values = frame[[first, second]].to_numpy(dtype=float)
    rng = np.random.default_rng(0)
    draws = []
    enough = len(values) >= FEWEST_RESAMPLED
    for rows in rng.integers(0, len(values), (BOOTSTRAPS if enough else 0, len(values))):
        sample = values[rows]
        if np.ptp(sample[:, 0]) > 0 and np.ptp(sample[:, 1]) > 0:
            draws.append(spearmanr(sample[:, 0], sample[:, 1]).statistic)
    low, high = np.quantile(draws, [0.025, 0.975]) if draws else (math.nan, math.nan)
    value = float(spearmanr(values[:, 0], values[:, 1]).statistic)
    return {"spearman": value, "spearman_lo": float(low), "spearman_hi": float(high)}


def truth_figure(experiment: Experiment, merged: pd.DataFrame, truth: str) -> list[tuple[str, str]]:
    """Draw the score of the ranking against the true quality of the maps."""
    # A single mark compares nothing.
    if "score" not in merged or merged[["score", truth]].notna().all(axis=1).sum() < 2:
        return []
    looks = appearance(experiment.candidates)
    points = [
        Point(
            key=row["candidate"],
            x=row[truth],
            y=row["score"],
            colour=looks.get(row["candidate"], (0, 0))[0],
            shape=looks.get(row["candidate"], (0, 0))[1],
            lines=(row["candidate"], f"true AUPR {number(row[truth])}", f"score {number(row['score'])}"),
        )
        for row in merged.to_dict("records")
    ]
    picture = scatter(points, x_label="AUPR of the maps against the truth", y_label="score of the ranking", height=360)
    return [("The ranking against the truth", picture)]
