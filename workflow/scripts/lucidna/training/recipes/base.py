"""What a recipe is made of: components with a few hooks, and what the hooks are given.

A batch is a dictionary of tensors on the model's device: `row` int64 (n,), `codes` uint8 (n, L), `target`
float32 (n, T), and, where the dataset has them, `signal` float32 (n, C, L_out) and `control` float32
(n, K, L_out). A hook returns a new dictionary and leaves the one it was given as it is.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from pytorch_lightning import Callback
from torch import Tensor, nn

from lucidna.errors import UserError
from lucidna.sequence import reverse_complement

Batch = dict[str, Tensor]


class RecipeError(UserError):
    """What a recipe asks for cannot be done with this network: its candidate fails, the others go on."""


@dataclasses.dataclass(frozen=True)
class Stage:
    """One fit: its name, length and learning rate, and the components that rest in it."""

    name: str
    max_epochs: int
    min_epochs: int
    learning_rate: float
    inactive: frozenset[str] = frozenset()


@dataclasses.dataclass
class StepContext:
    """What a hook may use besides the batch.

    Attributes
    ----------
    model : nn.Module
        The network in training mode.
    loss : callable
        (prediction, batch) -> scalar tensor, the loss of training batches without the components' terms.
    generator : torch.Generator
        On the model's device; seeded by the candidate's seed, the stage and the epoch.
    epoch, step : int
        Within the stage, from 0.
    earlier : sequence of (Stage, int)
        The stages before this one, and the epochs that each of them ran.
    signal_order, control_order : Tensor
        int64 (C,) and (K,): the rows of the other strand's signals and controls.
    channels : sequence of sequence of int
        For each task, its rows among C.
    signal_margin : int
        Bases by which signals and controls are wider than the output window on each side, as
        `Recipe.signal_margin` asked for; a component that asks for a margin cuts it off.
    cache : dict
        What components share within a step, such as the gradient with respect to the input.
    """

    model: nn.Module
    loss: Callable[[Any, Batch], Tensor]
    generator: torch.Generator
    epoch: int
    step: int
    signal_order: Tensor
    control_order: Tensor
    channels: Sequence[Sequence[int]] = ()
    signal_margin: int = 0
    cache: dict[Any, Any] = dataclasses.field(default_factory=dict)
    earlier: Sequence[tuple[Stage, int]] = ()

    def active_epoch(self, name: str) -> int:
        """Return how many epochs a component has been active in before this one, over all stages."""
        return self.epoch + sum(epochs for stage, epochs in self.earlier if name not in stage.inactive)


@dataclasses.dataclass(frozen=True)
class Examples:
    """Training rows for what looks at the data before the first step, read when asked for.

    Attributes
    ----------
    rows : numpy.ndarray
        int64 (N,), sorted.
    read : callable
        Rows -> batch of CPU tensors, unshifted, with the targets that training sees.
    """

    rows: np.ndarray
    read: Callable[[np.ndarray], Batch]


class Component:
    """One strategy of a recipe. The hooks do nothing here; a component overrides those that it needs.

    Parameters
    ----------
    **arguments
        Complete: every key of the component's entry in `lucidna.training.recipes.names.COMPONENTS`.

    Attributes
    ----------
    name : str
        As in the config.
    input_gradient : bool
        Whether `loss_terms` differentiates the prediction with respect to the input.
    """

    name = ""
    input_gradient = False

    def __init__(self, **arguments: Any) -> None:
        self.arguments = arguments

    def take(self, targets: Any, networks: Sequence[nn.Module]) -> None:
        """Take what trained networks said of the data (`lucidna.training.distillation`), and these networks."""

    def obstacle(self) -> str | None:
        """Return why the candidate cannot be trained, or None."""
        return None

    def model_arguments(self) -> dict[str, Any]:
        """Return arguments of the architecture that this component replaces."""
        return {}

    def optimizer_arguments(self) -> dict[str, Any]:
        """Return arguments of the optimizer, such as `weight_decay`."""
        return {}

    def prepare(self, model: nn.Module) -> None:
        """Change, in place, what a freshly built network computes with, before any weights are loaded into it."""

    def initialise(self, model: nn.Module, examples: Examples) -> None:
        """Change, in place, the fresh weights of a network that is about to be trained."""

    def training_loss(self, loss: Callable[[Any, Batch], Tensor]) -> Callable[[Any, Batch], Tensor]:
        """Return the loss of training batches, given the candidate's own; validation keeps that."""
        return loss

    def jitter(self) -> bool:
        """Return whether training windows are shifted at random within the dataset's jitter."""
        return False

    def signal_margin(self) -> int:
        """Return how many bp of signal `augment_batch` wants on each side of the output window."""
        return 0

    def stages(self, stages: list[Stage]) -> list[Stage]:
        """Return the stages of training, given those so far."""
        return stages

    def augment_batch(self, batch: Batch, context: StepContext) -> Batch:
        """Change codes, signals or targets of a training batch."""
        return batch

    def augment_onehot(self, x: Tensor, batch: Batch, context: StepContext) -> tuple[Tensor, Batch]:
        """Change the one-hot input (n, 4, L) of a training batch, with its targets where these follow."""
        return x, batch

    def forward_context(self, context: StepContext) -> contextlib.AbstractContextManager:
        """Return what surrounds the network's call on a training batch, such as hooks on its layers."""
        return contextlib.nullcontext()

    def loss_terms(self, x: Tensor, prediction: Any, batch: Batch, context: StepContext) -> Tensor | None:
        """Return a scalar that is added to the loss of a training batch, or None."""
        return None

    def wrap_optimizer(self, optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
        """Return the optimizer that is used in place of the given one."""
        return optimizer

    def callbacks(self, stage: Stage) -> list[Callback]:
        """Return Lightning callbacks for a stage."""
        return []

    def finish(self, model: nn.Module) -> None:
        """Undo, in place, what `prepare` did, so that the network is saved as its architecture builds it."""


def reverse_complement_batch(batch: Batch, mask: Tensor, context: StepContext) -> Batch:
    """Turn the rows of `mask` to the other strand: codes, signals and controls.

    Parameters
    ----------
    batch : Batch
        The rows.
    mask : Tensor
        bool (n,).
    context : StepContext
        Holds which signals and controls are each other's other strand.

    Returns
    -------
    Batch
        Codes are complemented and reversed; signals and controls are reversed, and the two strands of a
        stranded track are exchanged. Totals, and so the targets, do not change.
    """
    turned = dict(batch)
    codes = batch["codes"]
    # Bitwise, as torch.where is slow on bytes: the difference of the strands, or none.
    difference = (codes ^ reverse_complement(codes)) & mask[:, None].to(codes.dtype).neg()
    turned["codes"] = codes ^ difference
    for key, order in (("signal", context.signal_order), ("control", context.control_order)):
        if key in batch:
            other = batch[key][:, order].flip(-1)
            turned[key] = torch.where(mask[:, None, None], other, batch[key])
    return turned
