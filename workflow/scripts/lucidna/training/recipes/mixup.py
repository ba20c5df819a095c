"""Mixup: a second loss on a mixture of the batch's rows and of their targets."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lucidna.training.recipes.base import Batch, Component, Stage, StepContext
from lucidna.training.recipes.hidden import host_generator, kept_statistics
from lucidna.training.recipes.phases import burn_in

Draws = tuple[float, Tensor]


class Mixup(Component):
    """Mixup of the input (Zhang et al., ICLR 2018) beside the clean loss.

    ``x' = lam x + (1 - lam) x_perm`` with one lam ~ Beta(alpha, alpha) and one permutation per batch; the loss
    is ``L(y, f(x)) + L(lam y + (1 - lam) y_perm, f(x'))``, summed and not averaged, the form in which the method was
    used for genomics (Labelson, Tripathy and Koo, 2021); Zhang et al. have the second term alone.

    Labels become soft labels. Log counts are mixed as such, on the scale on which they are predicted; for
    profiles the signals are mixed base by base too, on their own scale, and the counts stay a mixture of log
    counts, not the log of the mixed signal's total. Controls are mixed like the input. The mixed pass has its
    own dropout masks and normalises with its own batch statistics; the running ones are of clean rows alone,
    since those are what evaluation sees.

    Defaults: alpha 1 and two epochs at the start without mixing (a stage of their own), as published. Costs two
    forward and two backward passes per step. It hurts where the activity is not a mean of its parts: a half-present
    motif is no weak motif, so small alpha is the safer choice for rules that need two motifs at once, and regression
    to rare high values is pulled to the middle.
    """

    name = "mixup"

    def stages(self, stages: list[Stage]) -> list[Stage]:
        """Rest in the epochs of the burn-in."""
        return burn_in(stages, self.name, "burn_in", self.arguments["burn_in"])

    def loss_terms(self, x: Tensor, prediction: Any, batch: Batch, context: StepContext) -> Tensor:
        """Return the loss of the mixed pass."""
        draws = self.draw(len(x), context)
        mixed = mixed_batch(batch, *draws)
        with self.mixed_pass(draws, context) as mix_input, kept_statistics(context.model):
            # Detached: the mixed pass is not differentiated with respect to the input.
            mixed_prediction = context.model(mix_input(x.detach()), mixed.get("control"))
        return context.loss(mixed_prediction, mixed)

    def draw(self, n: int, context: StepContext) -> Draws:
        """Return the share of a row in its mixture, and int64 (n,), the row with which each is mixed."""
        alpha = self.arguments["alpha"]
        share = float(host_generator(context.generator).beta(alpha, alpha))
        order = torch.randperm(n, generator=context.generator, device=context.generator.device)
        return share, order

    def mixed_pass(
        self, draws: Draws, context: StepContext
    ) -> contextlib.AbstractContextManager[Callable[[Tensor], Tensor]]:
        """Return what surrounds the mixed pass; it yields what is done to the input."""
        return contextlib.nullcontext(lambda x: mixed_rows(x, *draws))


def mixed_rows(values: Tensor, share: float, order: Tensor) -> Tensor:
    """Mix rows with others: ``share * values + (1 - share) * values[order]``.

    Where a network computes with several copies of a batch one after the other, (m n, ...), each is mixed
    within itself.
    """
    copies = values.unflatten(0, (-1, len(order)))
    return (share * copies + (1 - share) * copies[:, order]).flatten(0, 1)


def mixed_batch(batch: Batch, share: float, order: Tensor) -> Batch:
    """Return the batch with its targets, signals and controls mixed."""
    mixed = {key: mixed_rows(batch[key], share, order) for key in ("target", "signal", "control") if key in batch}
    return {**batch, **mixed}
