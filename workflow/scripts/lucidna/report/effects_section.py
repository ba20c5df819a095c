"""What instances do: tables of ablations, of global importance and of pairs."""

from __future__ import annotations

import pandas as pd

from lucidna.motifs.hit_columns import own_names
from lucidna.motifs.pair_table import BOTH_EVIDENCE
from lucidna.report.collect import Experiment
from lucidna.report.names import short_name
from lucidna.report.numbers import sentence
from lucidna.report.tables import (
    Column,
    Table,
    code_cell,
    count_cell,
    number_cell,
    share_cell,
    text_cell,
)

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def block(experiment: Experiment, task: str, head: str) -> dict:
    """Collect the tables and notes of a task and head; all empty when the stage has not run."""
    place = ("motifs", task, head)
    summary = experiment.document(*place, "effects.json") or {}
    ablation, importance, pairs, elements = (
        experiment.table(*place, f"{name}.tsv") for name in ("ablation", "importance", "pairs", "elements")
    )
    tables = [ablation_table(ablation), importance_table(importance), pairs_table(pairs, elements)]
    return {
        "tables": [table for table in tables if table is not None],
        "notes": [sentence(str(notice)) for notice in summary.get("notices", [])],
    }


def ablation_table(ablation: pd.DataFrame | None) -> Table | None:
    """Tabulate, for each pattern, the distribution of what the prediction loses without a hit."""
    if ablation is None or ablation.empty:
        return None
    ablation = own_names(ablation)
    columns = [Column("pattern"), Column("ablated", True)]
    columns += [Column("median" if q == 0.5 else f"{100 * q:g} %", True) for q in _QUANTILES]
    columns += [
        Column("spread over networks", True, "median standard deviation"),
        Column("elsewhere", True, "median effect of as many bases of the region that belong to no hit"),
        Column("beyond elsewhere", True, "share of hits whose |effect| is above 95 % of those elsewhere"),
    ]
    rows, keys = [], []
    for pattern, part in ablation.groupby("pattern", sort=False):
        control = part["control_effect"].abs()
        beyond = (part["effect"].abs() > control.quantile(0.95)).mean() if control.notna().any() else float("nan")
        rows.append(
            [
                code_cell(short_name(str(pattern))),
                count_cell(len(part)),
                *(number_cell(part["effect"].quantile(q), 2) for q in _QUANTILES),
                number_cell(part["effect_sd"].median(), 2),
                number_cell(part["control_effect"].median(), 2),
                share_cell(beyond),
            ]
        )
        keys.append(str(pattern))
    order = sorted(range(len(rows)), key=lambda row: -rows[row][1].sort)
    caption = (
        "What the prediction loses when a hit is replaced by shuffled bases (units of the output; quantiles over hits)"
    )
    return Table(caption, columns, [rows[i] for i in order], keys=[keys[i] for i in order])


def importance_table(importance: pd.DataFrame | None) -> Table | None:
    """Tabulate what each pattern does in null sequences."""
    if importance is None or importance.empty:
        return None
    columns = [
        Column("pattern"),
        Column("importance", True, "mean change of the prediction by an instance in the middle of a null sequence"),
        Column("spread over networks", True),
        Column("bases in random order", True, "the same instances with their bases in random order"),
        Column("q", True, "Benjamini-Hochberg over all patterns"),
    ]
    rows = [
        [
            code_cell(short_name(str(record["pattern"]))),
            number_cell(record["importance"]),
            number_cell(record["importance_sd"], 2),
            number_cell(record["null_importance"], 2),
            number_cell(record["q_value"], 2),
        ]
        for record in importance.to_dict("records")
    ]
    n = int(importance["instances"].iloc[0])
    caption = f"Global importance: patterns put into {n:,} dinucleotide-shuffled regions (units of the output)"
    return Table(caption, columns, rows, keys=[str(name) for name in importance["pattern"]])


def pairs_table(pairs: pd.DataFrame | None, elements: pd.DataFrame | None) -> Table | None:
    """Tabulate the pairs of motifs, those with most evidence first."""
    if pairs is None or pairs.empty:
        return None
    letters = {} if elements is None else dict(zip(elements["element"], elements["consensus"], strict=True))
    pairs = pairs.assign(evidence=pairs["evidence"].fillna(""))
    arranged = pairs["evidence"].str.contains("spacing|composite")
    order = (~pairs["evidence"].isin(BOTH_EVIDENCE)).astype(int) + (~arranged).astype(int)
    pairs = pairs.assign(order=order).sort_values(["order", "spacing_p"], kind="stable")
    columns = [
        Column("motif"),
        Column("second motif"),
        Column(
            "evidence",
            help="for a pair; composite: one of the two is found in composite patterns only, so how often and how far "
            "from the other is given by these and not tested; more than expected of any two may still be less than "
            "their sum",
        ),
        Column("regions with both", True, "of those that do not overlap"),
        Column("expected", True, "when the regions of one are drawn at random"),
        Column("q", True, "of more or fewer; no evidence for a pair, for what makes a region may choose both or one"),
        Column("distance (bp)", True, "most frequent, begin to begin along the first motif's strand, give or take 2"),
        Column("strands", help="either: one of the two is its own reverse complement"),
        Column("pairs there", True),
        Column("expected", True, "when positions are those of other regions, upon no other hit"),
        Column("q", True, "over all distances and both orientations"),
        Column(
            "beyond the sum",
            True,
            "f(both) - f(first) - f(second) + f(neither), by ablation; mostly below 0, for networks saturate",
        ),
        Column("q", True, "of not being 0: the difference from the first motif with bases that belong to no hit"),
        Column(
            "expected",
            True,
            "of any two motifs that do as much alone, by the other pairs at the same distance, if three or more tell",
        ),
        Column("q", True, "of the difference from what is expected, which the other pairs leave uncertain"),
    ]
    rows = [
        [
            *(
                text_cell(letters.get(record[name], short_name(str(record[name]))), css="code", tip=str(record[name]))
                for name in ("element_a", "element_b")
            ),
            text_cell(record["evidence"], css="badge good" if record["evidence"] in BOTH_EVIDENCE else ""),
            count_cell(record["regions_both"]),
            number_cell(record["expected_both"]),
            number_cell(record["co_occurrence_q"], 2),
            number_cell(None if pd.isna(record["distance"]) else round(record["distance"])),
            text_cell(record["strands"]),
            count_cell(record["at_distance"]),
            number_cell(record["expected_at_distance"], 2),
            number_cell(record["spacing_q"], 2),
            number_cell(record["interaction"], 2),
            number_cell(record["additivity_q"], 2),
            number_cell(record["interaction_expected"], 2),
            number_cell(record["interaction_q"], 2),
        ]
        for record in pairs.to_dict("records")
    ]
    caption = "Pairs of two motifs (a composite pattern counts as its halves, at its own spacing)"
    return Table(caption, columns, rows, filterable=len(rows) > 12)
