"""The tables of the ranking: the panel by groups of columns, families, metrics of prediction by track."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from lucidna.report.criteria_words import GROUPS, MEANINGS, PREDICTION, criteria_of, label_of
from lucidna.report.numbers import as_float
from lucidna.report.tables import (
    Cell,
    Column,
    Table,
    code_cell,
    from_frame,
    interval_cells,
    share_cell,
    text_cell,
)

#: Most rows of the table of metrics by track; with more the means over tracks stand alone.
MOST_ROWS = 400
METRICS = {"auroc": "AUROC", "pearson": "Pearson r"}


def rank_decimals(rows: Sequence[dict], name: str) -> int:
    """Return 1 where candidates share a rank, as in 1.5, else 0."""
    values = [as_float(row.get(key)) for row in rows for key in (name, f"{name}_lo", f"{name}_hi")]
    return int(any(value % 1 for value in values if math.isfinite(value)))


def panel_table(panel: pd.DataFrame, records: list[dict], differences: pd.DataFrame | None, x_label: str) -> Table:
    """Tabulate the panel: a row per candidate, a value with its interval per criterion, grouped by what it tells.

    Parameters
    ----------
    panel : DataFrame
        Panel and ranking joined, best first.
    records : list of dict
        Its rows as `ranking_section.describe` tells of them.
    differences : DataFrame or None
        differences.tsv: paired differences to the best of the fold.
    x_label : str
        Name of the metric of prediction.
    """
    rows = [record["row"] for record in records]
    made: list[tuple[Column, list[Cell]]] = []

    def add(group: str, name: str, label: str, meaning: str = "", source: Sequence[dict] = rows) -> None:
        if any(name in row for row in source):
            made.append((Column(label, True, meaning, group), interval_cells(source, name)))

    if "rank" in panel:
        made.append((Column("rank", True), interval_cells(rows, "rank", decimals=rank_decimals(rows, "rank"))))
    made.append((Column("candidate"), [code_cell(record["candidate"]) for record in records]))
    decision = "Decision"
    made.append((Column("state", group=decision), [text_cell(r["state"], css="line") for r in records]))
    add(decision, "score", *MEANINGS["score"])
    add(decision, "prediction", x_label)
    if "family_rank" in panel:
        meaning = "by rank percentiles among the candidates of this family and fold that passed"
        decimals = rank_decimals(rows, "family_rank")
        made.append(
            (
                Column("in family", True, meaning, decision),
                interval_cells(rows, "family_rank", decimals=decimals),
            ),
        )
    if "top_share" in panel:
        meaning = "share of resamples in which it is among the delivered"
        made.append(
            (Column("delivered in", True, meaning, decision), [share_cell(row.get("top_share")) for row in rows])
        )
    if any(record["reason"] for record in records):
        made.append((Column("reason", group=decision), [text_cell(r["reason"], css="line") for r in records]))
    for group, names in GROUPS.items():
        for name in names:
            if name in panel and panel[name].notna().any():
                add(group, name, *MEANINGS[name])
    grouped = {"score", *(name for names in GROUPS.values() for name in names)}
    for name in criteria_of(panel):
        if name not in grouped:
            add("Others", name, *MEANINGS.get(name, (label_of(name),)))
    add("Prediction", "prediction", x_label)
    for name, words in PREDICTION.items():
        add("Prediction", name, *words)
    for name in MEANINGS:
        if f"{name}_shuffled" in panel and panel[f"{name}_shuffled"].notna().any():
            meaning = "the same on dinucleotide-shuffled copies of the regions: what a value here says without motifs"
            add("On shuffled sequences", name, *MEANINGS[name])
            add("On shuffled sequences", f"{name}_shuffled", f"{label_of(name)}, shuffled", meaning)
    behind = difference_rows(differences, [record["candidate"] for record in records])
    for name in dict.fromkeys(("score", "prediction", *MEANINGS)):
        label = {"prediction": x_label}.get(name, label_of(name))
        add("Less the best", f"less {name}", label, "its value less that of the best of its fold, paired", behind)
    columns, cells = zip(*made, strict=True)
    css = ["chosen" if r["chosen"] else "" if r["kind"] == "candidate" else "set-aside" for r in records]
    return Table(
        "The panel: every candidate by every criterion, with 95 % intervals",
        columns,
        [list(row) for row in zip(*cells, strict=True)],
        keys=[record["candidate"] for record in records],
        css=css,
        filterable=True,
    )


def difference_rows(differences: pd.DataFrame | None, candidates: Sequence[str]) -> list[dict]:
    """Return, for each candidate, its paired differences under the names "less <criterion>" and their ends."""
    rows: dict[str, dict] = {name: {} for name in candidates}
    if differences is not None:
        for row in differences.itertuples(index=False):
            if row.id in rows:
                name = f"less {row.criterion}"
                rows[row.id] |= {name: row.difference, f"{name}_lo": row.lo, f"{name}_hi": row.hi}
    return list(rows.values())


def family_table(families: pd.DataFrame, x_label: str) -> Table:
    """Tabulate families.tsv: means over runs with their intervals over seeds."""
    spread = [name for name in families if name.endswith("_sd") and name not in ("score_sd", "prediction_sd")]
    frame = families.drop(columns=spread).dropna(axis=1, how="all")
    labels = {"n": "candidates", "n_passed": "passed", "score_sd": "s.d.", "prediction_sd": "s.d."}
    labels |= {name: label_of(name.removesuffix("_mean")) for name in frame if name.endswith("_mean")}
    labels |= {"score_mean": "score", "prediction_mean": x_label}
    return from_frame(
        frame,
        caption="Families: means over folds and seeds, with the 95 % interval and the standard deviation over seeds",
        labels=labels,
        code=("family",),
    )


def prediction_table(tracks: pd.DataFrame | None, order: Sequence[str]) -> Table | None:
    """Tabulate prediction.tsv: a row per candidate and track, a column per metric, in the order of the panel."""
    if tracks is None or tracks.empty:
        return None
    caption = "Prediction of validation regions by track, with 95 % intervals"
    tasks = [task for task in dict.fromkeys(tracks["task"]) if task != "all"]
    names = [name for name in dict.fromkeys(order) if name in set(tracks["id"])]
    if len(tasks) == 1:
        tracks = tracks[tracks["task"] != "all"]
    elif len(names) * len(tasks) > MOST_ROWS:
        tracks, caption = tracks[tracks["task"] == "all"], f"{caption}: means over {len(tasks)} tracks"
    metrics = list(dict.fromkeys(tracks["metric"]))
    rows: dict[tuple[str, str], dict] = {}
    for row in tracks.itertuples(index=False):
        found = rows.setdefault((row.id, row.task), {})
        found |= {row.metric: row.value, f"{row.metric}_lo": row.lo, f"{row.metric}_hi": row.hi}
    shown = list(dict.fromkeys(tracks["task"]))
    keys = [(name, task) for name in names for task in shown if (name, task) in rows]
    known = {name: (label, "") for name, label in METRICS.items()} | PREDICTION
    columns = [Column("candidate"), Column("track")]
    cells = [[code_cell(name) for name, _ in keys], [text_cell(task) for _, task in keys]]
    for metric in metrics:
        label, meaning = known.get(metric, (metric, ""))
        columns.append(Column(label, True, meaning.replace(", mean over tracks", "")))
        cells.append(interval_cells([rows[key] for key in keys], metric))
    table = [list(row) for row in zip(*cells, strict=True)]
    return Table(caption, columns, table, keys=[name for name, _ in keys], filterable=len(keys) > 12)
