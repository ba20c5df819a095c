"""What can be trained as one stack of seeds; imports no torch, so that the grid is planned fast."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lucidna.errors import UserError

# The components that act on batches, fresh weights, arguments and stages alone. The others add terms to the loss, hang
# hooks on the network's layers, wrap the optimizer or keep a state of their own: they know one network, not a stack.
STACKABLE = ("standard", "exponential", "kmer_filters", "evoaug", "conjoined", "input_noise", "label_smoothing")

_PRECISIONS = ("32-true",)


def can_be_stacked(components: Iterable[str]) -> bool:
    """Return whether a recipe of these components can be trained with stacked weights."""
    return all(name in STACKABLE for name in components)


def check_stacking(trainer: Mapping[str, Any]) -> None:
    """Refuse a trainer that stacked weights do not go with.

    Parameters
    ----------
    trainer : mapping
        Complete, of `lucidna.training.names.resolve_trainer`.

    Raises
    ------
    UserError
        Names the trainer's key and value, and says to train one seed at a time.
    """
    alone = "train one seed at a time (grid.stack_seeds: false)"
    if trainer["precision"] not in _PRECISIONS:
        raise UserError(
            f"grid.trainer.precision is '{trainer['precision']}', and grid.stack_seeds takes 32-true "
            f"only: {alone}, or choose 32-true"
        )
    if trainer["compile"]:
        raise UserError(f"grid.trainer.compile does not go with grid.stack_seeds: {alone}, or set compile to false")
    if str(trainer["devices"]) != "1":
        raise UserError(
            f"grid.trainer.devices is '{trainer['devices']}', and grid.stack_seeds takes 1 only: {alone}, or choose 1"
        )
