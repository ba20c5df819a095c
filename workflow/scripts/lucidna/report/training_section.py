"""How training went: curves on the validation split, metrics, and the test split after the verdict."""

from __future__ import annotations

import pandas as pd

from lucidna.report import uncertainty_section
from lucidna.report.collect import Experiment, appearance, family_of
from lucidna.report.figures import Chart, Curve, small_charts
from lucidna.report.numbers import as_float, duration, mebibytes
from lucidna.report.tables import (
    Cell,
    Column,
    Table,
    code_cell,
    count_cell,
    from_frame,
    measure_cell,
    text_cell,
)

#: More families than this make a page nobody reads; the table lists all candidates.
MOST_CHARTS = 36
METRIC_NAMES = {
    "auroc": "AUROC",
    "aupr": "AUPR",
    "pearson": "Pearson r",
    "spearman": "Spearman ρ",
    "mse": "MSE",
    "jsd": "JSD",
}


def metric_label(name: str) -> str:
    """Return a metric's name as people write it."""
    return METRIC_NAMES.get(name, name.replace("_", " "))


def section(experiment: Experiment) -> dict:
    """Collect the context of the section: charts, tables of validation and test metrics, uncertainty."""
    metrics = {
        candidate["id"]: experiment.document("train", candidate["id"], "metrics.json")
        for candidate in experiment.candidates
    }
    histories = {
        candidate["id"]: experiment.table("train", candidate["id"], "history.tsv")
        for candidate in experiment.candidates
    }
    histories = {key: frame for key, frame in histories.items() if frame is not None and not frame.empty}
    notes = []
    absent = [key for key, record in metrics.items() if record is None]
    if absent:
        named = ", ".join(absent[:5]) + (" and others" if len(absent) > 5 else "")
        notes.append(f"{len(absent)} of {len(metrics)} candidates have no metrics.json: {named}.")
    if not histories:
        notes.append("No training history was found: there are no curves to show.")
    test = experiment.table("report", "test_metrics.tsv")
    if test is None or test.empty:
        notes.append("No metric of the test split is there (report/test_metrics.tsv).")
        test = None
    charts = training_charts(experiment.candidates, histories, metrics)
    families = len({family_of(candidate) for candidate in experiment.candidates if candidate["id"] in histories})
    if families > MOST_CHARTS:
        notes.append(f"Curves of the first {MOST_CHARTS} of {families} families are drawn.")
    return {
        "notes": notes,
        "charts": charts,
        "valid": validation_table(experiment.candidates, metrics) if any(metrics.values()) else None,
        "test": held_out_table(test, experiment.candidates),
        "uncertainty": uncertainty_section.section(experiment.candidates, metrics),
        "failed": [
            (key, record.get("reason") or "no reason was recorded")
            for key, record in metrics.items()
            if record is not None and record.get("status") == "failed"
        ],
    }


def training_charts(
    candidates: list[dict], histories: dict[str, pd.DataFrame], metrics: dict[str, dict | None]
) -> list[tuple[str, str]]:
    """Draw one set of small charts for the losses and one for each validation metric.

    Returns
    -------
    list of (str, str)
        Title and SVG, one chart per family in each; curves of a family are its folds and seeds.
    """
    families: dict[str, list[dict]] = {}
    for candidate in candidates:
        if candidate["id"] in histories:
            families.setdefault(family_of(candidate), []).append(candidate)
    shown = dict(list(families.items())[:MOST_CHARTS])
    monitors = [
        name.removeprefix("valid_")
        for name in dict.fromkeys(column for frame in histories.values() for column in frame.columns)
        if name.startswith("valid_") and name != "valid_loss"
    ]
    watched = next((record["monitor"] for record in metrics.values() if record and record.get("monitor")), "")
    monitors.sort(key=lambda name: (name not in watched, name))
    looks = appearance(candidates)
    drawn = []
    for name in [*monitors, "loss"]:
        charts = []
        for family, members in shown.items():
            curves = [
                curve
                for candidate in members
                for curve in _curves(candidate, histories[candidate["id"]], name, looks[candidate["id"]][0])
            ]
            charts.append(Chart(family, curves, _boundaries([histories[c["id"]] for c in members])))
        label = metric_label(name)
        picture = small_charts(charts, x_label="epoch", y_label=label)
        if picture:
            title = "Loss: training (dashed) and validation" if name == "loss" else f"Validation {label}"
            drawn.append((title, picture))
    return drawn


def _curves(candidate: dict, history: pd.DataFrame, name: str, colour: int) -> list[Curve]:
    # Each stage counts its epochs from zero: the place in the table is the time axis.
    epochs = list(range(1, len(history) + 1))
    label = f"{candidate['id']} (fold {candidate.get('fold')}, seed {candidate.get('seed')})"
    curves = []
    if f"valid_{name}" in history:
        values = [as_float(value) for value in history[f"valid_{name}"]]
        curves.append(Curve(label, epochs, values, colour=colour, key=candidate["id"]))
    if name == "loss" and "train_loss" in history:
        values = [as_float(value) for value in history["train_loss"]]
        curves.append(Curve(f"{label}, training", epochs, values, colour=colour, style="dashed", key=candidate["id"]))
    return curves


def _boundaries(histories: list[pd.DataFrame]) -> tuple[float, ...]:
    """Return where stages change, as positions between epochs."""
    found = set()
    for history in histories:
        if "stage" in history:
            stages = list(history["stage"])
            found |= {i + 0.5 for i in range(1, len(stages)) if stages[i] != stages[i - 1]}
    return tuple(sorted(found))


def validation_table(candidates: list[dict], metrics: dict[str, dict | None]) -> Table:
    """Tabulate what each candidate's metrics.json says; all numbers are of the validation split."""
    names = list(
        dict.fromkeys(
            name
            for record in metrics.values()
            if record
            for name, value in (record.get("valid") or {}).items()
            if name != "per_task" and not isinstance(value, list | dict)
        )
    )
    columns = [Column("candidate"), Column("recipe"), Column("fold"), Column("seed", True), Column("status")]
    columns += [Column(f"valid {metric_label(name)}", True) for name in names]
    columns += [
        Column("best epoch", True, "epoch whose weights were kept"),
        Column("epochs", True),
        Column("time", True),
        Column("memory", True, "peak resident memory"),
        Column("parameters", True),
    ]
    rows, keys, css = [], [], []
    for candidate in candidates:
        record = metrics.get(candidate["id"]) or {}
        valid = record.get("valid") or {}
        seconds, memory = record.get("seconds"), record.get("peak_rss_mb")
        rows.append(
            [
                code_cell(candidate["id"]),
                text_cell(candidate.get("recipe")),
                text_cell(candidate.get("fold")),
                count_cell(candidate.get("seed")),
                text_cell(record.get("status", "absent"), tip=record.get("reason") or ""),
                *[measure_cell(valid.get(name)) for name in names],
                count_cell(record.get("best_epoch")),
                count_cell(record.get("epochs")),
                Cell(duration(seconds), sort=as_float(seconds), css="num"),
                Cell(mebibytes(memory), sort=as_float(memory), css="num"),
                count_cell(record.get("n_parameters")),
            ]
        )
        keys.append(candidate["id"])
        css.append("set-aside" if record.get("status") != "ok" or candidate.get("control", "none") != "none" else "")
    return Table("Validation split: every candidate", columns, rows, keys=keys, css=css, filterable=True)


def held_out_table(test: pd.DataFrame | None, candidates: list[dict]) -> Table | None:
    """Tabulate the metrics of the test split, in the order of the candidates."""
    if test is None:
        return None
    order = {candidate["id"]: index for index, candidate in enumerate(candidates)}
    test = test.assign(_order=[order.get(value, len(order)) for value in test["candidate"]])
    test = test.sort_values("_order", kind="stable").drop(columns="_order")
    return from_frame(
        test,
        caption="Test split: every candidate",
        labels={name: metric_label(name) for name in test.columns},
        key="candidate",
        code=("candidate",),
        filterable=True,
    )
