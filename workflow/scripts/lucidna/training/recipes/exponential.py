"""Exponential activations in the first layer, which make first-layer filters look like motifs."""

from __future__ import annotations

from typing import Any

from lucidna.training.recipes.base import Component


class Exponential(Component):
    """Exponential first activation (Koo and Ploenzke, Nat Mach Intell 3:258, 2021)."""

    name = "exponential"

    def model_arguments(self) -> dict[str, Any]:
        """Replace the first activation."""
        return {"first_activation": self.arguments["first_activation"]}
