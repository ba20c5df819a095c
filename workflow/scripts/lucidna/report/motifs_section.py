"""Motifs and their instances: patterns beside the null's, database matches, hits and where they lie."""

from __future__ import annotations

import pandas as pd

from lucidna.motifs.halves import is_half
from lucidna.motifs.hit_columns import of_credible, once
from lucidna.report import effects_section
from lucidna.report.collect import Experiment
from lucidna.report.hits_section import HIT_FILES, has_q, hit_figures, hits_table
from lucidna.report.names import label_class, short_name
from lucidna.report.numbers import sentence
from lucidna.report.patterns_part import (
    FOUND,
    hidden_note,
    null_parts,
    patterns_table,
    read_patterns,
    saturation_table,
)
from lucidna.report.tables import (
    Column,
    Table,
    code_cell,
    count_cell,
    number_cell,
    text_cell,
)

FILES = (
    "patterns.tsv",
    "patterns.meme",
    "matches.tsv",
    "expected.tsv",
    *HIT_FILES,
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
    hits = experiment.hits(task, head)
    found = read_patterns(experiment, task, head, FOUND)
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
    if hits is not None and not has_q(hits):
        hit_notes.append("Hits have no q-value, for there are no maps of shuffled sequences to hold them against.")
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
        "hits": hits_table(hits, fdr=fdr),
        "hit_figures": hit_figures(experiment, task, head, hits),
        "effects": effects_section.block(experiment, task, head),
        "links": [(name, link) for name, link in links if link and name not in HIT_FILES],
        "hit_links": [(name, link) for name, link in links if link and name in HIT_FILES],
        "numbers": key_numbers(patterns, hits, fdr=fdr),
    }


def key_numbers(patterns: pd.DataFrame | None, hits: pd.DataFrame | None, *, fdr: float) -> dict[str, int]:
    """Count patterns, those that the null supports, and their hits up to the false discovery rate asked for."""
    if patterns is not None:  # a half is not a pattern that was found
        patterns = patterns[~patterns["pattern"].map(is_half).astype(bool)]
    numbers = {"patterns": 0 if patterns is None else len(patterns)}
    if patterns is not None and "label" in patterns:
        numbers["supported patterns"] = int(patterns["label"].astype(str).str.startswith("supported").sum())
    if hits is not None and has_q(hits):
        numbers[f"instances, q ≤ {fdr:g}"] = int((once(of_credible(hits))["q_value"] <= fdr).sum())
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
