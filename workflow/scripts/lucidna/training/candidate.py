"""The parts of a candidate's training: its network, loss, recipe, stages, batches and best weights."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import nn

from lucidna.channels import strand_orders
from lucidna.dataset import Dataset
from lucidna.errors import UserError
from lucidna.models import build
from lucidna.models.layers import start_at
from lucidna.models.store import load_model
from lucidna.training.batches import BatchReader
from lucidna.training.data import CandidateData, shuffled_labels
from lucidna.training.distillation import Targets
from lucidna.training.losses import auto_count_weight, make_loss
from lucidna.training.module import CandidateModule, TrainingDivergedError
from lucidna.training.names import CONTROLS, resolve_trainer
from lucidna.training.recipes import compose
from lucidna.training.recipes.base import Batch, Examples, RecipeError, Stage
from lucidna.training.recipes.recipe import Recipe
from lucidna.training.resume import LAST, best_path, fingerprint, model_weights, read_checkpoint
from lucidna.training.seeds import derive_seed

log = logging.getLogger(__name__)

CHECKPOINTS = "checkpoints"


class CandidateRun:
    """A candidate with its data, from settings to best weights; who drives it makes the steps between.

    `lucidna.training.run` drives one with Lightning, `lucidna.training.stacked` several seeds together.
    """

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
        kept = (
            "no epoch was complete"
            if good is None
            else f"the weights kept are those of {self.candidate['id']}/{CHECKPOINTS}/{good.name}"
        )
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

    def warn_of_edges(self) -> None:
        """Say where bases are moved into the output window from further out than signals were read."""
        reach, jitter = self.recipe.signal_margin(), self.reader.jitter
        if self.reader.target == "profile" and reach > jitter:
            log.warning(
                "%s  recipe '%s' moves bases by up to %d bp and window.jitter is %d: near the edges of the output "
                "window the signal of bases from further out is taken as zero, so set window.jitter to at least %d",
                self.label,
                self.candidate["recipe"],
                reach,
                jitter,
                reach,
            )

    def trainer(self, stage: Stage, callbacks: list[pl.Callback]) -> pl.Trainer:
        """Return Lightning's trainer for a stage."""
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
        trainer = self.trainer(self.stages[0], [])
        return trainer.strategy.root_device, trainer.is_global_zero

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
