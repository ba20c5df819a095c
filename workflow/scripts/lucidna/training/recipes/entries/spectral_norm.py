"""The component `spectral_norm`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lucidna.errors import UserError
from lucidna.training.recipes.entries.common import Setting, check_number

DEFAULTS: dict[str, Any] = {
    "limit": 1.0,  # spectral norm of each layer's weights
    "layers": "all",  # or "conv" or "dense"
}

LAYERS = ("all", "conv", "dense")


def check(settings: Mapping[str, Any], setting: Setting) -> None:
    """Refuse arguments outside their limits."""
    check_number("spectral_norm", "limit", settings["limit"], above=0)
    if settings["layers"] not in LAYERS:
        raise UserError(
            f"recipe component 'spectral_norm': layers {settings['layers']!r} is none of {', '.join(LAYERS)}: "
            "choose one of them"
        )
