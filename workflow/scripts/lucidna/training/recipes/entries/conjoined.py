"""The component `conjoined`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lucidna.training.recipes.entries.common import Setting, check_switch

DEFAULTS: dict[str, Any] = {
    "training": True,  # false: one strand in training, both from validation on
}


def check(settings: Mapping[str, Any], setting: Setting) -> None:
    """Refuse a switch that is none."""
    check_switch("conjoined", "training", settings["training"])
