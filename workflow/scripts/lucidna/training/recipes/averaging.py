"""What components that average the weights over training share."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning import Callback
from torch import Tensor, nn

from lucidna.training.names import AVERAGE
from lucidna.training.recipes.spectral_norm import set_exact


class WeightAverage(Callback):
    """Keeps an average of a network's state and puts it in place for validation.

    What is validated is the average, once there is one, and so the checkpoint with the best monitor holds the best
    average. Training goes on with the weights themselves; a checkpoint holds both, as plain tensors. Averages are
    float32 whatever the precision of training, in which small steps would be lost.

    Attributes
    ----------
    average : dict of str to Tensor, or None
        By the names of the network's `state_dict`; None before the first.
    """

    def __init__(self) -> None:
        self.average: dict[str, Tensor] | None = None
        self._kept: dict[str, Tensor] | None = None

    def before_validation(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Change the average, while the network holds the weights of training."""

    def after_exchange(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Change the network's buffers, while it holds the average; they are kept with it."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Have an average that was read from a checkpoint where the network is."""
        if self.average is not None:
            self.average = {name: value.to(pl_module.device) for name, value in self.average.items()}

    def on_validation_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Put the average in place."""
        # Validation makes inference tensors, which could not be changed afterwards.
        with torch.inference_mode(False), torch.no_grad():
            # Here and not after validation, which sees the average: training goes on as it would without an average.
            set_exact(pl_module.model)
            self.before_validation(trainer, pl_module)
            if self.average is None:
                return
            self._kept = {name: value.clone() for name, value in state(pl_module.model).items()}
            load(pl_module.model, self.average)
            set_exact(pl_module.model)
            self.after_exchange(trainer, pl_module)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Go back to the weights of training; the average takes the buffers with which it was validated."""
        if self._kept is None:
            return
        with torch.inference_mode(False), torch.no_grad():
            for name, value in pl_module.model.named_buffers():
                if name in self.average:
                    self.average[name].copy_(value)
            load(pl_module.model, self._kept)
        self._kept = None

    def on_save_checkpoint(self, trainer: pl.Trainer, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Add the average."""
        if self.average is not None:
            checkpoint[AVERAGE] = self.average

    def on_load_checkpoint(self, trainer: pl.Trainer, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Take the average up."""
        if AVERAGE in checkpoint:
            self.average = dict(checkpoint[AVERAGE])


def state(model: nn.Module) -> dict[str, Tensor]:
    """Return the network's weights and buffers themselves, not copies."""
    return {name: value.detach() for name, value in model.state_dict(keep_vars=True).items()}


def start(model: nn.Module) -> dict[str, Tensor]:
    """Return a copy of the network's state, numbers as float32."""
    return {
        name: value.to(torch.float32, copy=True) if value.is_floating_point() else value.clone()
        for name, value in state(model).items()
    }


@torch.no_grad()
def load(model: nn.Module, values: dict[str, Tensor]) -> None:
    """Copy values into the network's state, in place: the optimizer holds the same tensors."""
    for name, value in state(model).items():
        value.copy_(values[name])


def averaged_names(model: nn.Module, *, batch_norm: bool) -> list[str]:
    """Return the names in the state that are averaged: the weights, and the running statistics if asked for."""
    names = [name for name, _ in model.named_parameters()]
    if batch_norm:
        for prefix, module in model.named_modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats:
                names += [f"{prefix}.{key}" if prefix else key for key in ("running_mean", "running_var")]
    return names
