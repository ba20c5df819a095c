"""Motifs and their instances: patterns beside the null's, database matches, hits and where they lie."""

from __future__ import annotations

import pandas as pd

from lucidna.motifs.logo import logo_svg
from lucidna.motifs.patterns import Pattern, read_discovery
from lucidna.report import effects_section
from lucidna.report.collect import Experiment
from lucidna.report.hits_section import HIT_FILES, hit_figures, hits_table, pattern_column
from lucidna.report.names import short_name
from lucidna.report.numbers import number, sentence
from lucidna.report.tables import (
    Cell,
    Column,
    Table,
    code_cell,
    count_cell,
    first_of,
    number_cell,
    svg_cell,
    text_cell,
)

NULL_LOGOS = 12
LOGO_WIDTH, CONSENSUS_WIDTH = 220, 18  # pixels, letters
FILES = (
    "patterns.tsv",
    "patterns.meme",
    "matches.tsv",
    "expected.tsv",
    *HIT_FILES,
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
    found = read_patterns(experiment, task, head, "modisco.h5")
    null = read_null(experiment, task, head)
    notes = []
    if patterns is None or patterns.empty:
        reason = summary.get("reason") or "TF-MoDISco grouped no seqlets into a pattern"
        notes.append(f"No pattern was found: {reason}.")
    if matches is None or matches.empty:
        notes.append("No match with a motif database: no database was named, or nothing matched.")
    if not null:
        notes.append("No null was run: whether shuffled sequences give such patterns too is not known.")
    hit_notes = [] if hits is not None and not hits.empty else ["No hit was called."]
    links = [(name, experiment.link(*place, name)) for name in FILES]
    fdr = experiment.config.get("motifs", {}).get("fdr", 0.1)
    return {
        "task": task,
        "head": head,
        "notes": notes + [sentence(str(notice)) for notice in summary.get("notices", [])],
        "patterns": patterns_table(patterns, matches, hits, found or []),
        "expected": expected_table(experiment.table(*place, "expected.tsv"), fdr=fdr),
        "draws": len(null),
        "null": null_logos(null),
        "null_count": sum(len(patterns) for patterns in null),
        "hit_notes": hit_notes,
        "hits": hits_table(hits),
        "hit_figures": hit_figures(experiment, task, head, hits),
        "effects": effects_section.block(experiment, task, head),
        "links": [(name, link) for name, link in links if link and name not in HIT_FILES],
        "hit_links": [(name, link) for name, link in links if link and name in HIT_FILES],
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


def read_patterns(experiment: Experiment, task: str, head: str, name: str) -> list[Pattern] | None:
    """Read the patterns of a TF-MoDISco file; None when the file is absent."""
    path = experiment.root / "motifs" / task / head / name
    if not path.is_file():
        return None
    trim = experiment.config.get("motifs", {}).get("hits", {}).get("trim", 0.3)
    return read_discovery(path, trim=trim, flank=2).patterns


def read_null(experiment: Experiment, task: str, head: str) -> list[list[Pattern]]:
    """Read the patterns of every draw of shuffled sequences; empty when there is no draw."""
    folder = experiment.root / "motifs" / task / head
    names = sorted(path.name for path in folder.glob("null*.modisco.h5"))
    return [read_patterns(experiment, task, head, name) or [] for name in names]


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
    columns = [
        Column("contribution logo", help="CWM: mean contribution of the base that is there, trimmed core"),
        Column("pattern"),
        Column("consensus"),
        Column("seqlets", True),
        Column("against the null", help="compared with patterns of dinucleotide-shuffled sequences"),
        Column("ratio", True, "contribution explained, over the largest of the null"),
        Column("p", True, "cannot be below 1 / (1 + number of null patterns)"),
        Column("q", True, "Benjamini-Hochberg over all patterns"),
        Column("database matches (q)"),
        Column("hits", True),
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
                text_cell(matches_text(matches, name), css="matches"),
                count_cell(amounts.get(name, 0)),
            ]
        )
    keys = [str(name) for name in patterns["pattern"]]
    css = ["" if "supported" in label_of(record) else "set-aside" for record in patterns.to_dict("records")]
    return Table("Patterns", columns, rows, keys=keys, css=css, filterable=len(rows) > 12)


def consensus_cell(consensus: str | None) -> Cell:
    """Return the cell of a consensus; of a long one the first letters, and all of them on pointing."""
    if not isinstance(consensus, str) or len(consensus) <= CONSENSUS_WIDTH:
        return code_cell(consensus)
    return text_cell(f"{consensus[: CONSENSUS_WIDTH - 1]}…", css="code", tip=consensus)


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


def label_of(record: dict) -> str:
    """Return what the comparison with the null says of a pattern."""
    return str(record.get("label", record.get("null_label", "")))


def label_class(label: str) -> str:
    """Return the style of a label: supported, weak, null or untested."""
    for word, css in (("supported", "good"), ("weak", "fair"), ("null", "poor")):
        if label.startswith(word) or (word == "null" and word in label):
            return css
    return "unknown"


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
        own = own.sort_values(q_value, kind="stable")
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
