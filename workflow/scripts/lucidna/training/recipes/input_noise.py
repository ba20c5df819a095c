"""Gaussian noise on the input."""

from __future__ import annotations

import torch
from torch import Tensor

from lucidna.training.recipes.base import Batch, Component, StepContext
from lucidna.training.recipes.input_gradient import known_bases


class InputNoise(Component):
    """Add N(0, std) to every entry of the one-hot input (Bishop, Neural Comput 7:108, 1995).

    The network sees ``x' = x + e`` with e from N(0, std^2), drawn anew for each entry and step; evaluation sees x.
    Columns of N stay zero: there is no base to be unsure of. For small std and a squared error it acts like a
    penalty on the input gradient.

    Default: std 0.1, the usual one for one-hot DNA. Costs one forward and one backward pass, and a draw per entry.
    It hurts from about std 0.3 on, when a base is no longer told from another, and little before.
    """

    name = "input_noise"

    def augment_onehot(self, x: Tensor, batch: Batch, context: StepContext) -> tuple[Tensor, Batch]:
        """Add noise to the columns of known bases."""
        return x + gaussian(x, self.arguments["std"], context) * known_bases(batch), batch


def gaussian(values: Tensor, std: float, context: StepContext) -> Tensor:
    """Return N(0, std) in the shape, kind and place of `values`, drawn from the step's generator."""
    return torch.randn(values.shape, generator=context.generator, device=values.device, dtype=values.dtype) * std
