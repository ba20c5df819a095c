"""The files of a candidate's folder beside its weights: history, validation predictions, metrics."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lucidna.files import atomic_path, write_json, write_tsv

HISTORY_START = ["stage", "epoch", "step", "train_loss", "valid_loss"]


def write_results(
    out_dir: str | os.PathLike,
    *,
    metrics: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    arrays: Mapping[str, np.ndarray],
) -> None:
    """Write history.tsv, valid.npz and, last, metrics.json.

    Parameters
    ----------
    out_dir : path
        Made if missing.
    metrics : mapping
        What metrics.json holds; the names under `valid` head the history of a network that was not trained here.
    history : sequence of mapping
        One row per epoch; may be empty.
    arrays : mapping
        What valid.npz holds, see `evaluate.evaluate_rows`.
    """
    out_dir = Path(out_dir)
    frame = pd.DataFrame(history)
    if frame.empty:
        names = [f"valid_{name}" for name in metrics["valid"] if name not in ("loss", "per_task")]
        frame = pd.DataFrame(columns=[*HISTORY_START, *names, "seconds", "learning_rate"])
    write_tsv(out_dir / "history.tsv", frame)
    with atomic_path(out_dir / "valid.npz") as temporary:
        np.savez(temporary, **arrays)
    write_json(out_dir / "metrics.json", metrics)
