"""The component `adversarial`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lucidna.errors import UserError
from lucidna.training.recipes.entries.common import Setting, check_number, check_rest

DEFAULTS: dict[str, Any] = {
    "method": "pgd",  # or fgsm: one step of the whole radius
    "radius": None,  # largest change of an entry; null: 0.05 for pgd, 0.1 for fgsm
    "step": None,  # of pgd; null: 0.01
    "steps": None,  # of pgd; null: 20
    "clean_epochs": 10,
    "mixed_epochs": 25,  # epochs with clean rows beside the attacked ones; null: all that follow
}


def check(settings: Mapping[str, Any], setting: Setting) -> None:
    """Refuse an attack that does not exist, or arguments outside their limits."""
    method = settings["method"]
    if method not in ("pgd", "fgsm"):
        raise UserError(f"recipe component 'adversarial': method {method!r} is neither 'pgd' nor 'fgsm'")
    for key in ("radius", "step"):
        if settings[key] is not None:
            check_number("adversarial", key, settings[key], above=0, high=1)
    if settings["steps"] is not None:
        check_number("adversarial", "steps", settings["steps"], low=1, whole=True)
    for key in ("step", "steps"):
        if method == "fgsm" and settings[key] is not None:
            raise UserError(
                f"recipe component 'adversarial': method 'fgsm' takes one step of the whole radius and has no {key}: "
                "leave it out, or use pgd"
            )
    radius = 0.05 if settings["radius"] is None else settings["radius"]
    step = 0.01 if settings["step"] is None else settings["step"]
    if method == "pgd" and step > radius:
        raise UserError(
            f"recipe component 'adversarial': step {step} is larger than the radius {radius}, so "
            "every step ends on the border: lower it"
        )
    check_rest("adversarial", "clean_epochs", settings["clean_epochs"], setting)
    if settings["mixed_epochs"] is not None:
        check_number("adversarial", "mixed_epochs", settings["mixed_epochs"], low=0, whole=True)
