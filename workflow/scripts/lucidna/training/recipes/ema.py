"""Exponential moving average of the weights."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning import Callback
from torch.optim.swa_utils import get_ema_multi_avg_fn

from lucidna.training.recipes.averaging import WeightAverage, averaged_names, start, state
from lucidna.training.recipes.base import Component, Stage


class EMA(Component):
    """Exponential moving average of the weights (Polyak and Juditsky, SIAM J Control Optim 30:838, 1992).

    After step t = 1, 2, ... of a stage ``a = d_t a + (1 - d_t) w`` from a = the weights before the first step, with
    ``d_t = decay``, or ``min(decay, (1 + t) / (10 + t))`` with `warm_up` (the form of TensorFlow's
    ExponentialMovingAverage), which forgets the fresh weights sooner. Means and variances of batch normalisation
    are averaged in the same way; other buffers are taken as they are. Validation, the monitor, the checkpoints and the
    saved network are the average's. Each stage starts a new average at the weights that it starts from.

    Defaults: decay 0.999, an average over about the last 1,000 steps, with warm-up. Costs one pass over the weights
    per step, nothing per sequence, and a second copy of the weights in memory and in checkpoints. It hurts in short
    trainings: with fewer than a few thousand steps 0.999 lags behind; take 0.99 there.
    """

    name = "ema"

    def callbacks(self, stage: Stage) -> list[Callback]:
        """Return the callback that keeps the average."""
        return [_EMA(decay=self.arguments["decay"], warm_up=self.arguments["warm_up"])]


class _EMA(WeightAverage):
    def __init__(self, *, decay: float, warm_up: bool) -> None:
        super().__init__()
        self.decay, self.warm_up = decay, warm_up

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        super().on_train_start(trainer, pl_module)
        model = pl_module.model
        if self.average is None:
            self.average = start(model)
        names = averaged_names(model, batch_norm=True)
        # The optimizer and batch normalisation change these in place.
        values = state(model)
        self.averages = [self.average[name] for name in names]
        self.values = [values[name] for name in names]
        self.taken = sorted(set(values) - set(names))

    @torch.no_grad()
    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        step = trainer.global_step
        decay = min(self.decay, (1 + step) / (10 + step)) if self.warm_up else self.decay
        get_ema_multi_avg_fn(decay)(self.averages, [value.float() for value in self.values], step)

    def before_validation(self, trainer: pl.Trainer, pl_module: Any) -> None:
        values = state(pl_module.model)
        for name in self.taken:
            self.average[name].copy_(values[name])
