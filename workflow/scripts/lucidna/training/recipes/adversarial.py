"""Adversarial training: inputs moved, within a small box, to where the loss is largest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from lucidna.training.recipes.base import Batch, Component, Stage, StepContext
from lucidna.training.recipes.hidden import evaluation_mode
from lucidna.training.recipes.input_gradient import known_bases
from lucidna.training.recipes.phases import burn_in


class Adversarial(Component):
    """Train on inputs attacked by FGSM (Goodfellow et al., ICLR 2015) or PGD (Madry et al., ICLR 2018).

    PGD repeats ``x' <- clip(x' + step * sign(dL/dx'))``, from x on, `steps` times, where clip keeps every entry
    within `radius` of x; FGSM is one step of the whole radius. The box is around x: attacked columns are no
    one-hot columns, and need not lie on the simplex. Columns of N stay zero. L is the candidate's own loss with
    the batch's targets and controls, without the terms that other components add.

    The first `clean_epochs` are a stage of their own without attacks; then, for `mixed_epochs`, each batch holds
    its clean rows and their attacked copies, and the loss is the mean over both; after these (null: never) only
    the attacked ones. Attacks are computed with the network in evaluation mode: dropout is off, batch
    normalisation uses its running statistics and leaves them alone, and nothing is drawn. The training pass that
    follows is an ordinary one: its statistics are of clean and attacked rows together, as published.

    Defaults are the published ones for genomics (p-koo/robustness): PGD, step 0.01, radius 0.05, 20 steps (FGSM:
    radius 0.1), 10 clean and 25 mixed epochs. One thing differs: the published training stops early on the AUROC of
    attacked validation sequences, from epoch 25 on; here the best epoch is chosen on clean ones, with the trainer's
    patience. Costs, per step, an attack of `steps` (FGSM: 1) forward passes and
    backward passes to the input, then two forward and two backward passes, or one each without the clean rows.
    Mixed batches take twice the memory. It hurts test performance on clean sequences once the radius nears what
    separates two bases, and with the published 20 steps an epoch costs about fifteen times the usual.
    """

    name = "adversarial"

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        pgd = arguments["method"] == "pgd"
        radius = arguments["radius"]
        self.radius = (0.05 if pgd else 0.1) if radius is None else radius
        self.step = (0.01 if arguments["step"] is None else arguments["step"]) if pgd else self.radius
        self.steps = (20 if arguments["steps"] is None else arguments["steps"]) if pgd else 1

    def stages(self, stages: list[Stage]) -> list[Stage]:
        """Rest in the clean epochs."""
        return burn_in(stages, self.name, "clean_epochs", self.arguments["clean_epochs"])

    def augment_onehot(self, x: Tensor, batch: Batch, context: StepContext) -> tuple[Tensor, Batch]:
        """Put attacked rows beside the clean ones, or in their place."""
        # The sum over rows: half precision would lose the gradients of a mean.
        attacked = attack(
            context.model,
            x,
            lambda prediction: context.loss(prediction, batch) * len(x),
            control=batch.get("control"),
            known=known_bases(batch),
            radius=self.radius,
            step=self.step,
            steps=self.steps,
        )
        mixed = self.arguments["mixed_epochs"]
        if mixed is not None and context.active_epoch(self.name) >= mixed:
            return attacked, batch
        return torch.cat([x, attacked]), {key: torch.cat([value, value]) for key, value in batch.items()}


def attack(
    model: nn.Module,
    x: Tensor,
    loss: Callable[[Any], Tensor],
    *,
    control: Tensor | None,
    known: Tensor,
    radius: float,
    step: float,
    steps: int,
) -> Tensor:
    """Return inputs near `x` with a larger loss.

    Parameters
    ----------
    model : nn.Module
        Called in evaluation mode; left as it was.
    x : Tensor
        (N, 4, L).
    loss : callable
        prediction -> scalar.
    control : Tensor or None
        (N, K, L_out), not attacked.
    known : Tensor
        bool (N, 1, L), the columns that may change.
    radius, step : float
        Largest change of an entry, in all and in one step.
    steps : int
        Number of steps.

    Returns
    -------
    Tensor
        (N, 4, L), without a graph.
    """
    change = torch.zeros_like(x)
    with evaluation_mode(model):
        for _ in range(steps):
            moved = (x + change).detach().requires_grad_()
            (gradient,) = torch.autograd.grad(loss(model(moved, control)), moved)
            change = (change + step * gradient.sign()).clamp(-radius, radius) * known
    return (x + change).detach()
