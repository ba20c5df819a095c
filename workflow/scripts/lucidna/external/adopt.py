"""Bring a network trained elsewhere into an experiment: a candidate's folder without a training."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from lucidna.channels import task_channels
from lucidna.dataset import Dataset
from lucidna.errors import UserError
from lucidna.external.networks import check_network
from lucidna.external.settings import source_file
from lucidna.external.store import read_network, save_network
from lucidna.files import sha256
from lucidna.models import count_parameters
from lucidna.processor import use_processor
from lucidna.sequence import one_hot_numpy
from lucidna.training.evaluate import evaluate_rows
from lucidna.training.output import write_results

log = logging.getLogger(__name__)


def adopt_network(
    candidate: Mapping[str, Any], dataset_dir: str | os.PathLike, out_dir: str | os.PathLike, *, threads: int = 1
) -> dict[str, Any]:
    """Write the five files of a trained candidate for a network from elsewhere; the test split is not read.

    Parameters
    ----------
    candidate : mapping
        From `settings.expand_external`.
    dataset_dir : path
        Holds the arrays.
    out_dir : path
        Gets model.safetensors, model.json, metrics.json, history.tsv (empty: nothing was trained) and valid.npz.
    threads : int
        Of torch.

    Returns
    -------
    dict
        What metrics.json holds.

    Raises
    ------
    UserError
        The network cannot be read, does not fit the data, or gives values that are not usable.
    """
    use_processor(threads)
    started = time.perf_counter()
    dataset = Dataset.open(dataset_dir, fold=candidate["fold"])
    out_dir = Path(out_dir)
    settings, name = candidate["arguments"], candidate["name"]
    model = read_network(settings, _facts(dataset), name=name)
    rows = dataset.rows_of("valid")
    if not len(rows):
        raise UserError(f"fold '{candidate['fold']}' has no validation region to judge external network '{name}' on")
    check_network(model, torch.from_numpy(one_hot_numpy(dataset.codes(rows[:3]))))
    valid, arrays = evaluate_rows(model, dataset, rows)
    metrics = {
        "candidate": candidate["id"],
        "status": "ok",
        "reason": None,
        "valid": valid,
        "monitor": None,
        "best_epoch": None,
        "epochs": None,
        "seconds": round(time.perf_counter() - started, 3),
        "peak_rss_mb": None,
        "n_parameters": count_parameters(model) or sum(weight.numel() for weight in model.parameters()),
        "stages": [],
    }
    files = [settings.get("weights"), settings.get("program"), source_file(settings)]
    extra = {
        "candidate": candidate["id"],
        "dataset_digest": dataset.info["digest"],
        "sources": {path: sha256(path) for path in files if path},
    }
    save_network(model, settings, out_dir, extra=extra)
    write_results(out_dir, metrics=metrics, history=[], arrays=arrays)
    log.info(
        "%s  taken over: %s", name, ", ".join(f"{key} {value}" for key, value in valid.items() if key != "per_task")
    )
    return metrics


def _facts(dataset: Dataset) -> dict[str, Any]:
    """Return what `networks.ExternalNetwork` must know of the data."""
    return {
        "target": dataset.info["target"],
        "input_length": dataset.info["window"]["input"],
        "output_length": dataset.info["window"]["output"],
        "n_tasks": len(dataset.info["tasks"]),
        "channels": task_channels(dataset),
    }
