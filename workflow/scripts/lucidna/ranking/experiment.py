"""Read what the training and the maps of an experiment left on disk into networks that can be ranked."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lucidna.errors import UserError
from lucidna.files import read_json, read_tsv
from lucidna.ranking.control_share import BIAS, control_map
from lucidna.ranking.inputs import FAILED_COLUMNS, Networks, identical_maps
from lucidna.ranking.prediction import prediction_draws, with_interval
from lucidna.ranking.prediction_table import COLUMNS, cross_entropy_interval, overall_columns, prediction_table
from lucidna.ranking.prepare import check_onehot, not_readable, problem_of
from lucidna.ranking.probed import placed
from lucidna.ranking.probes.store import read_probes
from lucidna.ranking.shuffles import shuffled_regions
from lucidna.sequence import one_hot_numpy

TRACK_COLUMNS = ["id", *COLUMNS]

logger = logging.getLogger(__name__)


def read_experiment(
    candidates: Sequence[Mapping],
    train_dir: Path,
    maps_dir: Path,
    regions_dir: Path,
    dataset,
    *,
    probes_dir: Path | None = None,
    shuffled_dir: Path | None = None,
    bootstraps: int = 500,
    seed: int = 0,
) -> tuple[Networks, str]:
    """Collect maps, sequences and validation metrics of all candidates.

    Parameters
    ----------
    candidates, train_dir, maps_dir, regions_dir, dataset, probes_dir, shuffled_dir, bootstraps, seed
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
    folds = dict.fromkeys(candidate["fold"] for candidate in candidates)
    region_ids, places = {}, {}
    for fold in folds:
        region_ids[fold], places[fold] = _regions(regions_dir / f"{fold}.tsv", dataset)
    bias = [candidate for candidate in candidates if candidate.get("control") == BIAS]
    candidates = [candidate for candidate in candidates if candidate.get("control") != BIAS]
    onehot = {fold: check_onehot(one_hot_numpy(dataset.codes(found))) for fold, found in places.items()}
    rows, arrays, failed, probes, tracks, draws, shuffled = [], [], [], [], [], [], []
    for candidate in candidates:
        row = {
            "id": candidate["id"],
            "family": f"{candidate['architecture']} x {candidate['recipe']}",
            "fold": candidate["fold"],
            "control": candidate.get("control") or "none",
        }
        shape = onehot[row["fold"]].shape
        reason, array = _maps(row["id"], train_dir, maps_dir, shape)
        null, samples, metrics = None, np.full(1 + bootstraps, np.nan), None
        if reason is None and shuffled_dir is not None:
            reason, null = _shuffled_maps(shuffled_dir / f"{row['id']}.npy", shape)
        if reason is None:
            path = train_dir / row["id"] / "valid.npz"
            samples, metrics, reason = _prediction(path, metric, dataset.info, bootstraps, seed)
        if reason is not None:
            failed.append({**row, "reason": reason})
            continue
        row |= dict(zip(("prediction", "prediction_lo", "prediction_hi"), with_interval(samples), strict=True))
        draw = {"bootstraps": bootstraps, "seed": seed}
        row |= _loss(train_dir / row["id"], dataset.info.get("target"), **draw)
        rows.append(row | overall_columns(metrics, without=metric))
        tracks.append(metrics.assign(id=row["id"]))
        arrays.append(array)
        draws.append(samples[1:])
        shuffled.append(null)
        if probes_dir is not None:
            probes.append(placed(read_probes(probes_dir / f"{row['id']}.npz"), row["fold"], places))
    kept = _without_copies(rows, arrays, failed)
    votes = {candidate["id"]: candidate.get("run") or candidate["id"] for candidate in candidates}
    control_maps, shuffled_control_maps = _bias_maps(bias, train_dir, maps_dir, shuffled_dir, onehot)
    columns = ["id", "family", "fold", "control", "prediction", "prediction_lo", "prediction_hi"]
    columns += [name for name in (rows[0] if rows else {}) if name not in columns]
    networks = Networks(
        table=pd.DataFrame([rows[index] for index in kept], columns=columns),
        maps=[arrays[index] for index in kept],
        onehot=onehot,
        votes=[votes[rows[index]["id"]] for index in kept],
        failed=pd.DataFrame(failed, columns=FAILED_COLUMNS),
        notices=_notices(candidates),
        probes=[probes[index] for index in kept] if probes else None,
        tracks=(pd.concat(tracks, ignore_index=True) if tracks else pd.DataFrame(columns=TRACK_COLUMNS))[TRACK_COLUMNS],
        prediction_draws=np.array([draws[index] for index in kept]) if kept else None,
        region_ids=region_ids,
        shuffled=None if shuffled_dir is None else [shuffled[index] for index in kept],
        shuffled_onehot=None if shuffled_dir is None else _shuffled_onehot(dataset, places, seed),
        control_maps=control_maps,
        shuffled_control_maps=shuffled_control_maps,
        bias_controls={
            fold: [row.get("name", row["id"]) for row in bias if row["fold"] == fold] for fold in control_maps
        },
    )
    return networks, metric


def _notices(candidates: Sequence[Mapping]) -> tuple[str, ...]:
    """Say what cannot be known of networks that were not trained here."""
    names = dict.fromkeys(row["name"] for row in candidates if row["architecture"] == "external" and "name" in row)
    if not names:
        return ()
    return (
        f"Trained elsewhere: {', '.join(names)}. Whether these networks saw the validation regions in training is not "
        "known; if they did, their prediction is flattered.",
    )


def _bias_maps(
    bias: Sequence[Mapping], train_dir: Path, maps_dir: Path, shuffled_dir: Path | None, onehot: Mapping
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Average the maps of each fold's bias controls: fold -> (N, 4, L), of its regions and of the shuffled ones."""
    lists: tuple[dict[str, list], dict[str, list]] = {}, {}
    for candidate in bias:
        name, fold = candidate["id"], candidate["fold"]
        shape = onehot[fold].shape
        reason, array = _maps(name, train_dir, maps_dir, shape)
        null = None
        if reason is None and shuffled_dir is not None:
            reason, null = _shuffled_maps(shuffled_dir / f"{name}.npy", shape)
        if reason is not None:
            raise UserError(f"bias control {name} cannot be used: {reason}; mend it, or remove it from external")
        for place, maps in zip(lists, (array, null), strict=True):
            if maps is not None:
                place.setdefault(fold, []).append(maps)
    first, second = ({fold: control_map(maps) for fold, maps in place.items()} for place in lists)
    return first, second


def _without_copies(rows: list[dict], arrays: list[np.ndarray], failed: list[dict]) -> list[int]:
    """Return the indices of networks whose maps are their own; the copies are added to `failed`."""
    copies = identical_maps([row["id"] for row in rows], arrays, [row["fold"] for row in rows])
    for row in rows:
        if row["id"] in copies:
            kept = {key: row[key] for key in ("id", "family", "fold", "control")}
            failed.append({**kept, "reason": f"its maps are identical to those of {copies[row['id']]}"})
    return [index for index, row in enumerate(rows) if row["id"] not in copies]


def _regions(path: Path, dataset) -> tuple[list[str], np.ndarray]:
    """Return ids and rows of the dataset, int64 (N,), of the regions listed in a file (region_id, row)."""
    if not path.is_file():
        raise UserError(f"{path} is missing: it lists the validation regions that are compared")
    table = read_tsv(path)
    return table["region_id"].tolist(), dataset.locate(table)


def _shuffled_onehot(dataset, places: Mapping[str, np.ndarray], seed: int) -> dict[str, np.ndarray]:
    return {
        fold: one_hot_numpy(shuffled_regions(dataset.codes(found), seed=seed)).astype(np.float32)
        for fold, found in places.items()
    }


def _shuffled_maps(path: Path, shape: tuple[int, ...]) -> tuple[str | None, np.ndarray | None]:
    """Return (what is wrong with them or None, memory-mapped maps or None) of the shuffled regions."""
    if not path.is_file():
        raise UserError(f"{path} is missing: make the maps of the shuffled regions, or set ranking.shuffled: false")
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    problem = not_readable(array, shape)
    return (f"on shuffled regions {problem}", None) if problem else (None, array)


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


def _loss(folder: Path, target: str | None, *, bootstraps: int, seed: int) -> dict[str, float]:
    """Return the panel's columns of the validation loss; NaN where it was not finite.

    Only the cross-entropy has an interval: other losses were left as means over batches, without their regions, and
    have "mse" and "jsd" beside them, which have one.
    """
    loss = (read_json(folder / "metrics.json").get("valid") or {}).get("loss")
    column = {"valid_loss": float("nan") if loss is None else float(loss)}
    if target != "binary":
        return column
    ends = (float("nan"),) * 2
    if loss is not None:
        with np.load(folder / "valid.npz", allow_pickle=False) as file:
            ends = cross_entropy_interval(file["prediction"], file["target"], bootstraps=bootstraps, seed=seed)
    return column | dict(zip(("valid_loss_lo", "valid_loss_hi"), ends, strict=True))


def _prediction(
    path: Path, metric: str, info: Mapping, bootstraps: int, seed: int
) -> tuple[np.ndarray, pd.DataFrame | None, str | None]:
    """Return the validation metric of the data and of samples, the table of all metrics, and why it failed or None."""
    unknown = np.full(1 + bootstraps, np.nan)
    if not path.is_file():
        raise UserError(f"{path} is missing: train the candidate again, its validation predictions are needed")
    with np.load(path, allow_pickle=False) as file:
        prediction, target = file["prediction"], file["target"]
        jsd = file["profile_jsd"] if "profile_jsd" in file.files else None
    if not np.isfinite(prediction).all():
        return unknown, None, "its validation predictions contain NaN or infinite values"
    draws = {"bootstraps": bootstraps, "seed": seed}
    tasks = info.get("tasks") or [f"task_{index}" for index in range(target.shape[1])]
    table = prediction_table(prediction, target, kind=info["target"], tasks=tasks, jsd=jsd, **draws)
    return prediction_draws(prediction, target, metric=metric, **draws), table, None
