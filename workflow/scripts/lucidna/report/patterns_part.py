"""The patterns of one task and head: beside the nulls' and in the other runs, with their database matches."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd

from lucidna.motifs.halves import is_half, read_with_halves
from lucidna.motifs.logo import logo_svg
from lucidna.motifs.patterns import Pattern, read_discovery
from lucidna.motifs.reproducibility import UNSEARCHED
from lucidna.report.collect import Experiment
from lucidna.report.hits_section import pattern_column
from lucidna.report.names import label_class, short_name
from lucidna.report.numbers import number
from lucidna.report.tables import Cell, Column, Table, code_cell, count_cell, first_of, number_cell, svg_cell, text_cell

NULL_LOGOS = 12
LOGO_WIDTH, CONSENSUS_WIDTH = 220, 18  # pixels, letters
_FLANK = 2  # bp drawn beside a core
FOUND = "modisco.h5"
"""The file of the patterns of the real maps."""
NULLS = {
    "null": "shuffled sequences",
    "permuted": "permuted maps",
}
"""What the runs on null maps searched, by how their files begin."""

P_HELP = (
    "share of null patterns at least as large, this one counted; a null run that was searched and has none counts as "
    "one of size 0. "
    "Cannot be below 1 / (1 + their number)"
)

HITS_HELP = "up to the q-value of motifs.fdr; all that were called where hits have no q-value"

AGAIN = (
    (Column("candidates", True, "single networks whose own maps give the pattern"), "candidates", "n_candidates"),
    (Column("methods", True, "further attribution methods whose maps give it"), "methods", "n_methods"),
    (Column("outputs", True, "other tasks and heads whose maps give it"), "outputs", "n_outputs"),
    (
        Column("nulls", True, "runs on null maps that give it, of those with seqlets enough to be searched"),
        "nulls",
        "n_nulls",
    ),
)


def read_patterns(experiment: Experiment, task: str, head: str, name: str) -> list[Pattern] | None:
    """Read the patterns of a TF-MoDISco file, cores 2 bp wider at both ends; None when the file is absent.

    Those of the real maps (`FOUND`) come with the halves that only composites show.
    """
    path = experiment.root / "motifs" / task / head / name
    if not path.is_file():
        return None
    trim = experiment.config.get("motifs", {}).get("hits", {}).get("trim", 0.3)
    patterns = read_with_halves(path, trim=trim) if name == FOUND else read_discovery(path, trim=trim).patterns
    return [
        replace(pattern, start=max(pattern.start - _FLANK, 0), end=min(pattern.end + _FLANK, pattern.cwm.shape[1]))
        for pattern in patterns
    ]


def null_parts(experiment: Experiment, task: str, head: str) -> list[dict]:
    """Collect what the search gave on each kind of null maps.

    Returns
    -------
    list of dict
        words; draws, unsearched (draws with too few seqlets of either sign to be searched), count (of patterns);
        logos (of the largest).
    """
    summary = experiment.document("motifs", task, head, "summary.json") or {}
    unsearched = {
        kind: sum(not (run["pos_seqlets_used"] or run["neg_seqlets_used"]) for run in summary.get(key, []))
        for kind, key in (("null", "nulls"), ("permuted", "permuted"))
    }
    folder = experiment.root / "motifs" / task / head
    parts = []
    for kind, words in NULLS.items():
        # A run with more draws may have left files behind that count for nothing now.
        most = experiment.config.get("motifs", {}).get(f"{kind}_draws", np.inf)
        numbers = sorted(int(re.sub(r"\D", "", path.name.split(".")[0])) for path in folder.glob(f"{kind}*.modisco.h5"))
        names = [f"{kind}{number}.modisco.h5" for number in numbers if number < most]
        draws = [read_patterns(experiment, task, head, name) or [] for name in names]
        if draws:
            facts = {"draws": len(draws), "count": sum(map(len, draws)), "unsearched": unsearched[kind]}
            parts.append({"words": words, **facts, "logos": null_logos(draws)})
    return parts


def pattern_logo(pattern: Pattern, *, height: float = 46) -> str:
    """Draw the CWM of a pattern's core, 11 pixels to the base, narrower where it would crowd out the table."""
    core = pattern.cwm[:, pattern.core]
    return logo_svg(core, height=height, width=min(11 * core.shape[1], LOGO_WIDTH))


def patterns_table(
    patterns: pd.DataFrame | None,
    matches: pd.DataFrame | None,
    hits: pd.DataFrame | None,
    found: list[Pattern],
) -> Table | None:
    """Tabulate the patterns: logo, consensus, size, verdict against the null, matches and number of hits."""
    if patterns is None or patterns.empty:
        return None
    drawings = {pattern.name: pattern_logo(pattern) for pattern in found}
    amounts = {} if hits is None or hits.empty else hits[pattern_column(hits)].value_counts().to_dict()
    again = [column for column, found, _ in AGAIN if found in patterns]
    composite = any(composite_text(record) for record in patterns.to_dict("records"))
    judged = "hits_at_fdr" in patterns and patterns["hits_at_fdr"].notna().any()
    columns = [
        Column("contribution logo", help="CWM: mean contribution of the base that is there, trimmed core"),
        Column("pattern"),
        Column("consensus"),
        Column("seqlets", True),
        Column("against the null", help="compared with patterns of dinucleotide-shuffled sequences and permuted maps"),
        Column("ratio", True, "contribution explained, over the largest of the null"),
        Column("p", True, P_HELP),
        Column("q", True, "share of false ones among the patterns with as much evidence, by those of the null runs"),
        *again,
        *([Column("composite", help="of which others it is made, or which it is a half of")] if composite else []),
        Column("database matches (q)"),
        Column("hits", True, HITS_HELP),
    ]
    rows = []
    for record in patterns.to_dict("records"):
        name = str(record["pattern"])
        label = str(record.get(first_of(record, "label", "null_label"), "not tested"))
        rows.append(
            [
                svg_cell(drawings.get(name, ""), sort=name),
                Cell(short_name(name), sort=name, css="code"),
                consensus_cell(record.get("consensus")),
                count_cell(record.get("n_seqlets")),
                text_cell(label, css=f"badge {label_class(label)}"),
                number_cell(record.get("ratio"), 2),
                number_cell(record.get(first_of(record, "p_value", "p")), 2),
                number_cell(record.get(first_of(record, "q_value", "q")), 2),
                *[share_cell(record, found, total) for _, found, total in AGAIN if found in record],
                *([text_cell(composite_text(record))] if composite else []),
                text_cell(matches_text(matches, name), css="matches"),
                count_cell(record["hits_at_fdr"] if judged else amounts.get(name, 0)),
            ]
        )
    keys = [str(name) for name in patterns["pattern"]]
    css = ["" if "supported" in label_of(record) else "set-aside" for record in patterns.to_dict("records")]
    return Table("Patterns", columns, rows, keys=keys, css=css, filterable=len(rows) > 12)


def share_cell(record: dict, found: str, total: str) -> Cell:
    """Return the cell "k of n"; a dash where no run could have shown the pattern; nulls not searched are added."""
    lacking = record.get(UNSEARCHED, 0) if found == "nulls" else 0
    more = f" ({lacking:.0f} not searched)" if lacking else ""
    if not record[total]:
        return Cell(f"–{more}", sort=-1)
    text = f"{record[found]:.0f} of {record[total]:.0f}{more}"
    return Cell(text, sort=float(record[found]) / float(record[total]))


def composite_text(record: dict) -> str:
    """Say of what a pattern is made, or what it is a half or another part of; empty when neither."""
    if is_half(str(record.get("pattern", ""))) and isinstance(record.get("part_of"), str):
        return f"taken out of {short_name(record['part_of'])}, for its lone sites"
    said = []
    for key, words in (("composite_of", "composite of"), ("half_of", "half of")):
        if isinstance(record.get(key), str) and record[key]:
            said.append(f"{words} {short_name(record[key])}")
    if not said and isinstance(record.get("part_of"), str) and record["part_of"]:
        said.append(f"part of {short_name(record['part_of'])}")
    return "; ".join(said)


def hidden_note(summary: dict) -> list[str]:
    """Say how many patterns only single candidates show."""
    only = {name: len(patterns) for name, patterns in summary.get("only_in_candidates", {}).items() if patterns}
    if not only:
        return []
    listed = ", ".join(f"{count} of {name}" for name, count in only.items())
    return [f"Patterns in the maps of a single candidate that are like none of the mean maps': {listed}."]


def saturation_table(table: pd.DataFrame | None) -> Table | None:
    """Tabulate how many patterns a share of the regions gave, and a share of the seqlets would have given."""
    if table is None or table.empty or not table["patterns"].iloc[-1]:
        return None
    columns = [
        Column("share", True, "of the seqlets, and of the regions that were searched again"),
        Column("seqlets", True),
        Column("patterns expected", True, "of the run's clusters, those that keep 20 seqlets or more"),
        Column("supported ones", True),
        Column("found again", True, "patterns of this run that a run on that share of the regions shows"),
        Column("supported ones", True),
        Column("patterns of that run", True),
    ]
    rows = [
        [
            number_cell(record["share"], 2),
            count_cell(record["seqlets"]),
            number_cell(record["patterns"], 2),
            number_cell(record["supported"], 2),
            *(count_cell(record.get(name)) for name in ("found", "found_supported", "run_patterns")),
        ]
        for record in table.to_dict("records")
    ]
    return Table("Patterns against seqlets used", columns, rows)


def consensus_cell(consensus: str | None) -> Cell:
    """Return the cell of a consensus; of a long one the first letters, and all of them on pointing."""
    if not isinstance(consensus, str) or len(consensus) <= CONSENSUS_WIDTH:
        return code_cell(consensus)
    return text_cell(f"{consensus[: CONSENSUS_WIDTH - 1]}…", css="code", tip=consensus)


def label_of(record: dict) -> str:
    """Return what the comparison with the null says of a pattern."""
    return str(record.get("label", record.get("null_label", "")))


def matches_text(matches: pd.DataFrame | None, pattern: str, *, most: int = 3) -> str:
    """Write the best database matches of a pattern with their q-values."""
    if matches is None or matches.empty:
        return ""
    motif = first_of(matches, "motif", "target", "match", "name")
    q_value = first_of(matches, "q_value", "q", "qvalue")
    if motif is None or "pattern" not in matches:
        return ""
    own = matches[matches["pattern"] == pattern]
    if q_value is not None:
        own = own[own[q_value] < 1].sort_values(q_value, kind="stable")
    said = []
    for record in own.head(most).to_dict("records"):
        also = record.get(first_of(record, "alternative", "alt_name", "alt"))
        name = f"{record[motif]} {also}" if isinstance(also, str) and also and also != record[motif] else record[motif]
        said.append(f"{name} ({number(record[q_value], 2)})" if q_value is not None else str(name))
    return "; ".join(said)


def null_logos(draws: list[list[Pattern]]) -> list[dict]:
    """Draw the largest patterns of the null, small."""
    found = [(draw, pattern) for draw, patterns in enumerate(draws) for pattern in patterns]
    found.sort(key=lambda item: -item[1].n_seqlets)
    return [
        {
            "name": f"{short_name(pattern.name)} of draw {draw + 1}, {pattern.n_seqlets} seqlets",
            "svg": pattern_logo(pattern, height=30),
        }
        for draw, pattern in found[:NULL_LOGOS]
    ]
