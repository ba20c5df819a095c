"""Dropout whose rate changes over training."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning import Callback
from torch import nn

from lucidna.training.recipes.base import Component, RecipeError, Stage


class DropoutSchedule(Component):
    """Dropout rates as a function of training time, the same multiple of every layer's full rate.

    With t the share of training that has passed, from 0 in its first epoch (or step) to 1 in its last, the multiple is

    - up: ``low + (1 - low) min(1, t / share)``, curriculum dropout (Morerio et al., ICCV 2017, there with an
      exponential instead of a straight line);
    - down: ``1 - (1 - low) min(1, t / share)``, annealed dropout (Rennie et al., SLT 2014);
    - early: 1 while ``t < share``, then `low`; late: `low` while ``t < share``, then 1 (Liu et al., ICML 2023: early
      dropout against underfitting, late dropout against overfitting).

    So training ends at the full rate (up, late) or at `low` times it (down, early). Training is all stages together,
    each with its `max_epochs`: one that stops early leaves out what is left of its part. Evaluation has no dropout
    whatever the rate. The rate follows from stage, epoch and step alone, so an interrupted training goes on with the
    rate that it would have had.

    Defaults: up from zero over half of the epochs to the architecture's own rates. Costs nothing. It hurts where early
    stopping ends training long before `max_epochs`: the end of the schedule is then never reached; set `max_epochs` to
    what is needed. Shapes that end at a low rate give small data sets time to overfit.
    """

    name = "dropout_schedule"

    def model_arguments(self) -> dict[str, Any]:
        """Replace the dropout rates where one is given."""
        rate = self.arguments["rate"]
        return {} if rate is None else {"dropout": rate}

    def prepare(self, model: nn.Module) -> None:
        """Remember the full rate of every layer."""
        layers = dropout_layers(model)
        if not layers:
            raise RecipeError(
                "recipe component 'dropout_schedule': the network has no dropout layers: give the component a rate"
            )
        for layer in layers:
            layer.full_rate = layer.p

    def callbacks(self, stage: Stage) -> list[Callback]:
        """Return the callback that sets the rates."""
        return [_Schedule(self)]

    def finish(self, model: nn.Module) -> None:
        """Set the full rates, as the architecture builds them."""
        for layer in dropout_layers(model):
            layer.p = layer.full_rate

    def factor(self, time: float) -> float:
        """Return the multiple of the full rate at a share of training, 0 to 1."""
        shape, low, share = (self.arguments[key] for key in ("shape", "low", "share"))
        if shape in ("up", "down"):
            passed = min(1.0, time / share)
            return low + (1 - low) * (passed if shape == "up" else 1 - passed)
        return 1.0 if (time < share) == (shape == "early") else low


class _Schedule(Callback):
    def __init__(self, component: DropoutSchedule) -> None:
        self.component = component

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        per_step = self.component.arguments["per"] == "step"
        if batch_idx > 0 and not per_step:
            return
        count = trainer.num_training_batches if per_step else 1
        lengths = [stage.max_epochs for stage in pl_module.stages]
        epoch = sum(lengths[: pl_module.stage_index]) + trainer.current_epoch
        passed, last = epoch * count + (batch_idx if per_step else 0), sum(lengths) * count - 1
        factor = self.component.factor(passed / last if last else 1.0)
        for layer in dropout_layers(pl_module.model):
            layer.p = factor * layer.full_rate


def dropout_layers(model: nn.Module) -> list[nn.Dropout]:
    """Return the dropout layers of a network."""
    return [module for module in model.modules() if isinstance(module, nn.Dropout)]
