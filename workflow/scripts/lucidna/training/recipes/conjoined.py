"""One prediction for both strands of a sequence."""

from __future__ import annotations

from typing import Any

from torch import nn

from lucidna.models.conjoined import Conjoined as ConjoinedNetwork
from lucidna.training.recipes.base import Component


class Conjoined(Component):
    """The mean of both strands' predictions, ``(f(x) + R f(rc(x))) / 2`` (Zhou, Shrikumar and Kundaje, PMLR 165, 2022).

    R turns what the network says of the other strand: logits and log counts stay, profile logits are reversed and
    the two strands of a stranded track exchanged; controls go in reversed and exchanged. So a mean of profile
    logits is a geometric mean of profiles. The network is saved as conjoined and loads as such: predictions, maps
    and everything after them are those of the mean, and predictions are the same for both strands to the last bit.

    With `training: false` training sees one strand, and both are averaged from validation on: the post-hoc conjoined
    network of the paper, which did best there. With `training: true` the mean itself is trained; batch normalisation
    then sees the two strands one after the other and updates its statistics with each.

    Default: `training: true`. Costs two forward and two backward passes per training step (one each with `training:
    false`), and two passes per prediction. It hurts where one strand differs from the other: transcripts, or stranded
    assays whose tracks are not declared as pairs.
    """

    name = "conjoined"

    def model_arguments(self) -> dict[str, Any]:
        """Have the network built in its conjoined form."""
        return {"conjoined": True}

    def prepare(self, model: nn.Module) -> None:
        """Say whether both strands are averaged in training mode."""
        for module in model.modules():
            if isinstance(module, ConjoinedNetwork):
                module.in_training = self.arguments["training"]
