"""Motifs and their instances: patterns beside the null's, database matches, hits and where they lie."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lucidna.report.collect import Experiment
from lucidna.report.figures import histogram
from lucidna.report.numbers import as_float, sentence
from lucidna.report.patterns_part import (
    hidden_note,
    label_class,
    null_parts,
    pattern_column,
    patterns_table,
    read_patterns,
    saturation_table,
    short_name,
)
from lucidna.report.tables import (
    Cell,
    Column,
    Table,
    code_cell,
    count_cell,
    first_of,
    number_cell,
    text_cell,
)

Q_LEVELS = (0.01, 0.05, 0.1, 0.2)
FILES = (
    "patterns.tsv",
    "patterns.meme",
    "matches.tsv",
    "expected.tsv",
    "hits.bed",
    "hits.tsv",
    "reproducibility.tsv",
    "saturation.tsv",
    "seqlets.bed",
    "modisco.h5",
)


def section(experiment: Experiment, *, unmapped: str = "") -> dict:
    """Collect the context of the sections on motifs and on hits, one block per task and head.

    Parameters
    ----------
    unmapped : str
        Why there is no attribution map; empty when there are some.
    """
    if unmapped:
        return {"notes": [f"Neither motifs nor hits were sought, for there are no maps. {unmapped}"], "blocks": []}
    blocks, notes = [], []
    for task, head in experiment.pairs("motifs"):
        blocks.append(_block(experiment, task, head))
    if not blocks:
        notes.append("No motif was sought: the folder motifs/ holds no file.")
    return {"notes": notes, "blocks": blocks}


def _block(experiment: Experiment, task: str, head: str) -> dict:
    place = ("motifs", task, head)
    summary = experiment.document(*place, "summary.json") or {}
    patterns = experiment.table(*place, "patterns.tsv")
    matches = experiment.table(*place, "matches.tsv")
    hits = experiment.table(*place, "hits.tsv")
    found = read_patterns(experiment, task, head, "modisco.h5")
    nulls = null_parts(experiment, task, head)
    notes = []
    if patterns is None or patterns.empty:
        reason = summary.get("reason") or "TF-MoDISco grouped no seqlets into a pattern"
        notes.append(f"No pattern was found: {reason}.")
    if matches is None or matches.empty:
        notes.append("No match with a motif database: no database was named, or nothing matched.")
    if not nulls:
        notes.append("No null was run: whether shuffled sequences give such patterns too is not known.")
    notes += hidden_note(summary)
    hit_notes = [] if hits is not None and not hits.empty else ["No hit was called."]
    positions = hit_positions(hits, experiment.table("data", "rows.tsv"))
    links = [(name, experiment.link(*place, name)) for name in FILES]
    fdr = experiment.config.get("motifs", {}).get("fdr", 0.1)
    return {
        "task": task,
        "head": head,
        "notes": notes + [sentence(str(notice)) for notice in summary.get("notices", [])],
        "patterns": patterns_table(patterns, matches, hits, found or []),
        "expected": expected_table(experiment.table(*place, "expected.tsv"), fdr=fdr),
        "saturation": saturation_table(experiment.table(*place, "saturation.tsv")),
        "nulls": nulls,
        "hit_notes": hit_notes,
        "hits": hits_table(hits),
        "positions": histogram(positions, x_label="distance of the hit's centre from the summit (bp)", width=620),
        "links": [(name, link) for name, link in links if link and not name.startswith("hits")],
        "hit_links": [(name, link) for name, link in links if link and name.startswith("hits")],
        "numbers": key_numbers(patterns, hits, fdr=fdr),
    }


def key_numbers(patterns: pd.DataFrame | None, hits: pd.DataFrame | None, *, fdr: float) -> dict[str, int]:
    """Count patterns, those that the null supports, and hits up to the false discovery rate asked for."""
    numbers = {"patterns": 0 if patterns is None else len(patterns)}
    if patterns is not None and "label" in patterns:
        numbers["supported patterns"] = int(patterns["label"].astype(str).str.startswith("supported").sum())
    if hits is not None and "q_value" in hits:
        numbers[f"hits, q ≤ {fdr:g}"] = int((hits["q_value"] <= fdr).sum())
    return numbers


def expected_table(expected: pd.DataFrame | None, *, fdr: float) -> Table | None:
    """Tabulate the motifs that the config expects, found or not."""
    if expected is None or expected.empty:
        return None
    columns = [
        Column("motif"),
        Column("site"),
        Column("found", help="a pattern agrees with it by a majority at every position that the site names"),
        Column("pattern", help="the one that shows it, or that comes nearest"),
        Column("agreement", True, "frequency of the site's bases at its weakest position"),
        Column("seqlets", True),
        Column("against the null"),
        Column(f"hits, q ≤ {fdr:g}", True),
    ]
    rows = []
    for record in expected.to_dict("records"):
        found = record["found"] == "yes"
        label = str(record["label"]) if found else ""
        rows.append(
            [
                text_cell(record["motif"]),
                code_cell(record["site"]),
                text_cell(record["found"], css=f"badge {'good' if found else 'poor'}"),
                text_cell(short_name(str(record["pattern"])) if isinstance(record["pattern"], str) else "", css="code"),
                number_cell(record["agreement"], 2),
                count_cell(record["n_seqlets"]),
                text_cell(label, css=f"badge {label_class(label)}" if found else ""),
                count_cell(record["hits_at_fdr"]),
            ]
        )
    return Table("Expected motifs", columns, rows)


def hits_table(hits: pd.DataFrame | None) -> Table | None:
    """Count the hits of each pattern at several levels of the q-value."""
    if hits is None or hits.empty:
        return None
    name = pattern_column(hits)
    q_value = first_of(hits, "q_value", "q", "hit_q", "qvalue")
    region = first_of(hits, "region_id", "peak_name", "region")
    columns = [Column("pattern"), Column("all called", True)]
    columns += [Column(f"q ≤ {level:g}", True) for level in Q_LEVELS] if q_value else []
    columns += [Column("regions with a hit", True)] if region else []
    rows, keys = [], []
    for pattern, part in hits.groupby(name, sort=False):
        cells = [Cell(short_name(str(pattern)), sort=str(pattern), css="code"), count_cell(len(part))]
        cells += [count_cell(int((part[q_value] <= level).sum())) for level in Q_LEVELS] if q_value else []
        cells += [count_cell(part[region].nunique())] if region else []
        rows.append(cells)
        keys.append(str(pattern))
    order = sorted(range(len(rows)), key=lambda index: -as_float(rows[index][1].sort))
    return Table("Hits", columns, [rows[i] for i in order], keys=[keys[i] for i in order])


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
