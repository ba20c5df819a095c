"""The component `sam`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lucidna.errors import UserError
from lucidna.training.recipes.entries.common import Setting, check_number

DEFAULTS: dict[str, Any] = {
    "rho": 0.05,  # length of the step uphill, in the space of all weights
}


def check(settings: Mapping[str, Any], setting: Setting) -> None:
    """Refuse a negative or missing radius."""
    check_number("sam", "rho", settings["rho"], low=0)
    if setting.precision == "16-mixed":
        raise UserError(
            "recipe component 'sam' needs two passes in each step, which grid.trainer.precision '16-mixed' does not "
            "give it: use bf16-mixed or 32-true"
        )
