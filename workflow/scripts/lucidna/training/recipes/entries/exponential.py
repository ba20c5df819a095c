"""The component `exponential`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lucidna.errors import UserError
from lucidna.training.recipes.entries.common import Setting

DEFAULTS: dict[str, Any] = {"first_activation": "exponential"}


def check(settings: Mapping[str, Any], setting: Setting) -> None:
    """Refuse an activation that the architectures do not have."""
    if settings["first_activation"] not in ("exponential", "relu"):
        raise UserError(
            f"recipe component 'exponential': first_activation {settings['first_activation']!r} is "
            f"neither 'exponential' nor 'relu': {setting.class_name!r} has no other"
        )
