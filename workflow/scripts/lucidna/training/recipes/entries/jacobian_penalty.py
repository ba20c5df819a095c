"""The component `jacobian_penalty`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lucidna.training.recipes.entries.common import Setting, check_head, check_number

DEFAULTS: dict[str, Any] = {
    "weight": 0.01,
    "projections": 1,  # random directions per row, each a backward pass; null: one per task, exact
    "head": None,  # counts | profile; null: the logits, the log counts, or of a profile network the profile
}


def check(settings: Mapping[str, Any], setting: Setting) -> None:
    """Refuse arguments outside their limits."""
    check_number("jacobian_penalty", "weight", settings["weight"], low=0)
    if settings["projections"] is not None:
        check_number("jacobian_penalty", "projections", settings["projections"], low=1, whole=True)
    check_head("jacobian_penalty", settings["head"], setting)
