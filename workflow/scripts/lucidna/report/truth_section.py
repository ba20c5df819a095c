"""Simulated data only: each stage compared with the known truth."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from lucidna.attribution.hdf5 import AttributionFile
from lucidna.ranking.bootstrap import bootstrap_means, percentile_interval, resample
from lucidna.report.attribution_section import map_files
from lucidna.report.collect import Experiment, appearance, read_document
from lucidna.report.criteria_words import criteria_of, label_of
from lucidna.report.figures import Point, scatter
from lucidna.report.hit_figures import calibration
from lucidna.report.maps import MapFile, read_windows
from lucidna.report.motifs_section import read_patterns
from lucidna.report.names import short_name
from lucidna.report.numbers import number, percent
from lucidna.report.ranking_section import joined, prediction_label
from lucidna.report.tables import Table, from_frame
from lucidna.report.truth_inputs import training_table, windows_table
from lucidna.truth import compare_patterns, instance_recovery, mask_auc, mask_windows, read_instances

#: Regions read at a time, and most regions scored, of an attribution file.
BLOCK, MOST_REGIONS = 512, 5000
FEWEST_RESAMPLED = 6
BOOTSTRAPS = 500
COUNTS = {"n_instances": "instances", "n_found": "found", "n_hits": "hits", "n_true": "true hits"}


def section(experiment: Experiment, *, unmapped: str = "") -> dict:
    """Collect the context of the section: tables for patterns, hits, maps and candidates; scatter plots.

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
        found = read_patterns(experiment, task, head, "modisco.h5")
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
        fdr = experiment.config.get("motifs", {}).get("fdr", 0.1)
        credible = hits[hits["q_value"] <= fdr] if "q_value" in hits else hits
        known = pattern_motif.get((task, head))
        recovery = instance_recovery(credible, read_instances(instances), pattern_motif=known, within=windows)
        tables += found_instances(recovery, place=f"{task}, {head} head", fdr=fdr)
        figures += calibration(hits, read_instances(instances), windows, known, place=f"{task}, {head} head")
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


def map_quality(files: list[MapFile], mask: Path) -> pd.DataFrame | None:
    """Score every method's maps against the mask of contributions, on the regions that all methods cover.

    Returns
    -------
    DataFrame or None
        method, regions, auroc and aupr, each with its interval over resampled regions; None without maps.
    """
    if not files:
        return None
    shared = set(files[0].region_id).intersection(*(file.region_id for file in files[1:]))
    windows = read_windows(files[0].path)
    wanted = [name for name in files[0].region_id if name in shared and name in windows]
    if not wanted:
        return None
    # Files are in genome order: taking the first ones would leave out most chromosomes.
    even = np.unique(np.linspace(0, len(wanted) - 1, min(len(wanted), MOST_REGIONS)).astype(int))
    wanted = [wanted[row] for row in even]
    rows = []
    for file in files:
        place = {name: row for row, name in enumerate(file.region_id)}
        blocks = [wanted[start : start + BLOCK] for start in range(0, len(wanted), BLOCK)]
        scores = []
        with AttributionFile(file.path) as handle:
            for names in blocks:
                # Rows of a file are read in increasing order.
                names = sorted(names, key=place.get)
                projected = handle.read(np.array([place[name] for name in names])).projected
                scores.append(mask_auc(projected, window_mask(mask, names, windows, file.length)))
        auroc, aupr = (np.concatenate(part) for part in zip(*scores, strict=True))
        rows.append({"method": file.method, "regions": len(wanted), **scored(auroc, aupr)})
    return pd.DataFrame(rows)


def window_mask(mask: Path, names: list[str], windows: dict[str, tuple[str, int]], length: int) -> np.ndarray:
    """Read the mask of contributions in the windows of named regions, (n, L)."""
    start = np.array([windows[name][1] for name in names])
    return mask_windows(mask, np.array([windows[name][0] for name in names]), start, start + length)


def scored(auroc: np.ndarray, aupr: np.ndarray) -> dict[str, float]:
    """Average scores of regions and give the averages intervals (percentile bootstrap, 95 %)."""
    counts = resample(len(auroc), BOOTSTRAPS, seed=0)
    result = {}
    for name, values in (("auroc", auroc), ("aupr", aupr)):
        low, high = percentile_interval(bootstrap_means(values[None], counts))
        mean = float(np.nanmean(values)) if np.isfinite(values).any() else math.nan
        result |= {name: mean, f"{name}_lo": float(low[0]), f"{name}_hi": float(high[0])}
    return result


def quality_table(frame: pd.DataFrame, *, caption: str, key: str) -> Table:
    """Tabulate AUROC and AUPR with their intervals."""
    return from_frame(frame, caption=caption, labels={"auroc": "AUROC", "aupr": "AUPR"}, code=("candidate",), key=key)


def candidate_quality(experiment: Experiment, mask: Path) -> pd.DataFrame | None:
    """Score the validation maps that each candidate was ranked by against the mask of contributions.

    Returns
    -------
    DataFrame or None
        candidate, regions, auroc and aupr with intervals; None when there is no map or no genome.
    """
    rows = experiment.table("data", "rows.tsv")
    codes_path = experiment.root / "data" / "sequences.npy"
    if rows is None or not codes_path.is_file():
        return None
    codes = np.load(codes_path, mmap_mode="r", allow_pickle=False)
    results = []
    for candidate in experiment.candidates:
        path = experiment.root / "rank" / "maps" / f"{candidate['id']}.npy"
        regions = experiment.table("rank", "regions", f"{candidate['fold']}.tsv")
        if not path.is_file() or regions is None:
            continue
        maps = np.load(path, mmap_mode="r", allow_pickle=False)
        if maps.ndim != 3 or len(maps) != len(regions):
            continue
        auroc, aupr = score_maps(maps, codes[regions["row"]], rows.iloc[regions["row"]], mask)
        results.append({"candidate": candidate["id"], "regions": len(maps), **scored(auroc, aupr)})
    return pd.DataFrame(results) if results else None


def score_maps(maps: np.ndarray, codes: np.ndarray, rows: pd.DataFrame, mask: Path) -> tuple[np.ndarray, np.ndarray]:
    """Score maps (n, 4, L) at the bases of their sequences, codes (n, >= L), against the mask.

    Returns
    -------
    auroc, aupr : ndarray, shape (n,)
    """
    length = maps.shape[2]
    margin = (codes.shape[1] - length) // 2
    inner = codes[:, margin : margin + length].astype(np.int64)
    # N has no row in a map: it is read as A and then set to zero.
    known = inner < 4
    picked = np.take_along_axis(np.asarray(maps), np.where(known, inner, 0)[:, None, :], axis=1)[:, 0]
    start = rows["summit"].to_numpy() - length // 2
    return mask_auc(np.where(known, picked, 0.0), mask_windows(mask, rows["chrom"].to_numpy(), start, start + length))


def ranking_against_truth(experiment: Experiment, quality: pd.DataFrame) -> tuple[list[Table], list[tuple[str, str]]]:
    """Compare the order of the candidates by each criterion with the order by the truth.

    Returns
    -------
    tables : list of Table
        Rank correlation of each criterion with the truth (controls left out); the candidates' scores.
    figures : list of (str, str)
        Title and SVG of the score against the truth.
    """
    caption = "Maps of each candidate on its validation regions, against the truth"
    tables = [quality_table(quality, caption=caption, key="candidate")]
    panel = joined(experiment.table("rank", "panel.tsv"), experiment.table("rank", "ranking.tsv"))
    if panel is None:
        return tables, []
    control = {candidate["id"]: candidate.get("control", "none") for candidate in experiment.candidates}
    merged = panel.merge(quality, on="candidate", suffixes=("", "_truth"))
    merged = merged[[control.get(name, "none") == "none" for name in merged["candidate"]]]
    truth = "aupr_truth" if "aupr_truth" in merged else "aupr"
    rows = []
    measured = [name for name in criteria_of(panel) if not name.endswith("_null")]
    measured += ["prediction"] if "prediction" in panel else []
    for name in measured:
        usable = merged[[name, truth]].dropna()
        if len(usable) < 3 or usable[name].nunique() < 2 or usable[truth].nunique() < 2:
            continue
        label = prediction_label(experiment.config) if name == "prediction" else label_of(name)
        rows.append({"criterion": label, "candidates": len(usable), **correlation(usable, name, truth)})
    if rows:
        caption = "Does the ranking find the truer maps? Rank correlation of each criterion with their AUPR"
        tables.insert(0, from_frame(pd.DataFrame(rows), caption=caption, labels={"spearman": "Spearman ρ"}))
    return tables, truth_figure(experiment, merged, truth)


def correlation(frame: pd.DataFrame, first: str, second: str) -> dict[str, float]:
    """Return Spearman's correlation of two columns, with a bootstrap interval over the rows.

    Resamples of few rows mostly repeat the order they have, so below `FEWEST_RESAMPLED` rows the interval is NaN.
    """
    values = frame[[first, second]].to_numpy(dtype=float)
    rng = np.random.default_rng(0)
    draws = []
    enough = len(values) >= FEWEST_RESAMPLED
    for rows in rng.integers(0, len(values), (BOOTSTRAPS if enough else 0, len(values))):
        sample = values[rows]
        if np.ptp(sample[:, 0]) > 0 and np.ptp(sample[:, 1]) > 0:
            draws.append(spearmanr(sample[:, 0], sample[:, 1]).statistic)
    low, high = np.quantile(draws, [0.025, 0.975]) if draws else (math.nan, math.nan)
    value = float(spearmanr(values[:, 0], values[:, 1]).statistic)
    return {"spearman": value, "spearman_lo": float(low), "spearman_hi": float(high)}


def truth_figure(experiment: Experiment, merged: pd.DataFrame, truth: str) -> list[tuple[str, str]]:
    """Draw the score of the ranking against the true quality of the maps."""
    # A single mark compares nothing.
    if "score" not in merged or merged[["score", truth]].notna().all(axis=1).sum() < 2:
        return []
    looks = appearance(experiment.candidates)
    points = [
        Point(
            key=row["candidate"],
            x=row[truth],
            y=row["score"],
            colour=looks.get(row["candidate"], (0, 0))[0],
            shape=looks.get(row["candidate"], (0, 0))[1],
            lines=(row["candidate"], f"true AUPR {number(row[truth])}", f"score {number(row['score'])}"),
        )
        for row in merged.to_dict("records")
    ]
    picture = scatter(points, x_label="AUPR of the maps against the truth", y_label="score of the ranking", height=360)
    return [("The ranking against the truth", picture)]
