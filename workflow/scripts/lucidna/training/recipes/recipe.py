"""Components composed into one recipe with its stages."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from pytorch_lightning import Callback
from torch import Tensor, nn

from lucidna.training.recipes.base import Batch, Component, Examples, Stage, StepContext


class Recipe:
    """Components applied together, each in the order given.

    Parameters
    ----------
    components : sequence of Component
        With distinct names.
    """

    def __init__(self, components: Sequence[Component]) -> None:
        self.components = list(components)

    def active(self, stage: Stage) -> Recipe:
        """Return the recipe of those components that do not rest in `stage`."""
        return Recipe([part for part in self.components if part.name not in stage.inactive])

    def take(self, targets: Any, networks: Sequence[nn.Module]) -> None:
        """Hand every component what trained networks said of the data, and these networks."""
        for part in self.components:
            part.take(targets, networks)

    def obstacle(self) -> str | None:
        """Return the first reason why the candidate cannot be trained, or None."""
        return next((reason for part in self.components if (reason := part.obstacle())), None)

    def model_arguments(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the architecture's arguments with what the components replace; the last one wins."""
        merged = dict(arguments)
        for part in self.components:
            merged.update(part.model_arguments())
        return merged

    def optimizer_arguments(self) -> dict[str, Any]:
        """Return the arguments that the components give to the optimizer."""
        merged: dict[str, Any] = {}
        for part in self.components:
            merged.update(part.optimizer_arguments())
        return merged

    def prepare(self, model: nn.Module) -> None:
        """Let every component change the freshly built network."""
        for part in self.components:
            part.prepare(model)

    def initialise(self, model: nn.Module, examples: Examples) -> None:
        """Let every component change the fresh weights."""
        for part in self.components:
            part.initialise(model, examples)

    def training_loss(self, loss: Callable[[Any, Batch], Tensor]) -> Callable[[Any, Batch], Tensor]:
        """Return the loss of training batches, given the candidate's own."""
        for part in self.components:
            loss = part.training_loss(loss)
        return loss

    def jitter(self) -> bool:
        """Return whether any component shifts the training windows."""
        return any(part.jitter() for part in self.components)

    def signal_margin(self) -> int:
        """Return the largest margin of signal that a component wants."""
        return max((part.signal_margin() for part in self.components), default=0)

    def stages(self, *, max_epochs: int, min_epochs: int, learning_rate: float) -> list[Stage]:
        """Return the stages of training: one, unless a component adds more."""
        stages = [Stage("train", max_epochs, min_epochs, learning_rate)]
        for part in self.components:
            stages = part.stages(stages)
        return stages

    def augment_batch(self, batch: Batch, context: StepContext) -> Batch:
        """Apply every component to a batch of codes."""
        for part in self.components:
            batch = part.augment_batch(batch, context)
        return batch

    def augment_onehot(self, x: Tensor, batch: Batch, context: StepContext) -> tuple[Tensor, Batch]:
        """Apply every component to a batch of one-hot columns."""
        for part in self.components:
            x, batch = part.augment_onehot(x, batch, context)
        return x, batch

    @property
    def input_gradient(self) -> bool:
        """Whether any component differentiates the prediction with respect to the input."""
        return any(part.input_gradient for part in self.components)

    @contextlib.contextmanager
    def forward_context(self, context: StepContext) -> Iterator[None]:
        """Enter what every component puts around the network's call."""
        with contextlib.ExitStack() as stack:
            for part in self.components:
                stack.enter_context(part.forward_context(context))
            yield

    @property
    def adding_to_loss(self) -> list[str]:
        """Names of the components that add a term to the loss."""
        return [part.name for part in self.components if type(part).loss_terms is not Component.loss_terms]

    def loss_terms(self, x: Tensor, prediction: Any, batch: Batch, context: StepContext) -> list[Tensor]:
        """Return the terms that the components add to the loss."""
        terms = (part.loss_terms(x, prediction, batch, context) for part in self.components)
        return [term for term in terms if term is not None]

    def wrap_optimizer(self, optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
        """Let every component wrap the optimizer."""
        for part in self.components:
            optimizer = part.wrap_optimizer(optimizer)
        return optimizer

    def callbacks(self, stage: Stage) -> list[Callback]:
        """Return the callbacks of every component."""
        return [callback for part in self.components for callback in part.callbacks(stage)]

    def finish(self, model: nn.Module) -> None:
        """Let every component undo what `prepare` did, the last first."""
        for part in reversed(self.components):
            part.finish(model)
