"""Epochs in which a component rests at the start of training."""

from __future__ import annotations

import dataclasses

from lucidna.errors import UserError
from lucidna.training.recipes.base import Stage


def burn_in(stages: list[Stage], component: str, key: str, epochs: int) -> list[Stage]:
    """Return the stages of training with a component resting in the first epochs.

    The stage in which the component begins is cut in two, so that the early stopping and the best checkpoint
    of what follows are of epochs in which it acted. The number of epochs stays the same; each part starts
    from the best weights of the one before, with a fresh optimizer.

    Parameters
    ----------
    stages : list of Stage
        Those so far.
    component, key : str
        Name of the component, and of its argument, for the message.
    epochs : int
        Length of the rest; 0 for none.

    Raises
    ------
    UserError
        When the rest takes up all of training.
    """
    total = sum(stage.max_epochs for stage in stages)
    if epochs >= total:
        raise UserError(
            f"recipe component {component!r}: {key} {epochs} leaves none of the {total} epochs of training: "
            "lower it, or raise trainer.max_epochs"
        )
    result = []
    for stage in stages:
        resting = min(epochs, stage.max_epochs)
        epochs -= resting
        quiet = stage.inactive | {component}
        if resting == stage.max_epochs:
            result.append(dataclasses.replace(stage, inactive=quiet))
        elif resting == 0:
            result.append(stage)
        else:
            name = f"before_{component}"
            result += [
                dataclasses.replace(stage, name=name, max_epochs=resting, min_epochs=resting, inactive=quiet),
                dataclasses.replace(
                    stage, max_epochs=stage.max_epochs - resting, min_epochs=max(1, stage.min_epochs - resting)
                ),
            ]
    return result
