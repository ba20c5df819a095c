"""Stochastic weight averaging: the mean of the weights of the last epochs."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning import Callback
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor, nn
from torch.optim.swa_utils import get_swa_multi_avg_fn, update_bn

from lucidna.sequence import one_hot
from lucidna.training.recipes.averaging import WeightAverage, averaged_names, start, state
from lucidna.training.recipes.base import Batch, Component, Stage


class SWA(Component):
    """Stochastic weight averaging (Izmailov et al., UAI 2018, arXiv:1803.05407), with torch's `swa_utils`.

    From epoch ``floor(start * max_epochs)`` of a stage on, at the latest in its last, the learning rate is
    ``learning_rate_factor`` times the stage's, reached at once or in a straight line over `anneal_epochs`, whatever
    the trainer's schedule; the average is ``a = (w_1 + ... + w_k) / k`` of the weights at the ends of these epochs.
    Batch normalisation does not fit averaged weights: its statistics are computed anew from training batches as they
    are (own strand, no augmentation, dropout as in training) each time the average changes.

    Validation, the monitor, the checkpoints and the saved network are the average's once it exists: the saved network
    is always an average, the one of the averaging epoch with the best monitor. All epochs are run: early stopping
    would end training before the average. Each stage averages its own epochs.

    Defaults: start 0.75, half of the stage's rate at once, 100 batches for the statistics. Costs nothing per step, and
    per averaging epoch forward passes of up to `batch_norm_batches` batches, none without batch normalisation; a second
    copy of the weights in memory and in checkpoints; and the epochs that early stopping would have saved. It hurts
    where the weights still move far in the averaged epochs: then raise `max_epochs` or `start`.
    """

    name = "swa"

    def stages(self, stages: list[Stage]) -> list[Stage]:
        """Run every stage to its last epoch."""
        return [dataclasses.replace(stage, min_epochs=stage.max_epochs) for stage in stages]

    def callbacks(self, stage: Stage) -> list[Callback]:
        """Return the callback that keeps the average and sets the rate."""
        return [_SWA(stage=stage, **self.arguments)]


class _SWA(WeightAverage):
    def __init__(
        self,
        *,
        stage: Stage,
        start: float,
        learning_rate_factor: float,
        anneal_epochs: int,
        batch_norm_batches: int | None,
    ) -> None:
        super().__init__()
        self.first_epoch = min(int(start * stage.max_epochs), stage.max_epochs - 1)
        self.rate = learning_rate_factor * stage.learning_rate
        self.anneal_epochs, self.batches = anneal_epochs, batch_norm_batches
        self.n_averaged = 0
        self.rate_before: float | None = None

    def state_dict(self) -> dict[str, Any]:
        return {"n_averaged": self.n_averaged, "rate_before": self.rate_before}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.n_averaged, self.rate_before = state_dict["n_averaged"], state_dict["rate_before"]

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if trainer.current_epoch != self.first_epoch:
            return
        self.rate_before = float(trainer.optimizers[0].param_groups[0]["lr"])
        for callback in trainer.checkpoint_callbacks:
            if isinstance(callback, ModelCheckpoint) and callback.monitor is not None:
                # A better epoch before the average must not keep the average from being saved.
                callback.best_k_models.clear()
                callback.kth_best_model_path = callback.best_model_path = ""
                callback.best_model_score = None

    def on_before_optimizer_step(self, trainer: pl.Trainer, pl_module: Any, optimizer: torch.optim.Optimizer) -> None:
        # Here, and not at the start of the batch, where the trainer's schedule sets its own.
        since = trainer.current_epoch - self.first_epoch
        if since >= 0:
            passed = min(1.0, (since + 1) / (self.anneal_epochs + 1))
            for group in trainer.optimizers[0].param_groups:
                group["lr"] = self.rate_before + (self.rate - self.rate_before) * passed

    def before_validation(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if trainer.current_epoch < self.first_epoch:
            return
        model = pl_module.model
        if self.average is None:
            self.average = start(model)
        else:
            values, names = state(model), averaged_names(model, batch_norm=False)
            averages = [self.average[name] for name in names]
            get_swa_multi_avg_fn()(averages, [values[name].float() for name in names], self.n_averaged)
            for name in set(values) - set(names):
                self.average[name].copy_(values[name])
        self.n_averaged += 1

    def after_exchange(self, trainer: pl.Trainer, pl_module: Any) -> None:
        network = _FromBatch(pl_module.model, dtype=pl_module.dtype).train(pl_module.model.training)
        update_bn(self._batches(trainer, pl_module), network)
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            # Each process has read batches of its own; all must validate the same network.
            for name, value in pl_module.model.named_buffers():
                if "running_" in name:
                    torch.distributed.broadcast(value, src=0)

    def _batches(self, trainer: pl.Trainer, pl_module: Any) -> Iterator[Batch]:
        for batch in itertools.islice(iter(trainer.train_dataloader), self.batches):
            yield {key: value.to(pl_module.device) for key, value in batch.items()}


class _FromBatch(nn.Module):
    """A network that reads the sequences of a batch as they are."""

    def __init__(self, model: nn.Module, *, dtype: torch.dtype) -> None:
        super().__init__()
        self.model, self.dtype = model, dtype

    def forward(self, batch: Batch) -> Tensor | tuple[Tensor, Tensor]:
        return self.model(one_hot(batch["codes"]).to(self.dtype), batch.get("control"))
