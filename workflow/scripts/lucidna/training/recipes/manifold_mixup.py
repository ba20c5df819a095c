"""Manifold mixup: a second loss on rows that are mixed at a random layer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from torch import Tensor

from lucidna.training.recipes.base import StepContext
from lucidna.training.recipes.hidden import changed_layer, hidden_layers, host_generator
from lucidna.training.recipes.mixup import Draws, Mixup, mixed_rows


class ManifoldMixup(Mixup):
    """Manifold mixup (Verma et al., ICML 2019) in the form used for genomics (Labelson, Tripathy and Koo, 2021).

    In each step a layer k is drawn uniformly among the input and the hidden layers (every activation; of residual
    blocks, the sum that leaves the block), and ``h' = lam h + (1 - lam) h_perm`` there; loss, targets, burn-in
    and batch statistics are those of `mixup`, of which k = input is the special case. Controls enter after the
    last hidden layer and are mixed whatever k.

    Defaults: alpha 1, burn-in of two epochs, as published (there at a learning rate of 1e-3, then 1e-2; here
    the trainer's). Costs two forward and two backward passes per step. It hurts like `mixup`, and slows early
    training, when hidden layers do not yet hold features that could be mixed.
    """

    name = "manifold_mixup"

    @contextlib.contextmanager
    def mixed_pass(self, draws: Draws, context: StepContext) -> Iterator[Callable[[Tensor], Tensor]]:
        """Mix at a drawn layer."""
        layers = hidden_layers(context.model)
        k = int(host_generator(context.generator).integers(len(layers) + 1))
        if k == 0:
            yield lambda x: mixed_rows(x, *draws)
            return
        with changed_layer(layers[k - 1], lambda state: mixed_rows(state, *draws)):
            yield lambda x: x
