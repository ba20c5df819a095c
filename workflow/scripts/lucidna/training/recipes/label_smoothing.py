"""Label smoothing: labels that leave room for error."""

from __future__ import annotations

from lucidna.training.recipes.base import Batch, Component, StepContext


class LabelSmoothing(Component):
    """Train on ``y (1 - amount) + amount / 2`` in place of the labels y (Szegedy et al., CVPR 2016).

    For binary targets only, whose two classes share the amount. Validation keeps its own labels, so the
    training loss lies above the validation loss.

    Default: amount 0.1, the paper's. Costs one forward and one backward pass. It hurts the calibration of rare
    classes, whose probabilities are pulled up to amount / 2, and distillation from such a network.
    """

    name = "label_smoothing"

    def augment_batch(self, batch: Batch, context: StepContext) -> Batch:
        """Smooth the labels."""
        amount = self.arguments["amount"]
        return {**batch, "target": batch["target"] * (1 - amount) + amount / 2}
