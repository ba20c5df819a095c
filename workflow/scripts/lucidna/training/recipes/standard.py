"""Weight decay, dropout, random strand and jitter: what nearly every published network is trained with."""

from __future__ import annotations

from typing import Any

import torch

from lucidna.training.recipes.base import Batch, Component, StepContext, reverse_complement_batch


class Standard(Component):
    """Weight decay, one dropout rate for all layers, random strand, random shift.

    The usual regularisation of genomic networks (BPNet, Avsec et al., Nature Genetics 53:354, 2021, shifts and
    turns; the CNNs of Basset and DeepSTARR drop out), and the baseline of all recipes. With x the training
    sequence, each step sees ``x' = R^b S_j x``: b is 0 or 1 with probability 1/2 and R the reverse complement, S_j
    a shift by j, uniform in ``[-jitter, jitter]``. Weight decay adds ``weight_decay * w`` to every gradient (adamw:
    to the step), and the dropout layers have one rate. Strand and shift move the signals together with the
    sequence, so they hold for every target and stay on in every stage.

    Defaults: weight decay 1e-6, the architecture's own dropout, both strands, shifts as far as `window.jitter` goes.
    Costs nothing beside the plain step. It hurts where one strand is not the other: transcripts, reporter assays with
    an orientation, stranded tracks that are not declared as pairs (`reverse_complement: false`).
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
