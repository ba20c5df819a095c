"""Weight decay, dropout, random strand and jitter: what nearly every published network is trained with."""

from __future__ import annotations

from typing import Any

import torch

from lucidna.training.recipes.base import Batch, Component, StepContext, reverse_complement_batch


class Standard(Component):
    """Weight decay, one dropout rate for all layers, random strand, random shift.

    Strand and shift move the signals together with the sequence, so they hold for every target and stay on in
    every stage.
    """

    name = "standard"

    def model_arguments(self) -> dict[str, Any]:
        """Replace the dropout rates where one is given."""
        rate = self.arguments["dropout"]
        return {} if rate is None else {"dropout": rate}

    def optimizer_arguments(self) -> dict[str, Any]:
        """Give the weight decay."""
        return {"weight_decay": self.arguments["weight_decay"]}

    def jitter(self) -> bool:
        """Return the argument."""
        return self.arguments["jitter"]

    def augment_batch(self, batch: Batch, context: StepContext) -> Batch:
        """Turn each row to the other strand with probability 1/2."""
        if not self.arguments["reverse_complement"]:
            return batch
        codes = batch["codes"]
        coins = torch.rand(len(codes), generator=context.generator, device=codes.device)
        return reverse_complement_batch(batch, coins < 0.5, context)
