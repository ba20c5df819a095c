"""EvoAug: random evolution of the training sequences, then fine-tuning without it."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor

from lucidna.training.recipes.base import Batch, Component, Stage, StepContext, reverse_complement_batch
from lucidna.training.recipes.entries.evoaug import resolve_evoaug
from lucidna.training.recipes.evoaug_operations import (
    MOVING,
    Deletion,
    Insertion,
    Inversion,
    Mutation,
    Translocation,
)
from lucidna.training.recipes.moved_signal import log_totals, move_signal

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
    applied in the order of the list: ``x' = o_k(... o_1(x))``, and the loss is that of ``(x', y)``. Evaluation sees
    sequences as they are. In the second stage, at `finetune_factor` of the learning rate, this component rests and
    the others go on: the strand and the shifts of `standard`, and whatever else a recipe draws. One difference from
    the paper: noise is added last, to the one-hot columns, wherever it stands in the list, so that bases put in by
    operations after it are noisy too.

    Labels and counts are kept, as published. With profiles, deletion, insertion and translocation move
    signals and controls together with their bases, and the totals are summed anew. Where a base has no
    measured signal it gets zero: inserted bases and paddings always; near the edges of the output window,
    bases from further out than the dataset's jitter covers. Mutation and noise keep the signal. An inversion
    is refused: what an assay would measure on a stretch turned over in its place is not known.

    Defaults: the published set for ChIP-seq, `finetune_epochs` 5 and `finetune_factor` 0.1. Costs one forward and
    one backward pass and a few milliseconds per batch, 1 to 9 % of the deep CNN's step
    (`benchmarks/results/recipes_speed.tsv`); the second stage adds its epochs. It hurts where the exact distance to
    a fixed point carries the label (translocation, insertion), and with profiles where jitter is smaller than the
    longest move: the network then learns that signal fades towards the edges of the window, until the second stage.
    """

    name = "evoaug"

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.settings = resolve_evoaug(arguments)
        self.operations = [
            (name, _ON_CODES[name](**given) if name in _ON_CODES else given)
            for name, given in self.settings["operations"]
        ]
        self.moving = [i for i, (_, operation) in enumerate(self.operations) if isinstance(operation, MOVING)]

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

    def signal_margin(self) -> int:
        """Return the distance that a base can be moved by all operations together."""
        return sum(operation.reach for _, operation in self.operations if isinstance(operation, MOVING))

    def augment_batch(self, batch: Batch, context: StepContext) -> Batch:
        """Apply the drawn operations to the codes; which rows get noise is left to `augment_onehot`."""
        chosen = self._choose(len(batch["codes"]), context.generator)
        batch = dict(batch)
        for index, (name, operation) in enumerate(self.operations):
            mask = chosen[:, index]
            if name == "noise":
                batch[f"evoaug_noise_{index}"] = mask
            elif name == "reverse_complement":
                coins = torch.rand(len(mask), generator=context.generator, device=mask.device)
                batch = reverse_complement_batch(batch, mask & (coins < operation["probability"]), context)
            else:
                _edit(batch, operation, mask.nonzero().squeeze(1), context)
        if "signal" in batch and self.moving:
            _cut_margin(batch, chosen[:, self.moving].any(dim=1), context)
        return batch

    def augment_onehot(self, x: Tensor, batch: Batch, context: StepContext) -> tuple[Tensor, Batch]:
        """Add N(mean, std) to every entry of the rows that drew noise."""
        for index, (name, operation) in enumerate(self.operations):
            if name == "noise":
                rows = batch[f"evoaug_noise_{index}"].nonzero().squeeze(1)
                shape = (len(rows), *x.shape[1:])
                drawn = torch.randn(shape, generator=context.generator, device=x.device, dtype=x.dtype)
                x = x.index_add(0, rows, drawn.mul_(operation["std"]).add_(operation["mean"]))
        return x, batch

    def _choose(self, n: int, generator: torch.Generator) -> Tensor:
        """Return bool (n, operations): the subset of distinct operations of each row."""
        size, shape = self.settings["per_sequence"], (n, len(self.operations))
        order = torch.rand(shape, generator=generator, device=generator.device, dtype=torch.float64)
        # The rank of each number in its row; sorting rows so short costs more than comparing all pairs.
        ranks = (order[:, :, None] > order[:, None, :]).sum(dim=2)
        if self.settings["hard"]:
            return ranks < size
        sizes = torch.randint(1, size + 1, (n, 1), generator=generator, device=generator.device)
        return ranks < sizes


def _edit(batch: Batch, operation: Any, rows: Tensor, context: StepContext) -> None:
    """Apply an operation to the codes of some rows, and to their signals and controls where it moves bases."""
    codes = batch["codes"]
    length = codes.shape[1]
    draws = operation.draw(len(rows), length, generator=context.generator)
    batch["codes"] = _replace_rows(codes, rows, operation.apply(codes.index_select(0, rows), **draws))
    if "signal" not in batch or not isinstance(operation, MOVING):
        return
    source = operation.source(length, **draws)
    for key in ("signal", "control"):
        if key in batch:
            output_length = batch[key].shape[-1] - 2 * context.signal_margin
            offset = length // 2 - output_length // 2 - context.signal_margin
            moved = move_signal(batch[key][rows], source, offset=offset)
            batch[key] = _replace_rows(batch[key], rows, moved)


def _replace_rows(values: Tensor, rows: Tensor, by: Tensor) -> Tensor:
    """Return values (n, ...) with the rows (m,) taken from `by` (m, ...); whole rows are copied, for speed."""
    order = torch.arange(len(values), device=rows.device)
    order[rows] = torch.arange(len(values), len(values) + len(rows), device=rows.device)
    return torch.cat([values, by]).index_select(0, order)


def _cut_margin(batch: Batch, moved: Tensor, context: StepContext) -> None:
    """Cut signals and controls to the output window and sum the totals of the moved rows anew."""
    for key in ("signal", "control"):
        if key in batch:
            stop = batch[key].shape[-1] - context.signal_margin
            batch[key] = batch[key][..., context.signal_margin : stop]
    totals = log_totals(batch["signal"], context.channels)
    batch["target"] = torch.where(moved[:, None], totals, batch["target"])
