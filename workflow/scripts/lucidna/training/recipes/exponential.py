"""Exponential activations in the first layer, which make first-layer filters look like motifs."""

from __future__ import annotations

from typing import Any

from lucidna.training.recipes.base import Component


class Exponential(Component):
    """Exponential first activation (Koo and Ploenzke, Nat Mach Intell 3:258, 2021).

    ``h = exp(z)`` of the first layer's batch-normalised output z, ReLU in all others: only a filter that matches nearly
    as a whole is heard, which drives filters towards whole motifs. Above z = 10 the exponential goes on as its tangent,
    so that neither values nor gradients overflow (`lucidna.models.layers.Exponential`); float16 and bfloat16 are
    computed in float32.

    Default: exponential; `relu` undoes an exponential that the architecture names. BPNet gets batch normalisation
    before it. Costs less than a tenth of CNN-deep's step. It hurts with large learning rates, and where weak, graded
    matches carry the signal.
    """

    name = "exponential"

    def model_arguments(self) -> dict[str, Any]:
        """Replace the first activation."""
        return {"first_activation": self.arguments["first_activation"]}
