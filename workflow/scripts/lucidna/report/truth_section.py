"""Simulated data only: each stage compared with the known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lucidna.motifs.hit_columns import of_credible, once
from lucidna.report.attribution_section import map_files
from lucidna.report.collect import Experiment, read_document
from lucidna.report.hit_figures import calibration
from lucidna.report.maps import read_windows
from lucidna.report.names import short_name
from lucidna.report.numbers import number, percent
from lucidna.report.patterns_part import FOUND, read_patterns
from lucidna.report.tables import Table, from_frame
from lucidna.report.truth_inputs import training_table, windows_table
from lucidna.report.truth_maps import candidate_quality, map_quality, quality_table
from lucidna.report.truth_pairs import pairs_against_truth
from lucidna.report.truth_ranking import ranking_against_truth
from lucidna.truth import compare_patterns, instance_recovery, read_instances

COUNTS = {"n_instances": "instances", "n_found": "found", "n_hits": "hits", "n_true": "true hits"}


def section(experiment: Experiment, *, unmapped: str = "") -> dict:
    """Collect the context of the section: tables for patterns, hits, pairs, maps and candidates; scatter plots.

    Parameters
    ----------
    unmapped : str
        Why there is no attribution map; only the candidates' validation maps are then compared.
    """
    notes, tables, figures = [], [], []
    if unmapped:
        notes.append(f"Neither maps nor motifs nor hits can be compared, for there are none. {unmapped}")
    tables += [table for table in (windows_table(experiment), training_table(experiment)) if table]
    attributed = [] if unmapped else experiment.pairs("attribute")
    searched = [] if unmapped else experiment.pairs("motifs")
    motifs = read_document(experiment.truth / "motifs.json")
    mask = experiment.truth / "mask.bw"
    instances = experiment.truth / "instances.bed"
    pattern_motif: dict[tuple[str, str], dict] = {}
    for task, head in searched:
        found = read_patterns(experiment, task, head, FOUND)
        if motifs is None or found is None:
            continue
        comparison = compare_patterns({pattern.name: pattern.ppm for pattern in found}, motifs)
        pattern_motif[task, head] = comparison["pattern_motif"]
        tables.append(found_motifs(comparison, place=f"{task}, {head} head"))
    for task, head in searched:
        hits = experiment.hits(task, head)
        windows = attributed_windows(experiment, task, head)
        if hits is None or not instances.is_file() or windows is None:
            continue
        hits = of_credible(hits)
        fdr = experiment.config.get("motifs", {}).get("fdr", 0.1)
        credible = hits[hits["q_value"] <= fdr] if "q_value" in hits else hits
        known = pattern_motif.get((task, head))
        recovery = instance_recovery(credible, read_instances(instances), pattern_motif=known, within=windows)
        tables += found_instances(recovery, place=f"{task}, {head} head", fdr=fdr)
        figures += calibration(once(hits), read_instances(instances), windows, known, place=f"{task}, {head} head")
    for task, head in searched if motifs is not None else []:
        pairs, elements = (experiment.table("motifs", task, head, f"{name}.tsv") for name in ("pairs", "elements"))
        told = pairs_against_truth(pairs, elements, motifs, place=f"{task}, {head} head")
        tables += [told] if told else []
    if mask.is_file():
        for task, head in attributed:
            quality = map_quality(map_files(experiment, task, head), mask)
            if quality is not None:
                caption = f"Maps: bases that contribute, found by size of contribution ({task}, {head} head)"
                tables.append(quality_table(quality, caption=caption, key="method"))
        candidates = candidate_quality(experiment, mask)
        if candidates is not None:
            drawn, said = ranking_against_truth(experiment, candidates)
            tables += drawn
            figures += said
    if not tables and not unmapped:
        notes.append("Nothing could be compared: maps, patterns or the files of the truth are missing.")
    return {"notes": notes, "tables": tables, "figures": figures}


def found_motifs(comparison: dict, *, place: str) -> Table:
    """Tabulate which planted motifs are among the patterns."""
    frame = pd.DataFrame(comparison["motifs"], columns=["motif", "role", "found", "pattern", "correlation"])
    frame["found"] = np.where(frame["found"], "yes", "no")
    frame["pattern"] = frame["pattern"].map(short_name, na_action="ignore")
    frame["expected"] = np.where(frame["role"] == "decoy", "no", "yes")
    frame = frame[["motif", "role", "expected", "found", "pattern", "correlation"]]
    unmatched = len(comparison["unmatched"])
    strangers = f"; {unmatched} patterns are none of them" if unmatched else ""
    said = f"{comparison['n_found']} of {comparison['n_functional']} found{strangers}"
    labels = {"pattern": "most like it"}
    return from_frame(frame, caption=f"Planted motifs and patterns ({place}): {said}", labels=labels, code=("pattern",))


def found_instances(recovery: dict, *, place: str, fdr: float) -> list[Table]:
    """Tabulate recall for each planted motif and precision for each pattern."""
    said = (
        f"recall {number(recovery['recall'])}, precision {number(recovery['precision'])}, "
        f"{percent(recovery['decoy_share'], 1)} of the hits on decoys"
    )
    tables = []
    if recovery["motifs"]:
        caption = f"Instances found by hits with q ≤ {fdr:g} ({place}): {said}"
        tables.append(from_frame(pd.DataFrame(recovery["motifs"]), caption=caption, labels=COUNTS))
    if recovery["patterns"]:
        caption = f"Precision of the hits of each pattern ({place})"
        frame = pd.DataFrame(recovery["patterns"])
        frame["pattern"] = frame["pattern"].map(short_name)
        tables.append(from_frame(frame, caption=caption, labels=COUNTS, code=("pattern",)))
    return tables


def attributed_windows(experiment: Experiment, task: str, head: str) -> pd.DataFrame | None:
    """Return chrom, start, end of the windows whose maps the motifs come from; None when unknown."""
    method = experiment.config.get("motifs", {}).get("method", "")
    files = map_files(experiment, task, head)
    file = next((file for file in files if file.method == method), files[0] if files else None)
    windows = {} if file is None else read_windows(file.path)
    if not windows:
        return None
    frame = pd.DataFrame(list(windows.values()), columns=["chrom", "start"])
    return frame.assign(end=frame["start"] + file.length)
