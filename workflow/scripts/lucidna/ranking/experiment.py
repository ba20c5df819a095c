"""Read what the training and the maps of an experiment left on disk into networks that can be ranked."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lucidna.errors import UserError
from lucidna.files import read_json, read_tsv
from lucidna.ranking.inputs import FAILED_COLUMNS, Networks, identical_maps
from lucidna.ranking.prediction import prediction_metric
from lucidna.ranking.prepare import check_onehot, problem_of
from lucidna.sequence import one_hot_numpy

logger = logging.getLogger(__name__)


def read_experiment(
    candidates: Sequence[Mapping],
    train_dir: Path,
    maps_dir: Path,
    regions_dir: Path,
    dataset,
    *,
    bootstraps: int = 500,
    seed: int = 0,
) -> tuple[Networks, str]:
    """Collect maps, sequences and validation metrics of all candidates.

    Parameters
    ----------
    candidates, train_dir, maps_dir, regions_dir, dataset, bootstraps, seed
        As in `panel.rank_experiment`.

    Returns
    -------
    networks : candidates whose training or maps failed are in its `failed`.
    metric : "auroc" for a binary target, else "pearson".

    Raises
    ------
    UserError
        No candidate, repeated ids, a missing file, or regions that are not those of the dataset.
    """
    if not candidates:
        raise UserError("there are no candidates to rank: the grid of the experiment is empty")
    ids = [candidate["id"] for candidate in candidates]
    repeated = sorted({name for name in ids if ids.count(name) > 1})
    if repeated:
        raise UserError(f"candidate '{repeated[0]}' occurs more than once: ids must differ")
    metric = "auroc" if dataset.info.get("target") == "binary" else "pearson"
    onehot = {
        fold: _sequences(regions_dir / f"{fold}.tsv", dataset)
        for fold in dict.fromkeys(candidate["fold"] for candidate in candidates)
    }
    rows, arrays, failed = [], [], []
    for candidate in candidates:
        row = {
            "id": candidate["id"],
            "family": f"{candidate['architecture']} x {candidate['recipe']}",
            "fold": candidate["fold"],
            "control": candidate.get("control") or "none",
        }
        reason, array = _maps(candidate["id"], train_dir, maps_dir, onehot[candidate["fold"]].shape)
        prediction = (np.nan, np.nan, np.nan)
        if reason is None:
            prediction, reason = _prediction(train_dir / row["id"] / "valid.npz", metric, bootstraps, seed)
        if reason is not None:
            failed.append({**row, "reason": reason})
            continue
        rows.append({**row, **dict(zip(("prediction", "prediction_lo", "prediction_hi"), prediction, strict=True))})
        arrays.append(array)
    kept = _without_copies(rows, arrays, failed)
    columns = ["id", "family", "fold", "control", "prediction", "prediction_lo", "prediction_hi"]
    networks = Networks(
        table=pd.DataFrame([rows[index] for index in kept], columns=columns),
        maps=[arrays[index] for index in kept],
        onehot=onehot,
        failed=pd.DataFrame(failed, columns=FAILED_COLUMNS),
    )
    return networks, metric


def _without_copies(rows: list[dict], arrays: list[np.ndarray], failed: list[dict]) -> list[int]:
    """Return the indices of networks whose maps are their own; the copies are added to `failed`."""
    copies = identical_maps([row["id"] for row in rows], arrays, [row["fold"] for row in rows])
    for row in rows:
        if row["id"] in copies:
            kept = {key: row[key] for key in ("id", "family", "fold", "control")}
            failed.append({**kept, "reason": f"its maps are identical to those of {copies[row['id']]}"})
    return [index for index, row in enumerate(rows) if row["id"] not in copies]


def _sequences(path: Path, dataset) -> np.ndarray:
    """Return the one-hot sequences (N, 4, L) of the regions listed in a file (region_id, row)."""
    if not path.is_file():
        raise UserError(f"{path} is missing: it lists the validation regions that are compared")
    return check_onehot(one_hot_numpy(dataset.codes(dataset.locate(read_tsv(path)))))


def _maps(name: str, train_dir: Path, maps_dir: Path, shape: tuple[int, ...]) -> tuple[str | None, np.ndarray | None]:
    """Return (reason of failure or None, memory-mapped maps or None) of one candidate."""
    metrics_path = train_dir / name / "metrics.json"
    if not metrics_path.is_file():
        raise UserError(f"{metrics_path} is missing: train candidate {name} before it is ranked")
    metrics = read_json(metrics_path)
    if metrics.get("status", "ok") != "ok":
        return f"its training failed: {metrics.get('reason') or 'no reason given'}", None
    path = maps_dir / f"{name}.npy"
    if not path.is_file():
        raise UserError(f"{path} is missing: compute the validation maps of candidate {name} before it is ranked")
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    reason = problem_of(array, shape)
    return (reason, None) if reason else (None, array)


def _prediction(path: Path, metric: str, bootstraps: int, seed: int) -> tuple[tuple[float, float, float], str | None]:
    """Return the validation metric with its interval, and the reason of failure or None."""
    unknown = (float("nan"),) * 3
    if not path.is_file():
        raise UserError(f"{path} is missing: train the candidate again, its validation predictions are needed")
    with np.load(path, allow_pickle=False) as file:
        prediction, target = file["prediction"], file["target"]
    if not np.isfinite(prediction).all():
        return unknown, "its validation predictions contain NaN or infinite values"
    return prediction_metric(prediction, target, metric=metric, bootstraps=bootstraps, seed=seed), None
