"""EvoAug: random evolution of the training sequences, then fine-tuning on the sequences as they are."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor

from lucidna.training.recipes.base import Batch, Component, Stage, StepContext, reverse_complement_batch
from lucidna.training.recipes.entries.evoaug import resolve_evoaug
from lucidna.training.recipes.evoaug_operations import (
    Deletion,
    Insertion,
    Inversion,
    Mutation,
    Translocation,
)

_ON_CODES = {
    "deletion": Deletion,
    "insertion": Insertion,
    "translocation": Translocation,
    "inversion": Inversion,
    "mutation": Mutation,
}


class EvoAug(Component):
    """EvoAug (Lee et al., Genome Biol 24:105, 2023) with the length-preserving operations of EvoAug2.

    Each sequence draws a random subset of distinct operations, of fixed size (`hard`) or of size U{1..size},
    applied in the order of the list. Evaluation and the second stage see sequences as they are: nothing is
    drawn there. One difference from the paper: noise is added last, to the one-hot columns, wherever it
    stands in the list, so that bases put in by operations after it are noisy too.
    """

    name = "evoaug"

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.settings = resolve_evoaug(arguments)
        self.operations = [
            (name, _ON_CODES[name](**given) if name in _ON_CODES else given)
            for name, given in self.settings["operations"]
        ]

    def stages(self, stages: list[Stage]) -> list[Stage]:
        """Follow the last stage by one at a lower learning rate in which this component rests."""
        if self.settings["finetune_epochs"] == 0:
            return stages
        augment = dataclasses.replace(stages[-1], name="augment")
        epochs = self.settings["finetune_epochs"]
        finetune = dataclasses.replace(
            augment,
            name="finetune",
            max_epochs=epochs,
            min_epochs=epochs,
            learning_rate=augment.learning_rate * self.settings["finetune_factor"],
            inactive=augment.inactive | {self.name},
        )
        return [*stages[:-1], augment, finetune]

    def augment_batch(self, batch: Batch, context: StepContext) -> Batch:
        """Apply the drawn operations to the codes; which rows get noise is left to `augment_onehot`."""
        n, length = batch["codes"].shape
        chosen = self._choose(n, context.generator)
        batch = dict(batch)
        for index, (name, operation) in enumerate(self.operations):
            mask = chosen[:, index]
            if name == "noise":
                batch[f"evoaug_noise_{index}"] = mask
            elif name == "reverse_complement":
                coins = torch.rand(n, generator=context.generator, device=mask.device)
                batch = reverse_complement_batch(batch, mask & (coins < operation["probability"]), context)
            else:
                draws = operation.draw(n, length, generator=context.generator)
                changed = operation.apply(batch["codes"], **draws)
                batch["codes"] = torch.where(mask[:, None], changed, batch["codes"])
        return batch

    def augment_onehot(self, x: Tensor, batch: Batch, context: StepContext) -> tuple[Tensor, Batch]:
        """Add N(mean, std) to every entry of the rows that drew noise."""
        for index, (name, operation) in enumerate(self.operations):
            if name == "noise":
                mask = batch[f"evoaug_noise_{index}"]
                drawn = torch.randn(x.shape, generator=context.generator, device=x.device, dtype=x.dtype)
                noise = drawn * operation["std"] + operation["mean"]
                x = x + noise * mask[:, None, None]
        return x, batch

    def _choose(self, n: int, generator: torch.Generator) -> Tensor:
        """Return bool (n, operations): the subset of distinct operations of each row."""
        size, shape = self.settings["per_sequence"], (n, len(self.operations))
        ranks = torch.rand(shape, generator=generator, device=generator.device).argsort(dim=1).argsort(dim=1)
        if self.settings["hard"]:
            return ranks < size
        sizes = torch.randint(1, size + 1, (n, 1), generator=generator, device=generator.device)
        return ranks < sizes
