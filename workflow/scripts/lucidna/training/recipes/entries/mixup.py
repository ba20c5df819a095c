"""The component `mixup`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lucidna.training.recipes.entries.common import Setting, check_number, check_rest

DEFAULTS: dict[str, Any] = {
    "alpha": 1.0,  # of Beta(alpha, alpha), from which the share of a row is drawn
    "burn_in": 2,  # epochs without mixing at the start
}


def check(settings: Mapping[str, Any], setting: Setting) -> None:
    """Refuse arguments outside their limits."""
    check_number("mixup", "alpha", settings["alpha"], above=0)
    check_rest("mixup", "burn_in", settings["burn_in"], setting)
