"""The component `input_noise`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lucidna.training.recipes.entries.common import Setting, check_number

DEFAULTS: dict[str, Any] = {
    "std": 0.1,
}


def check(settings: Mapping[str, Any], setting: Setting) -> None:
    """Refuse arguments outside their limits."""
    check_number("input_noise", "std", settings["std"], above=0)
