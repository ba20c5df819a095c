"""Faithfulness of the final maps: the measures beside their nulls, and the curves."""

from __future__ import annotations

import dataclasses

import pandas as pd

from lucidna.report.collect import Experiment
from lucidna.report.figures import Chart, Curve, small_charts
from lucidna.report.numbers import as_float, sentence
from lucidna.report.tables import Column, Table, count_cell, interval_cells, text_cell

MEASURES = {
    "insertion": ("insertion", "share of the prediction, above shuffled sequence, that the top positions bring back"),
    "deletion": (
        "deletion",
        "share lost without them; brittle networks lose more, so it is no merit by itself",
    ),
    "mutagenesis": ("mutagenesis", "cosine of the map with the effects of single substitutions"),
    "completeness": (
        "completeness",
        "correlation over regions of what a map adds up to with what it should explain; blind to its scale",
    ),
    "randomised": (
        "random weights",
        "|cosine| with the map of random weights: at best as low as the null",
    ),
}


def part(experiment: Experiment, task: str, head: str) -> dict | None:
    """Collect the context: notes, the table, the curves; None where nothing was measured."""
    folder = ("attribute", task, head)
    table = experiment.table(*folder, "faithfulness.tsv")
    facts = experiment.document(*folder, "sample.json")
    if table is None or facts is None:
        return None
    notes = [sentence(notice) for notice in facts["notices"]]
    if table.empty:
        return {"lead": "", "notes": notes, "table": None, "curves": ""}
    curves = experiment.table(*folder, "curves.tsv")
    return {
        "lead": (
            f"{facts['n_regions']} regions that all methods map ({facts['ism_regions']} of them mutated base by base, "
            f"{facts['randomised_regions']} for random weights), predictions averaged over the "
            f"{len(facts['members'])} candidates, intervals over regions. Each null is the same measure on the same "
            "map with its positions shuffled; for completeness, random pairs of sums and predictions."
        ),
        "notes": notes,
        "table": measures_table(table),
        "curves": curve_charts(curves),
    }


def measures_table(table: pd.DataFrame) -> Table:
    """Tabulate every measure of every method beside its null."""
    columns = [
        Column("measure", help="point at a name for its meaning"),
        Column("method"),
        Column("regions", True),
        Column("value", True),
        Column("null", True),
        Column("better"),
    ]
    order = {name: place for place, name in enumerate(MEASURES)}
    table = table.sort_values("measure", key=lambda names: names.map(order), kind="stable")
    records = table.to_dict("records")
    values, nulls = interval_cells(records, "value", decimals=2), interval_cells(records, "null", decimals=2)
    rows = []
    for record, value, null in zip(records, values, nulls, strict=True):
        name, meaning = MEASURES[record["measure"]]
        rows.append(
            [
                dataclasses.replace(text_cell(name), tip=f"{name}\n{meaning}"),
                text_cell(record["method"]),
                count_cell(record["n_regions"]),
                value,
                null,
                text_cell(record["better"]),
            ]
        )
    return Table("Faithfulness of the averaged maps", columns, rows)


def curve_charts(curves: pd.DataFrame | None) -> str:
    """Draw, for every method, the insertion and the deletion curve, their nulls dashed."""
    if curves is None or curves.empty:
        return ""
    charts = []
    for method, of_method in curves.groupby("method", sort=False):
        lines = []
        for colour, (kind, group) in enumerate(of_method.groupby("curve", sort=False)):
            shares = [100 * as_float(value) for value in group["share"]]
            for name, column, style in ((kind, "value", "solid"), (f"{kind}, null", "null", "dashed")):
                heights = [as_float(value) for value in group[column]]
                lines.append(Curve(f"{method}, {name}", shares, heights, colour=colour, style=style))
        charts.append(Chart(str(method), lines))
    return small_charts(charts, x_label="positions kept or lost, %", y_label="share of the prediction")
