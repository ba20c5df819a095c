"""Sharpness-aware minimisation."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning import Callback
from torch import Tensor, nn

from lucidna.training.recipes.base import Component, RecipeError, Stage


class SAM(Component):
    """Sharpness-aware minimisation (Foret et al., ICLR 2021, arXiv:2010.01412).

    Each step goes uphill by ``e = rho g / ||g||`` with the gradient g of all weights at w, takes the gradient at w + e,
    and lets the optimizer step from w with it. Both passes are over the same batch with the same draws: augmentations,
    noise and dropout masks are those of the first pass, so that the two gradients are of one function. Running
    statistics of batch normalisation are updated in the first pass only, and only its loss is logged. With
    `trainer.gradient_clip` each pass's gradient is clipped: that of the first changes nothing, since it is
    normalised. Weight decay enters at the optimizer's step, not in e.

    Defaults: rho 0.05. Costs two forward and two backward passes per step. It hurts with a large rho in networks
    without batch normalisation, and where compute is what limits training: there are half as many steps. It does not
    go with `trainer.precision: 16-mixed`, where Lightning gives the optimizer no closure.
    """

    name = "sam"

    def wrap_optimizer(self, optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
        """Put the two passes before the optimizer's step."""
        self.optimizer = SharpnessAware(optimizer, rho=self.arguments["rho"])
        return self.optimizer

    def callbacks(self, stage: Stage) -> list[Callback]:
        """Return the callback that tells the optimizer whose draws it repeats."""
        return [_Attach(self)]


class SharpnessAware(torch.optim.Optimizer):
    """An optimizer whose gradient is taken at the worst point nearby.

    Parameters
    ----------
    base : torch.optim.Optimizer
        Makes the steps; its groups and its state are shared.
    rho : float
        Distance of the point.

    Attributes
    ----------
    module : CandidateModule or None
        Whose draws and statistics the second pass must not move; None outside of a training.
    """

    def __init__(self, base: torch.optim.Optimizer, *, rho: float) -> None:
        super().__init__(base.param_groups, base.defaults)
        self.base, self.rho = base, rho
        self.module: Any = None
        self._share()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make one step; the closure computes loss and gradients, and is called twice.

        Returns
        -------
        Any
            What the first call returned.
        """
        if closure is None:
            raise RecipeError(
                "recipe component 'sam' needs two passes in each step, which grid.trainer.precision '16-mixed' does "
                "not give it: use bf16-mixed or 32-true"
            )
        draws = _draws(self.module)
        loss = closure()
        weights = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        with torch.no_grad():
            kept = [weight.clone() for weight in weights]
            gradients = [weight.grad for weight in weights]
            scale = self.rho / (torch.nn.utils.get_total_norm(gradients) + 1e-12)
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.addcmul_(gradient, scale.to(gradient))
        with _second_pass(self.module, draws):
            closure()
        with torch.no_grad():
            for weight, value in zip(weights, kept, strict=True):
                weight.copy_(value)
        self.base.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Return the base optimizer's."""
        return self.base.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the base optimizer's."""
        self.base.load_state_dict(state_dict)
        self._share()

    def _share(self) -> None:
        self.param_groups, self.state = self.base.param_groups, self.base.state


class _Attach(Callback):
    def __init__(self, component: SAM) -> None:
        self.component = component

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self.component.optimizer.module = pl_module


def _draws(module: Any) -> list[Tensor]:
    """Return the states of all generators that a training step draws from."""
    if module is None:
        return []
    states = [module.generator.get_state(), torch.get_rng_state()]
    if module.device.type == "cuda":
        states.append(torch.cuda.get_rng_state(module.device))
    return states


@contextlib.contextmanager
def _second_pass(module: Any, draws: list[Tensor]) -> Iterator[None]:
    """Repeat the draws of a step; no running statistics are updated, and the loss is not counted."""
    if module is None:
        yield
        return
    module.generator.set_state(draws[0])
    torch.set_rng_state(draws[1])
    if len(draws) > 2:
        torch.cuda.set_rng_state(draws[2], module.device)
    norms = [m for m in module.model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    tracking = [norm.track_running_stats for norm in norms]
    module.repeating = True
    try:
        for norm in norms:
            # In training mode the statistics of the batch are used all the same.
            norm.track_running_stats = False
        yield
    finally:
        module.repeating = False
        for norm, value in zip(norms, tracking, strict=True):
            norm.track_running_stats = value
