"""What the checks of recipe components share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lucidna.errors import UserError, nearest


@dataclass(frozen=True)
class Setting:
    """What a recipe is to go with.

    Attributes
    ----------
    target : str
        "binary", "counts" or "profile".
    window : int
        Input length in bp.
    class_name : str
        The architecture, named in the messages.
    first_kernel : int or None
        Width in bp of its first filters; None where that is not known.
    max_epochs : int or None
        Of the trainer; None where that is not known.
    dropout : bool or None
        Whether the architecture, by itself, has dropout layers; None where that is not known.
    precision : str
        Of the trainer.
    others : mapping
        Every component of the recipe -> its complete arguments.
    """

    target: str
    window: int
    class_name: str
    first_kernel: int | None = None
    max_epochs: int | None = None
    dropout: bool | None = None
    precision: str = "32-true"
    others: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def check_words(
    where: str, name: str, arguments: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]], kind: str
) -> None:
    """Refuse a name that is not in `known`, or an argument that its entry does not have."""
    if name not in known:
        guess = nearest(name, known)
        hint = f"did you mean {guess!r}?" if guess else f"use one of {', '.join(known)}"
        raise UserError(f"there is no {kind} {name!r}: {hint}")
    for key in arguments:
        if key not in known[name]:
            guess = nearest(key, known[name])
            takes = ", ".join(known[name])
            hint = f"did you mean {guess!r}?" if guess else f"it takes {takes or 'no arguments'}"
            raise UserError(f"{where} has no argument {key!r}: {hint}")


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number, and neither true nor false."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_whole(value: Any) -> bool:
    """Return whether a value is a whole number, and neither true nor false."""
    return isinstance(value, int) and not isinstance(value, bool)


def check_number(
    component: str,
    key: str,
    value: Any,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
    whole: bool = False,
) -> None:
    """Refuse a value that is no number, or outside its limits.

    Parameters
    ----------
    component, key : str
        Named in the message.
    value : Any
        What the configuration says.
    low, high : float, optional
        Smallest and largest value.
    above, below : float, optional
        The value lies strictly above and below these.
    whole : bool
        Whether it must be a whole number.
    """
    fits = is_whole(value) if whole else is_number(value)
    if fits:
        fits = (
            (low is None or value >= low)
            and (high is None or value <= high)
            and (above is None or value > above)
            and (below is None or value < below)
        )
    if not fits:
        limits = [
            f"{word} {limit}"
            for word, limit in (("from", low), ("above", above), ("up to", high), ("below", below))
            if limit is not None
        ]
        kind = "a whole number" if whole else "a number"
        raise UserError(f"recipe component {component!r}: {key} {value!r} is not {' '.join([kind, *limits])}")


def check_switch(component: str, key: str, value: Any) -> None:
    """Refuse a value that is neither true nor false."""
    if not isinstance(value, bool):
        raise UserError(f"recipe component {component!r}: {key} {value!r} is neither true nor false")


def check_head(component: str, head: Any, setting: Setting) -> None:
    """Refuse a head that a network for this target does not have; None is the usual one."""
    heads = {"binary": (), "counts": ("counts",), "profile": ("counts", "profile")}[setting.target]
    if head is not None and head not in heads:
        choice = " or ".join(["null", *heads])
        raise UserError(
            f"recipe component {component!r}: head {head!r} is not one of the target {setting.target!r}: use {choice}"
        )


def check_rest(component: str, key: str, epochs: Any, setting: Setting) -> None:
    """Refuse a number of epochs without the component that leaves none with it."""
    check_number(component, key, epochs, low=0, whole=True)
    if setting.max_epochs is not None and epochs >= setting.max_epochs:
        raise UserError(
            f"recipe component {component!r}: {key} {epochs} leaves none of the {setting.max_epochs} epochs of "
            "trainer.max_epochs: lower it, or train longer"
        )
