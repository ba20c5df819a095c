"""Gaussian noise on a random layer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from lucidna.training.recipes.base import Component, StepContext
from lucidna.training.recipes.hidden import changed_input, changed_layer, hidden_layers, host_generator
from lucidna.training.recipes.input_noise import gaussian


class ManifoldNoise(Component):
    """Add N(0, std) to the input or to a hidden layer, drawn anew in each step.

    With f = g_k(h_k) split at layer k, the network computes ``g_k(h_k(x) + e)``, e from N(0, std^2) for each entry. The
    layer is uniform among the input and the hidden layers (every activation; of residual blocks, the sum that
    leaves the block), as in manifold mixup (Verma et al., ICML 2019), with the noise of `input_noise` in place of
    the mixture; the method is named in the field's comparisons of recipes (Majdandzic et al., PMLR 200:131, 2022)
    without published code, so this is its standard form. Columns of N in the input stay zero. Noise is in the
    units of the layer: about one standard deviation of a layer is 1 after batch normalisation, and anything
    without it.

    Default: std 0.1. Costs one forward and one backward pass, and a draw per entry of the layer. It hurts in
    networks without batch normalisation, where one std fits no two layers, and with exponential activations, whose
    quiet positions are then drowned.
    """

    name = "manifold_noise"

    @contextlib.contextmanager
    def forward_context(self, context: StepContext) -> Iterator[None]:
        """Add noise at a drawn layer while the network is called."""
        layers = hidden_layers(context.model)
        k = int(host_generator(context.generator).integers(len(layers) + 1))
        std = self.arguments["std"]
        if k == 0:
            # A column of N is zero whatever is done to the others.
            noisy = changed_input(
                context.model,
                lambda x: x + gaussian(x, std, context) * x.detach().abs().amax(dim=1, keepdim=True).ne(0),
            )
        else:
            noisy = changed_layer(layers[k - 1], lambda state: state + gaussian(state, std, context))
        with noisy:
            yield
