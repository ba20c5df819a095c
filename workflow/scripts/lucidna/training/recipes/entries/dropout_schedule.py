"""The component `dropout_schedule`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lucidna.errors import UserError
from lucidna.training.recipes.entries.common import Setting, check_number

DEFAULTS: dict[str, Any] = {
    "shape": "up",  # or "down", "early", "late"
    "rate": None,  # of every dropout layer when dropout is full; null: the architecture's own rates
    "low": 0.0,  # the other end, as a multiple of the full rate
    "share": 0.5,  # of all epochs after which the rate is final
    "per": "epoch",  # or "step": how often the rate changes
}

SHAPES = ("up", "down", "early", "late")
UNITS = ("epoch", "step")


def check(settings: Mapping[str, Any], setting: Setting) -> None:
    """Refuse arguments outside their limits."""
    for key, options in (("shape", SHAPES), ("per", UNITS)):
        if settings[key] not in options:
            raise UserError(
                f"recipe component 'dropout_schedule': {key} {settings[key]!r} is none of {', '.join(options)}: "
                "choose one of them"
            )
    if settings["rate"] is not None:
        check_number("dropout_schedule", "rate", settings["rate"], above=0, below=1)
    standard = setting.others.get("standard", {}).get("dropout")
    if settings["rate"] is not None and standard is not None:
        raise UserError(
            f"recipe component 'dropout_schedule' has rate {settings['rate']} and 'standard' has dropout {standard}: "
            "give one of the two"
        )
    if settings["rate"] is None and (standard == 0 or (standard is None and setting.dropout is False)):
        raise UserError(
            f"recipe component 'dropout_schedule': {setting.class_name} has no dropout here: give the component a rate"
        )
    check_number("dropout_schedule", "low", settings["low"], low=0, below=1)
    check_number("dropout_schedule", "share", settings["share"], above=0, high=1)
