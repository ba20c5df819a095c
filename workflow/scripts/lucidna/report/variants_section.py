"""Variants: the largest effects, what they touch, and what was not taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from lucidna.report.collect import Experiment, read_table
from lucidna.report.names import short_name
from lucidna.report.numbers import percent, sentence
from lucidna.report.tables import Cell, Column, Table, count_cell, number_cell, share_cell, text_cell

SHOWN = 50


def section(experiment: Experiment) -> dict | None:
    """Collect the context of the section: notes, a table for each task, files; None without variants."""
    summary = experiment.document("variants", "summary.json")
    if summary is None:
        return None
    table = experiment.table("variants", "variants.tsv")
    notes = [sentence(notice) for notice in summary["notices"]]
    if summary["skipped"]:
        reasons = "; ".join(f"{reason} ({count:,})" for reason, count in summary["skipped"].items())
        notes.append(f"Alleles that were not taken: {reasons}. skipped.tsv lists them.")
    notes += [rate_note(task, rate) for task, rate in summary.get("sites", {}).items()]
    tables = []
    if table is not None and not table.empty:
        for task in summary["tasks"]:
            of_task = table[table["task"] == task]
            truth = read_table(experiment.truth / "variants.tsv") if experiment.truth is not None else None
            if truth is not None and set(of_task["id"]) & set(truth["id"]):
                tables.append(truth_table(of_task, truth, unit=summary["unit"], task=task))
            tables.append(effects_table(of_task, unit=summary["unit"], task=task))
    names = ("variants.tsv", "variants.vcf.gz", "skipped.tsv")
    links = [(name, experiment.link("variants", name)) for name in names]
    return {
        "lead": (
            f"{summary['n_variants']:,} alternative alleles were put into the genome and predicted by "
            f"{len(summary['networks'])} networks, windows centred on the variant. The change is the mean over "
            "networks, ± is their standard deviation. Hits are instances up to the false discovery rate that have a "
            "base which the variant changes, the strongest first; they were searched in the regions of the maps alone. "
            "'Makes' and 'breaks' are supported patterns that match over the variant (FIMO, p ≤ 1e-4, with the allele "
            "that they match better), and whose score the two alleles differ in by at least 3.3 bits, a tenfold change "
            "of the odds."
        ),
        "notes": notes,
        "tables": tables,
        "links": [(name, link) for name, link in links if link],
    }


def rate_note(task: str, rate: Mapping[str, Any]) -> str:
    """Say how many variants of a task change a site, and how many other substitutions at their places would."""
    if not rate["patterns"]:
        return f"Task {task}: no pattern is supported, so it is not known which sites the variants make or break."
    if not rate["variants"]:
        return (
            f"Task {task}: no variant is a substitution of one base, so it was not measured how often any other would "
            "make or break a site."
        )
    share, others = (_share(rate[key]) for key in ("make_or_break", "others_make_or_break"))
    return (
        f"Task {task}: {share} of the {rate['variants']:,} substitutions of one base make or break a site of a "
        f"supported pattern; of the {rate['other_substitutions']:,} other substitutions at the same places {others} "
        "would: a site alone is weak evidence, the networks' change says whether it matters. Indels and substitutions "
        "of several bases are left out of these shares."
    )


def _share(value: float) -> str:
    """Write a share that may be small: a rate of 0.4 % is not none."""
    return percent(value, 0 if value >= 0.1 or not value else 1)


def effects_table(table: pd.DataFrame, *, unit: str, task: str) -> Table:
    """Tabulate the variants of a task with the largest absolute change."""
    order = table[unit].abs().sort_values(ascending=False, kind="stable").index[:SHOWN]
    columns = [
        Column("variant"),
        Column("alleles"),
        Column("place"),
        Column(unit.replace("_", " "), True, "alternative against reference, mean over networks"),
        Column("±", True, "standard deviation over networks"),
        Column("same sign", True, "share of networks that agree with the sign of the mean"),
    ]
    profile = "jsd" in table
    if profile:
        columns.append(Column("profile change", True, "Jensen-Shannon divergence of the profiles, bits"))
    columns += [
        Column(
            "hit", help="motif instances that the variant changes; 'not searched' outside of the regions of the maps"
        ),
        Column("makes", help="patterns that match the alternative better"),
        Column("breaks", help="patterns that match the reference better"),
        Column("bits", True, "largest change of a matching pattern's score, alternative against reference"),
    ]
    rows = []
    for record in table.loc[order].to_dict("records"):
        rows.append(
            [
                text_cell(record["id"]),
                text_cell(f"{_short(record['ref'])} > {_short(record['alt'])}"),
                text_cell(f"{record['chrom']}:{record['position']:,}"),
                number_cell(record[unit], 3),
                number_cell(record[f"{unit}_sd"], 2),
                number_cell(record["sign_agreement"], 2),
                *([number_cell(record["jsd"], 2)] if profile else []),
                _names_cell(record["hit"]) if record["searched"] else text_cell("not searched"),
                *[_names_cell(record[name]) for name in ("makes", "breaks")],
                number_cell(float(str(record["site_change"]).split(";")[0]), 3),
            ]
        )
    shown = f"the {SHOWN} largest of {len(table):,} changes" if len(table) > SHOWN else "all changes, largest first"
    return Table(f"{task}: {shown}", columns, rows, filterable=True)


KINDS = {
    "breaks": "base of an instance",
    "deletes": "middle of an instance cut out",
    "decoy": "base of a decoy",
    "background": "base outside of any instance",
}


def truth_table(table: pd.DataFrame, truth: pd.DataFrame, *, unit: str, task: str) -> Table:
    """Tabulate, for each kind of simulated variant, how large its changes are and whether its instance was a hit."""
    merged = table.merge(truth[["id", "kind", "strength"]], on="id")
    size = merged[unit].abs()
    quiet = size[merged["kind"] == "background"]
    columns = [
        Column("simulated variants"),
        Column("number", True),
        Column("median |change|", True),
        Column("loud", True, "share with a larger change than 95 % of those outside of any instance"),
        Column("expected sign", True, "share whose change has the sign that losing the instance would give"),
        Column("searched", True, "number that lie where hits were searched, in the regions of the maps"),
        Column("in a hit", True, "share, of those, that change a motif instance up to the false discovery rate"),
        Column("breaks a pattern", True, "share, of all, that take at least 3.3 bits from a supported pattern's match"),
    ]
    rows = []
    for kind, words in KINDS.items():
        rows_of = merged["kind"] == kind
        group = merged[rows_of]
        if group.empty:
            continue
        loud = float((size[rows_of] > quiet.quantile(0.95)).mean()) if len(quiet) else np.nan
        acting = group[group["strength"] != 0]
        right = (np.sign(acting[unit]) == -np.sign(acting["strength"])).mean() if len(acting) else np.nan
        rows.append(
            [
                text_cell(words),
                count_cell(len(group)),
                number_cell(float(size[rows_of].median()), 2),
                share_cell(loud),
                share_cell(right),
                count_cell(int(group["searched"].sum())),
                share_cell(group.loc[group["searched"], "hit"].notna().mean()),
                share_cell(group["breaks"].notna().mean()),
            ]
        )
    return Table(f"{task}: what the simulated variants do", columns, rows)


def _names_cell(names: str | float) -> Cell:
    """Return a cell of names divided by semicolons, shortened."""
    if not isinstance(names, str):
        return text_cell(names)
    return text_cell(short_name(names).replace(";", ", "), tip=names)


def _short(allele: str) -> str:
    return allele if len(allele) <= 12 else f"{allele[:10]}… ({len(allele)} bp)"
