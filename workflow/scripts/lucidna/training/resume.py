"""Checkpoints of an unfinished candidate: whose they are, where training stopped, and the best weights."""

from __future__ import annotations

import hashlib
import json
import logging
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lucidna.codedigest import code_digest
from lucidna.training.names import AVERAGE, STATE

log = logging.getLogger(__name__)

LAST = "last.ckpt"


@dataclass
class Progress:
    """Where training stopped: in which stage, whether that stage is complete, and the epochs so far."""

    stage: int
    done: bool
    history: list[dict[str, Any]]
    path: Path


def best_path(folder: Path, stage: int) -> Path:
    """Return the checkpoint with the best monitor of a stage."""
    return folder / f"stage{stage}-best.ckpt"


def fingerprint(candidate: Mapping[str, Any], dataset_digest: str) -> str:
    """Digest all that a checkpoint must agree with: candidate, data, code, and torch's version."""
    parts = [dict(candidate), dataset_digest, code_digest("training.run"), torch.__version__]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def find_progress(folder: Path, expected: str) -> Progress | None:
    """Return where an earlier run of the same candidate stopped, or None to start afresh.

    A checkpoint that is damaged, or of other settings, data or code, is not used; the log says so.
    """
    path = folder / LAST
    if not path.is_file():
        return None
    checkpoint = read_checkpoint(path)
    if checkpoint is None:
        log.warning("%s cannot be read: training starts afresh", path)
        return None
    state = checkpoint.get(STATE, {})
    if state.get("fingerprint") != expected:
        log.warning("%s is of other settings, data or code: training starts afresh", path)
        return None
    stage = int(state["stage"])
    needed = range(stage + 1 if state["done"] else stage)
    for index in needed:
        if read_checkpoint(best_path(folder, index)) is None:
            log.warning("%s cannot be read: training starts afresh", best_path(folder, index))
            return None
    return Progress(stage=stage, done=bool(state["done"]), history=list(state["history"]), path=path)


def read_checkpoint(path: Path) -> dict[str, Any] | None:
    """Return the content of a checkpoint, or None where it is missing or damaged; no code is loaded."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError, zipfile.BadZipFile):
        return None


def model_weights(checkpoint: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Return the network's weights out of a checkpoint of `CandidateModule`: those that were validated."""
    if AVERAGE in checkpoint:
        return dict(checkpoint[AVERAGE])
    return {
        name.removeprefix("model."): value
        for name, value in checkpoint["state_dict"].items()
        if name.startswith("model.")
    }
