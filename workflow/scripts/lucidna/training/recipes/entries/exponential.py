"""The component `exponential`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lucidna.errors import UserError
from lucidna.training.recipes.entries.common import Setting

DEFAULTS: dict[str, Any] = {"first_activation": "exponential"}


def check(settings: Mapping[str, Any], setting: Setting) -> None:
    """Refuse another activation: ReLU is what the architectures have without this component."""
    if settings["first_activation"] != "exponential":
        raise UserError(
            f"recipe component 'exponential': first_activation {settings['first_activation']!r} is not 'exponential': "
            f"leave the component out for {setting.class_name!r} as it is"
        )
