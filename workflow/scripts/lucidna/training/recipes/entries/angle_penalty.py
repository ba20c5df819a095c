"""The component `angle_penalty`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lucidna.training.recipes.entries.common import Setting, check_head, check_number

DEFAULTS: dict[str, Any] = {
    "weight": 1e-3,  # per degree
    "head": None,  # counts | profile; null: the logits, the log counts, or of a profile network the profile
}


def check(settings: Mapping[str, Any], setting: Setting) -> None:
    """Refuse arguments outside their limits."""
    check_number("angle_penalty", "weight", settings["weight"], low=0)
    check_head("angle_penalty", settings["head"], setting)
