"""The component `standard`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lucidna.training.recipes.entries.common import Setting, check_number, check_switch

DEFAULTS: dict[str, Any] = {
    "weight_decay": 1e-6,
    "dropout": None,  # null: the architecture's own rates
    "reverse_complement": True,  # each training sequence, with its signals, with probability 1/2
    "jitter": True,  # shifts of up to window.jitter bp, drawn anew each epoch
}


def check(settings: Mapping[str, Any], setting: Setting) -> None:
    """Refuse arguments outside their limits."""
    check_number("standard", "weight_decay", settings["weight_decay"], low=0)
    if settings["dropout"] is not None:
        check_number("standard", "dropout", settings["dropout"], low=0, below=1)
    for key in ("reverse_complement", "jitter"):
        check_switch("standard", key, settings[key])
