"""One stage of a candidate's training as a Lightning module."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from lucidna.channels import strand_orders
from lucidna.sequence import one_hot
from lucidna.training.batches import BatchReader
from lucidna.training.evaluate import Collector
from lucidna.training.names import LOWER_IS_BETTER, STATE
from lucidna.training.recipes.base import Batch, Stage, StepContext
from lucidna.training.recipes.recipe import Recipe
from lucidna.training.seeds import derive_seed

log = logging.getLogger(__name__)

# Reading a loss waits for the accelerator: it is looked at this often, and the first bad step is remembered.
CHECK_EVERY = 50

# The share of a cosine schedule in which the learning rate rises from zero.
WARM_UP = 0.15


class TrainingDivergedError(RuntimeError):
    """The loss became NaN or infinite.

    Attributes
    ----------
    stage : str
        Name of the stage.
    epoch, step : int
        Epoch of the stage and step of the epoch, from 1.
    terms : sequence of str
        Components that added a term to the loss.
    """

    def __init__(self, stage: str, epoch: int, step: int, terms: Sequence[str] = ()) -> None:
        advice = ["lower trainer.learning_rate", "set trainer.gradient_clip"]
        if terms:
            advice.append(f"weaken or leave out what the recipe adds to the loss ({', '.join(terms)})")
        else:
            advice.append("leave out this recipe")
        super().__init__(
            f"the loss became NaN or infinite in stage '{stage}', epoch {epoch}, step {step}: "
            f"{', '.join(advice[:-1])}, or {advice[-1]}"
        )
        self.stage, self.epoch, self.step = stage, epoch, step


class CandidateModule(pl.LightningModule):
    """A network with the loss, the active components and the learning rate of one stage.

    What goes on after an interruption (history, plateau) is kept in Lightning's checkpoint under `STATE`.

    Parameters
    ----------
    model : nn.Module
        Made by `lucidna.models.build`.
    reader : BatchReader
        Of the dataset; gives the target and the strands of its channels.
    loss : callable
        (prediction, batch) -> scalar, as made by `lucidna.training.losses.make_loss`.
    recipe : Recipe
        The whole recipe; components that rest in this stage are left out here.
    stages : list of Stage
        All stages of training.
    stage_index : int
        Which of them this module runs.
    settings : dict
        Of `lucidna.training.names.resolve_trainer`.
    seed : int
        The candidate's.
    label : str
        Starts the lines of the log.
    fingerprint : str
        Written into checkpoints: what else they must not be resumed with.
    history : list of dict
        The epochs of earlier stages; those of this stage are appended.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        reader: BatchReader,
        loss: Callable[[Any, dict[str, Tensor]], Tensor],
        recipe: Recipe,
        stages: list[Stage],
        stage_index: int,
        settings: dict[str, Any],
        seed: int,
        label: str = "",
        fingerprint: str = "",
        history: list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__()
        self.model, self.reader, self.loss = model, reader, loss
        self.stages, self.stage_index = stages, stage_index
        self.stage = stages[stage_index]
        self.recipe = recipe.active(self.stage)
        self.training_loss = self.recipe.training_loss(loss)
        self.settings, self.seed, self.label, self.fingerprint = settings, seed, label, fingerprint
        self.signal_margin = reader.usable_margin(self.recipe.signal_margin())
        self.monitor = settings["monitor"]
        self.history = list(history or [])
        self.earlier = (len(self.history), self.history[-1]["step"] if self.history else 0)
        signals, controls = strand_orders(reader.dataset)
        self.register_buffer("signal_order", torch.tensor(signals), persistent=False)
        self.register_buffer("control_order", torch.tensor(controls, dtype=torch.long), persistent=False)
        ran = Counter(row["stage"] for row in self.history)
        self.earlier_stages = [(stage, ran[stage.name]) for stage in stages[:stage_index]]
        self.plateau_state: dict[str, Any] | None = None
        # Whether the step is a second pass over a batch whose loss has been counted.
        self.repeating = False

    @property
    def mode(self) -> str:
        """Whether a better monitor is a larger ("max") or a smaller ("min") one."""
        return "min" if self.monitor in LOWER_IS_BETTER else "max"

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimizer of the stage; the plateau schedule is stepped by `on_train_epoch_end`."""
        classes = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
        # AdamW decays by 0.01 unless told otherwise; the recipe alone decides here.
        arguments = {"weight_decay": 0.0, **self.recipe.optimizer_arguments()}
        if self.device.type == "cpu":
            # One pass over each weight; on the CPU torch's default takes a pass per arithmetic operation, and
            # differs in the last bits.
            arguments["fused"] = True
        optimizer = classes[self.settings["optimizer"]](
            self.model.parameters(), lr=self.stage.learning_rate, **arguments
        )
        optimizer = self.recipe.wrap_optimizer(optimizer)
        self.plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer,
            mode=self.mode,
            factor=self.settings["plateau_factor"],
            patience=self.settings["plateau_patience"],
            min_lr=1e-7,
        )
        return optimizer

    def configure_callbacks(self) -> list[pl.Callback]:
        """Return the callbacks of the stage's components."""
        return self.recipe.callbacks(self.stage)

    def on_train_start(self) -> None:
        """Take up the plateau schedule of an interrupted run."""
        if self.plateau_state is not None:
            self.plateau.load_state_dict(self.plateau_state)

    def on_train_epoch_start(self) -> None:
        """Reseed, so that an epoch does not depend on how training got to it."""
        when = (self.stage_index, self.current_epoch, self.global_rank)
        torch.manual_seed(derive_seed(self.seed, "dropout", *when))
        self.generator = torch.Generator(device=self.device)
        self.generator.manual_seed(derive_seed(self.seed, "augment", *when))
        self.started = time.perf_counter()
        self.loss_sum = torch.zeros((), dtype=torch.float64, device=self.device)
        self.n_rows = 0
        self.bad_step = torch.full((), -1, device=self.device)

    def on_train_batch_start(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """Set the learning rate of the cosine schedule; it depends on the step alone, so it resumes by itself."""
        if self.settings["schedule"] == "cosine":
            per_epoch = self.trainer.num_training_batches
            share = (self.current_epoch * per_epoch + batch_idx + 1) / (self.stage.max_epochs * per_epoch)
            for group in self.trainer.optimizers[0].param_groups:
                group["lr"] = self.stage.learning_rate * cosine_factor(share)

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """Augment, predict and return the loss."""
        x, batch, context = self.augmented(batch, batch_idx)
        if self.recipe.input_gradient:
            x = x.detach().requires_grad_()
        with self.recipe.forward_context(context):
            prediction = self.model(x, batch.get("control"))
        loss = self.training_loss(prediction, batch)
        for term in self.recipe.loss_terms(x, prediction, batch, context):
            loss = loss + term
        with torch.no_grad():
            bad = ~torch.isfinite(loss) & (self.bad_step < 0)
            self.bad_step = torch.where(bad, batch_idx, self.bad_step)
            if not self.repeating:
                self.loss_sum += loss.detach() * len(x)
                self.n_rows += len(x)
        if batch_idx % CHECK_EVERY == 0:
            self.stop_if_diverged()
        return loss

    def augmented(self, batch: Batch, batch_idx: int) -> tuple[Tensor, Batch, StepContext]:
        """Return the one-hot input (n, 4, L) and the batch as the recipe changes them, and the step's context."""
        context = StepContext(
            model=self.model,
            loss=self.training_loss,
            generator=self.generator,
            epoch=self.current_epoch,
            step=batch_idx,
            signal_order=self.signal_order,
            control_order=self.control_order,
            channels=self.reader.channels,
            signal_margin=self.signal_margin,
            earlier=self.earlier_stages,
        )
        batch = self.recipe.augment_batch(batch, context)
        x, batch = self.recipe.augment_onehot(one_hot(batch["codes"]).to(self.dtype), batch, context)
        return x, batch, context

    def stop_if_diverged(self) -> None:
        """Raise TrainingDivergedError when a step of the epoch had a loss that is not finite."""
        step = int(self.bad_step)
        if step >= 0:
            raise self._diverged(step + 1)

    def on_validation_epoch_start(self) -> None:
        """Stop before validation when the epoch's loss is not finite."""
        self.stop_if_diverged()
        self.collector = Collector(self.reader, self.loss)

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """Predict a validation batch as it is."""
        prediction = self.model(one_hot(batch["codes"]).to(self.dtype), batch.get("control"))
        self.collector.add(prediction, batch)

    def on_validation_epoch_end(self) -> None:
        """Score the validation rows and hand the monitor to the callbacks."""
        self.valid = self.collector.metrics()
        self.valid.pop("per_task")
        del self.collector
        if not math.isfinite(self.valid["loss"]):
            raise self._diverged(self.trainer.num_training_batches)
        self.log(f"valid_{self.monitor}", self.valid[self.monitor])

    def on_train_epoch_end(self) -> None:
        """Record the epoch, lower the learning rate on a plateau, and report."""
        n_epochs, n_steps = self.earlier
        row = {
            "stage": self.stage.name,
            "epoch": n_epochs + self.current_epoch + 1,
            "step": n_steps + self.global_step,
            "train_loss": float(self.loss_sum) / self.n_rows,
            **{f"valid_{name}": value for name, value in self.valid.items()},
            "seconds": round(time.perf_counter() - self.started, 3),
            "learning_rate": self.trainer.optimizers[0].param_groups[0]["lr"],
        }
        self.history.append(row)
        if self.settings["schedule"] == "plateau":
            self.plateau.step(self.valid[self.monitor])
        if not self.trainer.is_global_zero:
            return
        log.info(
            "%s  %sepoch %d/%d  train %.4g  valid %s %.4g  %.1f s",
            self.label,
            f"{self.stage.name}  " if len(self.stages) > 1 else "",
            self.current_epoch + 1,
            self.stage.max_epochs,
            row["train_loss"],
            self.monitor,
            self.valid[self.monitor],
            row["seconds"],
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what is needed to go on; plain values only, so that it loads without pickle."""
        epochs = self.current_epoch + 1
        stopped = self.trainer.should_stop and epochs >= self.stage.min_epochs
        checkpoint[STATE] = {
            "fingerprint": self.fingerprint,
            "stage": self.stage_index,
            "done": stopped or epochs >= self.stage.max_epochs,
            "history": self.history,
            "plateau": self.plateau.state_dict(),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up the history and the plateau schedule."""
        self.history = list(checkpoint[STATE]["history"])
        self.plateau_state = checkpoint[STATE]["plateau"]

    def _diverged(self, step: int) -> TrainingDivergedError:
        return TrainingDivergedError(self.stage.name, self.current_epoch + 1, step, self.recipe.adding_to_loss)


def cosine_factor(share: float) -> float:
    """Return the learning rate at a share of training (0 to 1) as a share of the largest.

    It rises in a straight line over the first `WARM_UP` and falls to zero along half a cosine.
    """
    if share < WARM_UP:
        return share / WARM_UP
    return (1 + math.cos(math.pi * (share - WARM_UP) / (1 - WARM_UP))) / 2
