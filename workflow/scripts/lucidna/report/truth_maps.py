"""Simulated data only: how well maps find the bases that contribute."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd

from lucidna.attribution.hdf5 import AttributionFile
from lucidna.ranking.bootstrap import bootstrap_means, percentile_interval, resample
from lucidna.report.collect import Experiment
from lucidna.report.maps import MapFile, read_windows
from lucidna.report.tables import Table, from_frame
from lucidna.truth import mask_auc, mask_windows

#: Regions read at a time, and most regions scored, of an attribution file.
BLOCK, MOST_REGIONS = 512, 5000
BOOTSTRAPS = 500


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
