"""Train all seeds of one architecture, recipe and fold together, with stacked weights.

Every seed has what it would have in a run of its own (`lucidna.training.run`): its fresh weights, order of rows,
shifts, augmentations and dropout masks, its learning rate, best epoch and early stopping. Only the arithmetic is
shared: one forward and backward pass for all (`lucidna.training.stack`). Results agree with separate runs up to
rounding, which differs because stacked operations sum in another order, and which training amplifies as it does any
rounding: most in weights that the loss does not depend on, such as biases before batch normalisation, which Adam
moves by the sign of their rounding. On an accelerator the dropout masks are each seed's own too, but not those of
separate runs, which draw them inside torch's kernels.

It pays where one network leaves the device idle. There are no checkpoints to resume from: training that was
killed starts afresh.
"""

from __future__ import annotations

import dataclasses
import logging
import math
import os
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lucidna.dataset import Dataset
from lucidna.files import atomic_path
from lucidna.processor import use_processor
from lucidna.sequence import one_hot
from lucidna.training.candidate import CandidateRun
from lucidna.training.module import CHECK_EVERY, CandidateModule, TrainingDivergedError
from lucidna.training.output import write_candidate
from lucidna.training.recipes.base import Batch, RecipeError
from lucidna.training.resume import best_path, model_weights, read_checkpoint
from lucidna.training.stack import Stack, StackedAdam
from lucidna.training.stacking import can_be_stacked, check_stacking


def train_stacked(
    candidates: Sequence[Mapping[str, Any]],
    dataset_dir: str | os.PathLike,
    out_dirs: Sequence[str | os.PathLike],
    *,
    threads: int = 1,
) -> list[dict[str, Any]]:
    """Train candidates that differ in their seed alone, and write the five files of each.

    A seed whose loss becomes NaN or infinite gets the status "failed", as in a run of its own; the others go on.
    `seconds` of an epoch is its share of the time of all: the time divided by the number of seeds that took part.
    `peak_rss_mb` is of the process, and so of all.

    Parameters
    ----------
    candidates : sequence of mapping
        As for `lucidna.training.run.train_candidate`; their control is "none".
    dataset_dir : path
        Holds the arrays.
    out_dirs : sequence of path
        One for each candidate.
    threads : int
        Of torch, in this process.

    Returns
    -------
    list of dict
        What each metrics.json holds.

    Raises
    ------
    UserError
        Settings that do not go together, with the data, or with stacked weights.
    ValueError
        Candidates that differ in more than their seed, or whose recipe cannot be stacked.
    """
    first = _but_seed(candidates[0])
    if any(_but_seed(candidate) != first for candidate in candidates) or first.get("control", "none") != "none":
        raise ValueError("only candidates without control that differ in their seed alone are trained together")
    if not can_be_stacked(name for name, _ in first["components"]):
        raise ValueError(f"recipe '{first['recipe']}' has a component that cannot be stacked")
    use_processor(threads)
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    dataset = Dataset.open(dataset_dir, fold=first["fold"])
    runs = [CandidateRun(candidate, dataset, Path(out)) for candidate, out in zip(candidates, out_dirs, strict=True)]
    check_stacking(runs[0].settings)
    with warnings.catch_warnings():
        # Advice on loggers, worker processes and existing folders, of the trainer that finds the device.
        warnings.filterwarnings("ignore", module="pytorch_lightning|lightning_fabric")
        device, writes = runs[0].device()
    models = []
    runs[0].warn_of_edges()
    for run in runs:
        model, reason = run.prepared()
        if reason is not None:
            raise RecipeError(reason)
        run.begin(model)
        models.append(model.to(device))
    diverged: dict[int, TrainingDivergedError] = {}
    for index in range(len(runs[0].stages)):
        places = [place for place in range(len(runs)) if place not in diverged]
        if index > 0:
            for place in places:
                checkpoint = read_checkpoint(best_path(runs[place].folder, index - 1))
                models[place].load_state_dict(model_weights(checkpoint))
        if places:
            members = [_Member.of(runs[place], models[place], index, device) for place in places]
            found = _StageFit(members, device).fit()
            diverged |= {place: found[run] for place, run in enumerate(runs) if run in found}
    results = []
    for place, (run, model) in enumerate(zip(runs, models, strict=True)):
        reason = run.conclude(model, diverged.get(place))
        results.append(write_candidate(run, model, reason=reason, device=device, writes=writes))
    return results


def _but_seed(candidate: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in candidate.items() if key not in ("id", "seed")}


@dataclasses.dataclass
class _Position:
    """Where training is: what a module and its data ask their trainer for."""

    num_training_batches: int = 0
    current_epoch: int = 0
    global_step: int = 0
    global_rank: int = 0
    world_size: int = 1
    is_global_zero: bool = True
    optimizers: list[torch.optim.Optimizer] = dataclasses.field(default_factory=list)


class _Member(CandidateModule):
    """A seed's module, driven by `_StageFit` in place of Lightning's trainer.

    Its optimizer makes no step: it holds the settings and the learning rate that the schedules change.
    """

    @classmethod
    def of(cls, run: CandidateRun, model: nn.Module, index: int, device: torch.device) -> _Member:
        """Return the module of a run's stage with its batches, at the start."""
        member = run.module(model, index, cls).to(device)
        data = run.data(member)
        member.run = run
        member.trainer = data.trainer = position = _Position()
        member.train_batches, member.valid_batches = data.train_dataloader(), data.val_dataloader()
        position.num_training_batches = len(member.train_batches)
        position.optimizers = [member.configure_optimizers()]
        member.best = -math.inf
        member.waited, member.patience_is_out = 0, False
        return member

    @property
    def learning_rate(self) -> float:
        return self.trainer.optimizers[0].param_groups[0]["lr"]

    def log(self, *_: Any, **__: Any) -> None:
        """Take no note for callbacks: `judge` does what they would."""

    def start_epoch(self) -> torch.Generator:
        """Begin an epoch; return the generator of its dropout masks."""
        self.on_train_epoch_start()
        masks = torch.Generator(device=self.device)
        if self.device.type == "cpu":
            # The state of torch's global generator, which a run of its own draws from.
            masks.set_state(torch.get_rng_state())
        else:
            masks.manual_seed(torch.initial_seed())
        self.batches = iter(self.train_batches)
        return masks

    def judge(self) -> bool:
        """Keep the weights if the epoch's monitor is the best so far; return whether the stage is over.

        The rules are those of Lightning's ModelCheckpoint and EarlyStopping, with the monitor in their precision.
        """
        value = float(torch.tensor(self.valid[self.monitor], dtype=torch.get_default_dtype()))
        value = -value if self.mode == "min" else value
        epoch = self.current_epoch
        if value > self.best or epoch == 0:
            weights = {f"model.{name}": part.detach().cpu().clone() for name, part in self.model.state_dict().items()}
            path = best_path(self.run.folder, self.stage_index)
            with atomic_path(path) as temporary:
                torch.save({"state_dict": weights, "epoch": epoch}, temporary)
        if value > self.best:
            self.best, self.waited = value, 0
        else:
            self.waited += 1
            self.patience_is_out |= self.waited >= self.settings["patience"]
        self.trainer.current_epoch += 1
        epochs = self.current_epoch
        return epochs >= self.stage.max_epochs or (self.patience_is_out and epochs >= self.stage.min_epochs)


class _StageFit:
    """One stage of all seeds in lockstep; seeds that are done or failed leave the stack."""

    def __init__(self, members: Sequence[_Member], device: torch.device) -> None:
        self.members, self.device = list(members), device
        self.stack = Stack([member.model for member in members])
        self.adam = StackedAdam(self.stack, members[0].trainer.optimizers[0].param_groups[0])
        self.training_loss, self.clip = members[0].training_loss, members[0].settings["gradient_clip"]
        self.diverged: dict[CandidateRun, TrainingDivergedError] = {}

    def fit(self) -> dict[CandidateRun, TrainingDivergedError]:
        """Train; return which runs failed, and how."""
        while self.members:
            started, sharing = time.perf_counter(), len(self.members)
            self._train()
            if self.members:
                self._validate()
            seconds = (time.perf_counter() - started) / sharing
            over = []
            for member in self.members:
                member.started = time.perf_counter() - seconds
                member.on_train_epoch_end()
                member.run.history = member.history
                if member.judge():
                    over.append(member)
            self._leave(over)
        return self.diverged

    def _train(self) -> None:
        """Make the steps of one epoch."""
        self.stack.generators = [member.start_epoch() for member in self.members]
        self.loss_sums = torch.stack([member.loss_sum for member in self.members])
        self.bad_steps = torch.stack([member.bad_step for member in self.members])
        n_rows = 0
        for step in range(self.members[0].trainer.num_training_batches):
            parts = [self._augmented(member, step) for member in self.members]
            x = torch.stack([part[0] for part in parts])
            batch = {key: torch.stack([part[1][key] for part in parts]) for key in parts[0][1]}
            losses = self.stack.losses(x, batch, self.training_loss)
            losses.sum().backward()
            if self.clip:
                self.stack.clip_gradients(self.clip)
            self.adam.step([member.learning_rate for member in self.members])
            losses = losses.detach()
            bad = ~torch.isfinite(losses) & (self.bad_steps < 0)
            self.bad_steps = torch.where(bad, step, self.bad_steps)
            self.loss_sums += losses * x.shape[1]
            n_rows += x.shape[1]
            for member in self.members:
                member.trainer.global_step += 1
            if step % CHECK_EVERY == 0:
                self._check()
                if not self.members:
                    return
        self._check()
        for member, loss_sum in zip(self.members, self.loss_sums, strict=True):
            member.loss_sum, member.n_rows = loss_sum, n_rows

    def _augmented(self, member: _Member, step: int) -> tuple[Tensor, Batch]:
        batch = {key: value.to(self.device) for key, value in next(member.batches).items()}
        member.on_train_batch_start(batch, step)
        return member.augmented(batch, step)[:2]

    def _validate(self) -> None:
        """Predict the validation rows, which are the same for all, and score each seed."""
        for member in self.members:
            member.on_validation_epoch_start()
        for batch in self.members[0].valid_batches:
            batch = {key: value.to(self.device) for key, value in batch.items()}
            x = one_hot(batch["codes"]).to(self.members[0].dtype)
            predictions = self.stack.predict(x, batch.get("control"))
            for place, member in enumerate(self.members):
                own = (
                    tuple(part[place] for part in predictions) if isinstance(predictions, tuple) else predictions[place]
                )
                member.collector.add(own, batch)
        self._try(lambda member: member.on_validation_epoch_end())

    def _check(self) -> None:
        """Let the seeds leave whose loss was not finite."""
        for member, bad_step in zip(self.members, self.bad_steps, strict=True):
            member.bad_step = bad_step
        self._try(lambda member: member.stop_if_diverged())

    def _try(self, action: Any) -> None:
        failed = []
        for member in self.members:
            try:
                action(member)
            except TrainingDivergedError as error:
                self.diverged[member.run] = error
                failed.append(member)
        self._leave(failed)

    def _leave(self, leaving: Sequence[_Member]) -> None:
        if not leaving:
            return
        places = [place for place, member in enumerate(self.members) if member not in leaving]
        self.members = [self.members[place] for place in places]
        self.stack.keep(places)
        self.adam.keep(places)
        self.loss_sums, self.bad_steps = self.loss_sums[places], self.bad_steps[places]
