"""The component `swa`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lucidna.errors import UserError
from lucidna.training.recipes.entries.common import Setting, check_number

DEFAULTS: dict[str, Any] = {
    "start": 0.75,  # share of the epochs before the first that counts
    "learning_rate_factor": 0.5,  # learning rate while averaging, as a multiple of the stage's
    "anneal_epochs": 0,  # epochs in which the rate goes there in a straight line; 0: at once
    "batch_norm_batches": 100,  # training batches that set the average's batch normalisation; null: all
}


def check(settings: Mapping[str, Any], setting: Setting) -> None:
    """Refuse arguments outside their limits."""
    check_number("swa", "start", settings["start"], low=0, below=1)
    check_number("swa", "learning_rate_factor", settings["learning_rate_factor"], above=0)
    check_number("swa", "anneal_epochs", settings["anneal_epochs"], low=0, whole=True)
    if setting.max_epochs is not None:
        left = setting.max_epochs - int(settings["start"] * setting.max_epochs)
        if settings["anneal_epochs"] > left:
            raise UserError(
                f"recipe component 'swa': anneal_epochs {settings['anneal_epochs']} is more than the {left} epochs "
                f"that are averaged of trainer.max_epochs {setting.max_epochs}: lower it"
            )
    if settings["batch_norm_batches"] is not None:
        check_number("swa", "batch_norm_batches", settings["batch_norm_batches"], low=1, whole=True)
