"""Train one candidate: from its settings and the arrays on disk to its folder of results."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from torch import nn

from lucidna.dataset import Dataset
from lucidna.errors import UserError
from lucidna.processor import use_processor
from lucidna.training.candidate import CandidateRun
from lucidna.training.distillation import read_targets
from lucidna.training.module import TrainingDivergedError
from lucidna.training.output import write_candidate
from lucidna.training.recipes.base import RecipeError
from lucidna.training.resume import LAST, best_path, find_progress, model_weights, read_checkpoint

log = logging.getLogger(__name__)


def train_candidate(
    candidate: Mapping[str, Any],
    dataset_dir: str | os.PathLike,
    out_dir: str | os.PathLike,
    *,
    threads: int = 1,
    resume: bool = True,
    distillation: str | os.PathLike | None = None,
    members: Sequence[str | os.PathLike] = (),
) -> dict[str, Any]:
    """Train a candidate and write its five files; the test split is not read.

    Training that was killed goes on from its last complete epoch and ends with the same weights as without
    the interruption. A loss that becomes NaN or infinite ends training with the status "failed": the reason
    names recipe, stage, epoch and step, the best weights so far are written, and the checkpoints are kept.

    Parameters
    ----------
    candidate : mapping
        `id`, `architecture`, `class`, `arguments`, `recipe`, `components`, `fold`, `seed`, `control` and
        `trainer`. The control "random_weights" is not trained, "label_shuffled" has the targets and
        signals of its training rows permuted.
    dataset_dir : path
        Holds the arrays.
    out_dir : path
        Made if missing. Gets `model.safetensors`, `model.json`, `metrics.json`, `history.tsv`, `valid.npz`.
    threads : int
        Of torch, in this process.
    resume : bool
        Whether to go on from checkpoints in `out_dir`, where they are of the same settings, data and code.
    distillation : path, optional
        What the members said, of `lucidna.training.distillation.write_targets`; needed by the recipe component
        `distillation`. With fewer than two members left, the status is "failed" and nothing is trained.
    members : sequence of path
        The members' folders, for dynamic distillation.

    Returns
    -------
    dict
        What metrics.json holds.

    Raises
    ------
    UserError
        Settings that do not go together or with the data.
    """
    use_processor(threads)
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    dataset = Dataset.open(dataset_dir, fold=candidate["fold"])
    targets = None if distillation is None else read_targets(distillation)
    run = CandidateRun(candidate, dataset, Path(out_dir), targets=targets, members=[Path(path) for path in members])
    with warnings.catch_warnings():
        # Advice on loggers, worker processes and existing folders that does not apply to these loaders.
        warnings.filterwarnings("ignore", module="pytorch_lightning|lightning_fabric")
        return _execute(run, resume=resume)


def _execute(run: CandidateRun, *, resume: bool) -> dict[str, Any]:
    """Train, evaluate and write; return what metrics.json holds."""
    model, reason = run.prepared()
    reason = run.obstacle(reason)
    device, writes = run.device()
    if run.control != "random_weights" and reason is None:
        progress = find_progress(run.folder, run.fingerprint) if resume else None
        if progress is None:
            run.begin(model)
        else:
            run.history = progress.history
            log.info("%s  goes on after epoch %d", run.label, len(run.history))
        failure = None
        try:
            _fit_stages(run, model, progress)
        except (TrainingDivergedError, RecipeError) as error:
            failure = error
        reason = run.conclude(model, failure)
    return write_candidate(run, model, reason=reason, device=device, writes=writes)


def _fit_stages(run: CandidateRun, model: nn.Module, progress: Any) -> None:
    run.warn_of_edges()
    if run.settings["compile"]:
        _check_compiler()
        # In place, so that the names of the weights stay; evaluation and what is saved are the plain network's.
        model.compile()
    try:
        _fit_each(run, model, progress)
    finally:
        model._compiled_call_impl = None


def _check_compiler() -> None:
    """Say in one sentence what torch would in a page."""
    compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if shutil.which(compiler) is None:
        raise UserError(
            f"grid.trainer.compile needs a C++ compiler, and {compiler} is not on the PATH: install one, name it in "
            "the environment variable CXX, or set compile: false"
        )


def _fit_each(run: CandidateRun, model: nn.Module, progress: Any) -> None:
    for index, stage in enumerate(run.stages):
        resumed = progress is not None and progress.stage == index
        if progress is not None and (index < progress.stage or (resumed and progress.done)):
            continue
        if index > 0:
            model.load_state_dict(model_weights(read_checkpoint(best_path(run.folder, index - 1))))
        module = run.module(model, index)
        data = run.data(module)
        monitor = {"monitor": f"valid_{module.monitor}", "mode": module.mode}
        saving = {
            "dirpath": run.folder,
            "save_on_train_epoch_end": True,
            "enable_version_counter": False,
            "auto_insert_metric_name": False,
        }
        callbacks = [
            EarlyStopping(**monitor, patience=run.settings["patience"], check_finite=False),
            ModelCheckpoint(**monitor, filename=best_path(run.folder, index).stem, **saving),
            # Of every epoch: `save_last` would write only after those with a new best.
            ModelCheckpoint(filename=Path(LAST).stem, **saving),
        ]
        try:
            run.trainer(stage, callbacks).fit(
                module,
                datamodule=data,
                ckpt_path=progress.path if resumed else None,
                weights_only=True,
            )
        finally:
            run.history = module.history
