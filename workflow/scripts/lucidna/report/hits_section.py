"""Hits: how many, where they lie, and how they compare with those of shuffled sequences."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lucidna.motifs.hit_columns import of_credible, own_names
from lucidna.motifs.null import CREDIBLE
from lucidna.report.collect import Experiment
from lucidna.report.figures import histogram
from lucidna.report.hit_figures import amount_figure, score_figure
from lucidna.report.names import label_class, short_name
from lucidna.report.numbers import as_float
from lucidna.report.tables import Cell, Column, Table, count_cell, first_of, number_cell, text_cell

Q_LEVELS = (0.01, 0.05, 0.1, 0.2)
HIT_FILES = (
    "hits.bed",
    "hits.bed.gz",
    "hits.tsv",
    "regions.tsv",
    "decoys.tsv",
    "ablation.tsv",
    "importance.tsv",
    "elements.tsv",
    "pairs.tsv",
)

SIGN_HELP = (
    "share of networks whose contribution has the sign of the mean, over the bases of a hit weighted by their size; "
    "median over the hits"
)

INSTANCE_HELP = (
    "hits that are the best of their instance: a site that several patterns of one motif call is counted with the "
    "pattern that fits it best, and listed once in hits.bed"
)


def hit_figures(experiment: Experiment, task: str, head: str, hits: pd.DataFrame | None) -> list[tuple[str, str]]:
    """Draw what is known of the hits of a task and head: (title, SVG) of each figure that can be drawn."""
    known = hits is not None and has_q(hits)
    decoys = experiment.table("motifs", task, head, "decoys.tsv") if known else None
    positions = hit_positions(hits, experiment.table("data", "rows.tsv"))
    where = histogram(positions, x_label="distance of the hit's centre from the summit (bp)", width=620)
    believed = None if hits is None or hits.empty else of_credible(hits)
    drawn = [
        ("Where the hits lie", where),
        ("Hits in the regions and, dashed, in their shuffled copies", score_figure(hits, own_names_of(decoys))),
        (
            "Hits of supported patterns up to each q-value and, dashed, how many of them are expected to be false",
            amount_figure(believed),
        ),
    ]
    return [(title, picture) for title, picture in drawn if picture]


def own_names_of(table: pd.DataFrame | None) -> pd.DataFrame | None:
    """Give a table of decoys the workflow's own names of the columns; None stays."""
    return None if table is None else own_names(table)


def pattern_column(hits: pd.DataFrame) -> str:
    """Return the column of a table of hits that names the pattern."""
    return first_of(hits, "pattern", "motif_name", "motif") or hits.columns[0]


def has_q(hits: pd.DataFrame) -> bool:
    """Tell whether hits have a q-value; a table without a hit counts as one that has."""
    return "q_value" in hits and (hits.empty or hits["q_value"].notna().any())


def hits_table(hits: pd.DataFrame | None, *, fdr: float) -> Table | None:
    """Count the hits of each pattern at several levels of the q-value, and say which patterns' hits count elsewhere.

    Instances are counted at `fdr`, the rate that the configuration asks for.
    """
    if hits is None or hits.empty:
        return None
    name = pattern_column(hits)
    q_value = first_of(hits, "q_value", "q", "hit_q", "qvalue")
    if q_value and hits[q_value].isna().all():  # without decoys there is none
        q_value = None
    region = first_of(hits, "region_id", "peak_name", "region")
    numbered = bool(q_value) and "best" in hits
    columns = [
        Column("pattern"),
        Column("against the null", help="hits.bed, regions.tsv, effects and variants have the hits of supported ones"),
        Column("all called", True),
    ]
    columns += [Column(f"q ≤ {level:g}", True) for level in Q_LEVELS] if q_value else []
    columns += [Column(f"instances, q ≤ {fdr:g}", True, INSTANCE_HELP)] if numbered else []
    columns += [Column("regions with a hit", True, "of all called")] if region else []
    agree = "sign_agreement" in hits and hits["sign_agreement"].notna().any()
    columns += [Column("sign agreement", True, SIGN_HELP)] if agree else []
    rows, keys = [], []
    for pattern, part in hits.groupby(name, sort=False):
        label = str(part["label"].iloc[0])
        cells = [
            Cell(short_name(str(pattern)), sort=str(pattern), css="code"),
            text_cell(label, css=f"badge {label_class(label)}"),
            count_cell(len(part)),
        ]
        cells += [count_cell(int((part[q_value] <= level).sum())) for level in Q_LEVELS] if q_value else []
        cells += [count_cell(int(((part[q_value] <= fdr) & (part["best"] == 1)).sum()))] if numbered else []
        cells += [count_cell(part[region].nunique())] if region else []
        cells += [number_cell(part["sign_agreement"].median(), 2)] if agree else []
        rows.append(cells)
        keys.append(str(pattern))
    order = sorted(range(len(rows)), key=lambda index: -as_float(rows[index][2].sort))
    css = ["" if str(rows[i][1].text) in CREDIBLE else "set-aside" for i in order]
    return Table("Hits", columns, [rows[i] for i in order], keys=[keys[i] for i in order], css=css)


def hit_positions(hits: pd.DataFrame | None, regions: pd.DataFrame | None) -> np.ndarray:
    """Return the distance of each hit's centre from the summit of its region, bp; empty when unknown."""
    if hits is None or hits.empty or regions is None:
        return np.empty(0)
    region = first_of(hits, "region_id", "peak_name", "region")
    if region is None or "start" not in hits or "summit" not in regions:
        return np.empty(0)
    summits = dict(zip(regions["region_id"].astype(str), regions["summit"], strict=True))
    centre = (hits["start"].to_numpy(dtype=float) + hits["end"].to_numpy(dtype=float)) / 2
    summit = np.array([as_float(summits.get(str(value))) for value in hits[region]])
    distance = centre - summit
    return distance[np.isfinite(distance)]
