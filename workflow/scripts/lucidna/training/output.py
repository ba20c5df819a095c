"""The files of a candidate's folder beside its weights: history, validation predictions, metrics."""

from __future__ import annotations

import os
import resource
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from lucidna.files import atomic_path, write_json, write_tsv
from lucidna.models import count_parameters
from lucidna.models.store import save_model
from lucidna.models.uncertainty import recorded_log_variance
from lucidna.training.evaluate import evaluate_rows, without_nan
from lucidna.training.resume import best_path, read_checkpoint
from lucidna.training.uncertainty import uncertainty_summary

if TYPE_CHECKING:
    from lucidna.training.candidate import CandidateRun

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


def write_candidate(
    run: CandidateRun, model: nn.Module, *, reason: str | None, device: torch.device, writes: bool
) -> dict[str, Any]:
    """Evaluate the network on the validation rows and write the candidate's files."""
    run.recipe.finish(model)
    rows = run.dataset.rows_of("valid")
    with recorded_log_variance(model) as log_variance:
        valid, arrays = evaluate_rows(model, run.dataset, rows, device=device, loss=run.loss)
    if log_variance:
        arrays["log_variance"] = torch.cat(log_variance).float().cpu().numpy()
    stages = _stage_summaries(run)
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        # The others must have read the checkpoints before they are removed.
        torch.distributed.barrier()
    metrics = {
        "candidate": run.candidate["id"],
        "status": "ok" if reason is None else "failed",
        "reason": reason,
        "valid": valid,
        "monitor": run.settings["monitor"],
        "best_epoch": stages[-1]["best_epoch"] if stages else 0,
        "epochs": len(run.history),
        "seconds": round(sum(row["seconds"] for row in run.history), 3),
        "peak_rss_mb": _peak_rss_mb(),
        "n_parameters": count_parameters(model),
        "stages": stages,
    }
    if run.targets is not None and reason is None:
        metrics["uncertainty"] = _uncertainty(run, arrays)
    if writes:
        extra = {"candidate": run.candidate["id"], "dataset_digest": run.dataset.info["digest"]}
        if run.targets is not None:
            extra["members"] = run.targets.members
        save_model(model, run.out_dir, extra=extra)
        write_results(run.out_dir, metrics=metrics, history=run.history, arrays=arrays)
        if reason is None:
            shutil.rmtree(run.folder, ignore_errors=True)
    return metrics


def _uncertainty(run: CandidateRun, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Say how well the predicted variance orders the errors on the validation rows."""
    summary = uncertainty_summary(
        arrays["prediction"],
        arrays["target"],
        arrays["log_variance"],
        members=run.targets.at(arrays["row"]),
        binary=run.reader.target == "binary",
    )
    return without_nan({"members": len(run.targets.members), **summary})


def _stage_summaries(run: CandidateRun) -> list[dict[str, Any]]:
    summaries = []
    for index, stage in enumerate(run.stages):
        rows = [row for row in run.history if row["stage"] == stage.name]
        if not rows:
            continue
        checkpoint = read_checkpoint(best_path(run.folder, index))
        best = rows[0]["epoch"] + int(checkpoint["epoch"]) if checkpoint else rows[-1]["epoch"]
        summaries.append(
            {
                "name": stage.name,
                "epochs": len(rows),
                "best_epoch": best,
                "learning_rate": stage.learning_rate,
                "seconds": round(sum(row["seconds"] for row in rows), 3),
            }
        )
    return without_nan(summaries)


def _peak_rss_mb() -> float:
    """Return this process's largest resident memory so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in kB, macOS in bytes.
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)
