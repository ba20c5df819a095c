"""The component `label_smoothing`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lucidna.errors import UserError
from lucidna.training.recipes.entries.common import Setting, check_number

DEFAULTS: dict[str, Any] = {
    "amount": 0.1,  # 0: the labels as they are; 1: no labels
}


def check(settings: Mapping[str, Any], setting: Setting) -> None:
    """Refuse an amount outside its limits, or a target without labels."""
    check_number("label_smoothing", "amount", settings["amount"], above=0, below=1)
    if setting.target != "binary":
        raise UserError(
            f"recipe component 'label_smoothing' smooths labels, and the target {setting.target!r} has none: "
            "leave it out"
        )
