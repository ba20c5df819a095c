"""The component `ema`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lucidna.training.recipes.entries.common import Setting, check_number, check_switch

DEFAULTS: dict[str, Any] = {
    "decay": 0.999,  # share of the average that a step keeps
    "warm_up": True,  # a smaller share in the first steps, (1 + t) / (10 + t)
}


def check(settings: Mapping[str, Any], setting: Setting) -> None:
    """Refuse arguments outside their limits."""
    check_number("ema", "decay", settings["decay"], low=0, below=1)
    check_switch("ema", "warm_up", settings["warm_up"])
