"""Train one candidate: from its settings and the arrays on disk to its folder of results."""

from __future__ import annotations

import logging
import os
import re
import resource
import shutil
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from torch import nn

from lucidna.channels import strand_orders
from lucidna.dataset import Dataset
from lucidna.errors import UserError
from lucidna.models import build, count_parameters
from lucidna.models.layers import start_at
from lucidna.models.store import load_model, save_model
from lucidna.models.uncertainty import recorded_log_variance
from lucidna.training.data import BatchReader, CandidateData, shuffled_labels
from lucidna.training.distillation import Targets, read_targets
from lucidna.training.evaluate import evaluate_rows, without_nan
from lucidna.training.losses import auto_count_weight, make_loss
from lucidna.training.memory import keep_freed_memory
from lucidna.training.module import CandidateModule, TrainingDivergedError
from lucidna.training.names import CONTROLS, resolve_trainer
from lucidna.training.output import write_results
from lucidna.training.recipes import compose
from lucidna.training.recipes.base import Batch, Examples, Recipe, RecipeError, Stage
from lucidna.training.resume import LAST, best_path, find_progress, fingerprint, model_weights, read_checkpoint
from lucidna.training.seeds import derive_seed
from lucidna.training.uncertainty import uncertainty_summary

log = logging.getLogger(__name__)

CHECKPOINTS = "checkpoints"


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
    torch.set_num_threads(threads)
    keep_freed_memory()
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    dataset = Dataset.open(dataset_dir, fold=candidate["fold"])
    targets = None if distillation is None else read_targets(distillation)
    run = CandidateRun(candidate, dataset, Path(out_dir), targets=targets, members=[Path(path) for path in members])
    with warnings.catch_warnings():
        # Advice on loggers, worker processes and existing folders that does not apply to these loaders.
        warnings.filterwarnings("ignore", module="pytorch_lightning|lightning_fabric")
        return run.execute(resume=resume)


class CandidateRun:
    """One call of `train_candidate`; `lucidna.training.stacked` goes through its parts for several seeds together."""

    def __init__(
        self,
        candidate: Mapping[str, Any],
        dataset: Dataset,
        out_dir: Path,
        *,
        targets: Targets | None = None,
        members: Sequence[Path] = (),
    ) -> None:
        self.candidate, self.dataset, self.out_dir = candidate, dataset, out_dir
        self.control = candidate.get("control", "none")
        if self.control not in CONTROLS:
            raise UserError(f"control {self.control!r} is none of {', '.join(CONTROLS)}: choose one of them")
        self.folder = out_dir / CHECKPOINTS
        self.seed = int(candidate["seed"])
        self.label = re.sub(r"-[0-9a-f]{8}$", "", candidate["id"])
        self.reader = BatchReader(dataset)
        self.settings = resolve_trainer(candidate.get("trainer") or {}, target=self.reader.target)
        self.recipe: Recipe = compose(candidate["components"])
        self.targets = targets
        if targets is not None:
            self.recipe.take(targets, [load_model(path) for path in members if path.name in targets.members])
        self.stages: list[Stage] = self.recipe.stages(
            max_epochs=self.settings["max_epochs"],
            min_epochs=self.settings["min_epochs"],
            learning_rate=self.settings["learning_rate"],
        )
        self.loss = self._make_loss()
        self.fingerprint = fingerprint(candidate, dataset.info["digest"] + (targets.digest if targets else ""))
        self.history: list[dict[str, Any]] = []

    def execute(self, *, resume: bool) -> dict[str, Any]:
        """Train, evaluate and write; return what metrics.json holds."""
        model, reason = self.prepared()
        reason = self.obstacle(reason)
        device, writes = self.device()
        if self.control != "random_weights" and reason is None:
            progress = find_progress(self.folder, self.fingerprint) if resume else None
            if progress is None:
                self.begin(model)
            else:
                self.history = progress.history
                log.info("%s  goes on after epoch %d", self.label, len(self.history))
            failure = None
            try:
                self._fit_stages(model, progress)
            except (TrainingDivergedError, RecipeError) as error:
                failure = error
            reason = self.conclude(model, failure)
        return self.write(model, reason=reason, device=device, writes=writes)

    def obstacle(self, reason: str | None = None) -> str | None:
        """Return why the candidate cannot be trained, `reason` or what its recipe lacks, or None."""
        reason = reason or self.recipe.obstacle()
        if reason is not None:
            reason = f"recipe '{self.candidate['recipe']}': {reason}"
            log.warning("%s  failed: %s", self.label, reason)
        return reason

    def begin(self, model: nn.Module) -> None:
        """Clear away earlier checkpoints and let the recipe change the fresh weights."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.recipe.initialise(model, self._examples())

    def conclude(self, model: nn.Module, failure: TrainingDivergedError | RecipeError | None) -> str | None:
        """Load the best weights; return the reason of a failure, or None."""
        good = self._load_best(model, failed=failure is not None)
        if failure is None:
            return None
        last = self.folder / LAST
        kept = "no epoch was complete" if good is None else f"the weights kept are those of {good.name}"
        if good is not None and last.is_file():
            kept = f"the last good checkpoint is {self.candidate['id']}/{CHECKPOINTS}/{LAST}, {kept}"
        reason = f"recipe '{self.candidate['recipe']}': {failure}; {kept}"
        log.warning("%s  failed: %s", self.label, reason)
        return reason

    def _make_loss(self) -> Any:
        weight = self.settings["count_weight"]
        name = self.settings["loss"]
        if weight == "auto":
            peaks = self.dataset.rows_of("train", role="peak")
            targets = torch.from_numpy(np.asarray(self.dataset.targets[peaks], dtype=np.float32))
            weights = auto_count_weight(targets) if name == "multinomial" else None
        else:
            weights = [float(weight)] * len(self.reader.channels)
        return make_loss(name, channels=self.reader.channels, count_weight=weights)

    def build(self) -> nn.Module:
        """Return the network as training starts from it."""
        torch.manual_seed(derive_seed(self.seed, "weights"))
        model = build(
            self.candidate["class"],
            input_length=self.reader.input_length,
            output_length=self.reader.output_length,
            target=self.reader.target,
            n_tasks=len(self.dataset.info["tasks"]),
            channels=self.reader.channels,
            n_controls=self.reader.n_controls,
            control_order=strand_orders(self.dataset)[1],
            **self.recipe.model_arguments(self.candidate["arguments"]),
        )
        rows = self.dataset.rows_of("train")
        if self.reader.target != "binary" and len(rows):
            # Without this the first epochs go into finding the mean of the log counts.
            start_at(model, np.mean(self.dataset.targets[rows], axis=0, dtype=np.float64))
        return model

    def prepared(self) -> tuple[nn.Module, str | None]:
        """Return the fresh network as the recipe wants it, or unprepared with the reason why that cannot be."""
        model = self.build()
        try:
            self.recipe.prepare(model)
        except RecipeError as error:
            self.recipe = Recipe([])
            return model, str(error)
        return model, None

    def _examples(self) -> Examples:
        rows = self.dataset.rows_of("train")
        shuffled = self.control == "label_shuffled"
        labels = shuffled_labels(rows, len(self.dataset.targets), seed=self.seed) if shuffled else None

        def read(rows: np.ndarray) -> Batch:
            return self.reader.read(rows, label_rows=None if labels is None else labels[rows])

        return Examples(rows=rows, read=read)

    def _trainer(self, stage: Stage, callbacks: list[pl.Callback]) -> pl.Trainer:
        return pl.Trainer(
            max_epochs=stage.max_epochs,
            min_epochs=stage.min_epochs,
            accelerator=self.settings["accelerator"],
            devices=self.settings["devices"],
            precision=self.settings["precision"],
            gradient_clip_val=self.settings["gradient_clip"] or None,
            callbacks=callbacks,
            default_root_dir=self.out_dir,
            logger=False,
            enable_checkpointing=bool(callbacks),
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
        )

    def device(self) -> tuple[torch.device, bool]:
        """Return where this process computes, and whether it is the one that writes."""
        trainer = self._trainer(self.stages[0], [])
        return trainer.strategy.root_device, trainer.is_global_zero

    def _fit_stages(self, model: nn.Module, progress: Any) -> None:
        if self.settings["compile"]:
            # In place, so that the names of the weights stay; evaluation and what is saved are the plain network's.
            model.compile()
        try:
            self._fit_each(model, progress)
        finally:
            model._compiled_call_impl = None

    def _fit_each(self, model: nn.Module, progress: Any) -> None:
        for index, stage in enumerate(self.stages):
            resumed = progress is not None and progress.stage == index
            if progress is not None and (index < progress.stage or (resumed and progress.done)):
                continue
            if index > 0:
                model.load_state_dict(model_weights(read_checkpoint(best_path(self.folder, index - 1))))
            module = self.module(model, index)
            data = self.data(module)
            monitor = {"monitor": f"valid_{module.monitor}", "mode": module.mode}
            saving = {
                "dirpath": self.folder,
                "save_on_train_epoch_end": True,
                "enable_version_counter": False,
                "auto_insert_metric_name": False,
            }
            callbacks = [
                EarlyStopping(**monitor, patience=self.settings["patience"], check_finite=False),
                ModelCheckpoint(**monitor, filename=best_path(self.folder, index).stem, **saving),
                # Of every epoch: `save_last` would write only after those with a new best.
                ModelCheckpoint(filename=Path(LAST).stem, **saving),
            ]
            try:
                self._trainer(stage, callbacks).fit(
                    module,
                    datamodule=data,
                    ckpt_path=progress.path if resumed else None,
                    weights_only=True,
                )
            finally:
                self.history = module.history

    def module(self, model: nn.Module, index: int, kind: type[CandidateModule] = CandidateModule) -> CandidateModule:
        """Return a stage's module."""
        stage = self.stages[index]
        return kind(
            model,
            reader=self.reader,
            loss=self.loss,
            recipe=self.recipe,
            stages=self.stages,
            stage_index=index,
            settings=self.settings,
            seed=self.seed,
            label=self.label,
            fingerprint=self.fingerprint,
            history=[row for row in self.history if row["stage"] != stage.name],
        )

    def data(self, module: CandidateModule) -> CandidateData:
        """Return the batches of a stage."""
        return CandidateData(
            self.dataset,
            batch_size=self.settings["batch_size"],
            seed=self.seed,
            stage=module.stage_index,
            jitter=module.recipe.jitter(),
            margin=module.signal_margin,
            negatives_per_epoch=self.settings["negatives_per_epoch"],
            shuffle_labels=self.control == "label_shuffled",
        )

    def _load_best(self, model: nn.Module, *, failed: bool) -> Path | None:
        """Load the best weights of the last stage; after a failure, of the last stage that has any, else fresh ones.

        Returns the checkpoint that they are from.
        """
        candidates = range(len(self.stages) - 1, -1, -1) if failed else [len(self.stages) - 1]
        for index in candidates:
            checkpoint = read_checkpoint(best_path(self.folder, index))
            if checkpoint is not None:
                model.load_state_dict(model_weights(checkpoint))
                return best_path(self.folder, index)
        if not failed:
            raise OSError(f"{best_path(self.folder, len(self.stages) - 1)} cannot be read after training")
        model.load_state_dict(self.prepared()[0].state_dict())
        return None

    def write(self, model: nn.Module, *, reason: str | None, device: torch.device, writes: bool) -> dict[str, Any]:
        """Evaluate the network on the validation rows and write the candidate's files."""
        self.recipe.finish(model)
        rows = self.dataset.rows_of("valid")
        with recorded_log_variance(model) as log_variance:
            valid, arrays = evaluate_rows(model, self.dataset, rows, device=device, loss=self.loss)
        if log_variance:
            arrays["log_variance"] = torch.cat(log_variance).float().cpu().numpy()
        stages = self._stage_summaries()
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            # The others must have read the checkpoints before they are removed.
            torch.distributed.barrier()
        metrics = {
            "candidate": self.candidate["id"],
            "status": "ok" if reason is None else "failed",
            "reason": reason,
            "valid": valid,
            "monitor": self.settings["monitor"],
            "best_epoch": stages[-1]["best_epoch"] if stages else 0,
            "epochs": len(self.history),
            "seconds": round(sum(row["seconds"] for row in self.history), 3),
            "peak_rss_mb": _peak_rss_mb(),
            "n_parameters": count_parameters(model),
            "stages": stages,
        }
        if self.targets is not None and reason is None:
            metrics["uncertainty"] = self._uncertainty(arrays)
        if writes:
            extra = {"candidate": self.candidate["id"], "dataset_digest": self.dataset.info["digest"]}
            if self.targets is not None:
                extra["members"] = self.targets.members
            save_model(model, self.out_dir, extra=extra)
            write_results(self.out_dir, metrics=metrics, history=self.history, arrays=arrays)
            if reason is None:
                shutil.rmtree(self.folder, ignore_errors=True)
        return metrics

    def _uncertainty(self, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Say how well the predicted variance orders the errors on the validation rows."""
        summary = uncertainty_summary(
            arrays["prediction"],
            arrays["target"],
            arrays["log_variance"],
            members=self.targets.at(arrays["row"]),
            binary=self.reader.target == "binary",
        )
        return without_nan({"members": len(self.targets.members), **summary})

    def _stage_summaries(self) -> list[dict[str, Any]]:
        summaries = []
        for index, stage in enumerate(self.stages):
            rows = [row for row in self.history if row["stage"] == stage.name]
            if not rows:
                continue
            checkpoint = read_checkpoint(best_path(self.folder, index))
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
