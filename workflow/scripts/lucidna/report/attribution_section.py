"""Attribution maps: examples with their spread, agreement of methods, convergence."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lucidna.report import faithfulness_part
from lucidna.report.collect import Experiment, read_document
from lucidna.report.figures import heatmap
from lucidna.report.maps import MapFile, draw_examples, open_map, pick_regions, read_examples, read_windows
from lucidna.report.numbers import as_float, number, sentence
from lucidna.report.tables import (
    Column,
    Table,
    count_cell,
    from_frame,
    number_cell,
    share_cell,
    text_cell,
)

CROP = 120
DIFFERING = 2
"""Regions that are drawn for the disagreement of methods."""


def why_unmapped(experiment: Experiment) -> str:
    """Return what the attribution files say of why they hold no region at all; empty when one holds some."""
    files = [file for task, head in experiment.pairs("attribute") for file in map_files(experiment, task, head)]
    if not files or any(file.region_id for file in files):
        return ""
    notes = [str(file.attributes["note"]) for file in files if file.attributes.get("note")]
    return sentence(notes[0] if notes else "the attribution files hold no region")


def section(experiment: Experiment, *, unmapped: str = "") -> dict:
    """Collect the context of the section: per task and head its files, examples, agreement and deltas.

    Parameters
    ----------
    unmapped : str
        Why there is no map, from `why_unmapped`: it then stands in place of empty tables.
    """
    if unmapped:
        return {"notes": [unmapped], "blocks": []}
    blocks, notes = [], []
    for task, head in experiment.pairs("attribute"):
        files = map_files(experiment, task, head)
        if not files:
            notes.append(f"No attribution file was found for task {task}, {head} head.")
            continue
        blocks.append(_block(experiment, task, head, files))
    if not blocks and not notes:
        notes.append("No attribution map was made: the folder attribute/ holds no file.")
    return {"notes": notes, "blocks": blocks}


def map_files(experiment: Experiment, task: str, head: str) -> list[MapFile]:
    """Open the attribution files of a task and head, nulls apart, in the order of the configuration."""
    order = list(experiment.config.get("attribution", {}).get("methods", {}))
    folder = experiment.root / "attribute" / task / head
    found = [path for path in sorted(folder.glob("*.attributions.h5")) if path.name.count(".") == 2]
    files = [open_map(path) for path in found]
    return sorted(files, key=lambda f: (order.index(f.method) if f.method in order else len(order), f.method))


def _block(experiment: Experiment, task: str, head: str, files: list[MapFile]) -> dict:
    notes = []
    # The method whose motifs are sought leads; the others follow it to the same regions.
    lead_name = experiment.config.get("motifs", {}).get("method")
    lead = next((file for file in files if file.method == lead_name), files[0])
    picked = pick_regions(lead, [file for file in files if file is not lead], examples=experiment.examples)
    if not picked:
        notes.append("No region has a finite prediction: there is no example to draw.")
    windows = read_windows(lead.path)
    examples = [_example(files, lead, windows, region, why) for region, why in picked]
    differing = [
        _example(files, lead, windows, region, why)
        for region, why in least_alike(experiment.table("attribute", task, head, "disagreement.tsv"))
    ]
    members = lead.attributes.get("candidates")
    members = members if isinstance(members, list) else []
    if lead.attributes.get("sources"):
        made_of = ", ".join(lead.attributes["sources"])
        notes.append(f"These maps were made elsewhere and are shown as they were given: {made_of}.")
    notes += fit_notes(files)
    if len(members) == 1:
        notes.append("The maps are those of one candidate: there is no spread over members to show.")
    agreement = experiment.table("attribute", task, head, "agreement.tsv")
    if len(files) > 1 and (agreement is None or agreement.empty):
        notes.append("No table of agreement between methods is there (agreement.tsv).")
        agreement = None
    return {
        "task": task,
        "head": head,
        "notes": notes,
        "members": members,
        "examples": examples,
        "differing": differing,
        "methods": methods_table(files),
        "faithfulness": faithfulness_part.part(experiment, task, head),
        "agreement": agreement_table(agreement),
        "agreement_map": agreement_map(agreement),
        "agreement_title": "Correlation of the maps of two methods, mean over regions",
        "width": min(CROP, lead.length),
        "links": file_links(experiment, task, head),
    }


def _example(files: list[MapFile], lead: MapFile, windows: dict, region: str, why: str) -> dict:
    """Draw one region's map by each method, cropped to its strongest stretch."""
    maps, start = read_examples(files, region, width=CROP)
    chrom, window_start = windows.get(region, (".", 0))
    # Sequences without a genome are chromosomes of their own.
    genome = chrom not in (".", "", region)
    first = window_start + start if genome else start
    end = first + maps[0].projected.shape[1]
    place = f"{chrom}:{first:,}-{end:,}" if genome else f"{region}, positions {first:,} to {end:,}"
    value = float(lead.prediction[lead.region_id.index(region)])
    return {
        "region": region,
        "why": why,
        "place": place,
        "prediction": number(value) if np.isfinite(value) else "",
        "missing": [file.method for file in files if region not in file.region_id],
        "svg": draw_examples(
            maps,
            axis_start=first,
            axis_label=place,
            summit=window_start + lead.length // 2 if genome else None,
        ),
    }


def least_alike(table: pd.DataFrame | None, *, most: int = DIFFERING) -> list[tuple[str, str]]:
    """Choose regions in which methods agree least: (region, what agrees how badly).

    They are of the half with the higher predictions: where nothing is predicted, maps are small and of noise.
    """
    if table is None or table.empty:
        return []
    high = table[table["prediction"] >= table["prediction"].median()]
    return [
        (
            str(row.region_id),
            f"mean r of the methods {number(row.pearson, 2)}, lowest {number(row.lowest, 2)} "
            f"({row.method_a} and {row.method_b}); prediction",
        )
        for row in high.sort_values("pearson", kind="stable").head(most).itertuples()
    ]


def _summary_of(file: MapFile) -> dict:
    """Return what was written beside a file of maps when they were made; empty when nothing is there."""
    return read_document(file.path.with_name(f"{file.method}.summary.json")) or {}


def fit_notes(files: list[MapFile]) -> list[str]:
    """Return a sentence for each file whose surrogates do not fit the networks (`attribution.tally`)."""
    noticed = [(file.method, _summary_of(file).get("notice")) for file in files if file.region_id]
    return [sentence(f"{method}: {notice}") for method, notice in noticed if notice]


def methods_table(files: list[MapFile]) -> Table:
    """Tabulate, per method, its regions, its members and the quantiles of its convergence delta."""
    columns = [
        Column("method"),
        Column("regions", True),
        Column("members", True, "candidates averaged"),
        Column(
            "|delta| median",
            True,
            "what each network's own contributions fail to add up to, for methods that promise a sum",
        ),
        Column("95th percentile", True),
        Column("largest", True),
        Column("angle > 30°", True, "share of positions whose gradient leaves the simplex by more than 30°"),
    ]
    summaries = [_summary_of(file) for file in files]
    fits = any(summary.get("explained") for summary in summaries)
    if fits:
        columns.append(Column("mutants explained", True, "median share of the variance of unseen mutants' outputs"))
    rows = []
    for file, summary in zip(files, summaries, strict=True):
        delta = np.abs(file.delta[np.isfinite(file.delta)].astype(float))
        quantiles = np.quantile(delta, [0.5, 0.95, 1.0]) if delta.size else [np.nan] * 3
        angle = as_float((summary.get("angles") or {}).get("over_30"))
        members = file.attributes.get("candidates")
        rows.append(
            [
                text_cell(file.method),
                count_cell(len(file.region_id)),
                count_cell(len(members) if isinstance(members, list) else None),
                *[number_cell(float(value), 2) for value in quantiles],
                share_cell(angle, decimals=1),
                *([share_cell(as_float((summary.get("explained") or {}).get("median")))] if fits else []),
            ]
        )
    return Table("Methods and their convergence", columns, rows)


def agreement_table(agreement: pd.DataFrame | None) -> Table | None:
    """Tabulate the correlation of each pair of methods with its interval."""
    if agreement is None:
        return None
    frame = agreement.rename(columns={"low": "pearson_lo", "high": "pearson_hi"})
    labels = {"method_a": "method", "method_b": "and method", "n_regions": "regions", "pearson": "Pearson r"}
    return from_frame(frame, caption="Agreement between methods: mean correlation in a region", labels=labels)


def agreement_map(agreement: pd.DataFrame | None) -> str:
    """Draw the agreement of each pair of methods, where the table names pairs; else nothing."""
    if agreement is None:
        return ""
    names = list(dict.fromkeys([*agreement["method_a"], *agreement["method_b"]]))
    matrix = np.full((len(names), len(names)), np.nan)
    np.fill_diagonal(matrix, 1.0)
    for a, b, amount in zip(agreement["method_a"], agreement["method_b"], agreement["pearson"], strict=True):
        matrix[names.index(a), names.index(b)] = matrix[names.index(b), names.index(a)] = as_float(amount)
    return heatmap(matrix, labels=names, title="Agreement between methods")


def file_links(experiment: Experiment, task: str, head: str) -> list[tuple[str, str]]:
    """List the files of a task and head that a reader may want to open elsewhere."""
    folder = experiment.root / "attribute" / task / head
    names = [path.name for pattern in ("*.attributions.h5", "*.bw") for path in sorted(folder.glob(pattern))]
    links = [(name, experiment.link("attribute", task, head, name)) for name in names]
    return [(name, link) for name, link in links if link]
