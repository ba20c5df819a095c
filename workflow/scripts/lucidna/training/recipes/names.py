"""Names and limits of the recipe components; no torch here, so that the grid is planned fast."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from lucidna.errors import UserError
from lucidna.training.recipes.entries import distillation, evoaug, exponential, kmer_filters, standard
from lucidna.training.recipes.entries.common import Setting, check_words

# In the order in which the documentation lists them.
ENTRIES: dict[str, ModuleType] = {
    "standard": standard,
    "exponential": exponential,
    "kmer_filters": kmer_filters,
    "evoaug": evoaug,
    "distillation": distillation,
}

COMPONENTS: dict[str, dict[str, Any]] = {name: entry.DEFAULTS for name, entry in ENTRIES.items()}

# Two that say or do the same thing differently, with the reason.
EXCLUSIVE: dict[tuple[str, str], str] = {
    ("distillation", "label_smoothing"): "a distilled network sees no labels, so give label_smoothing to its teacher",
}


def check_recipe(
    components: Sequence[Sequence[Any]], *, target: str, window: int, class_name: str, first_kernel: int | None = None
) -> None:
    """Refuse a recipe that does not exist, or that does not go with these data.

    Parameters
    ----------
    components : list of [name, arguments]
        In order of application.
    target : str
        "binary", "counts" or "profile".
    window : int
        Input length in bp.
    class_name : str
        The architecture, named in the messages.
    first_kernel : int, optional
        Width in bp of its first filters; None where that is not known.

    Raises
    ------
    UserError
        Names the component, the argument and the value, and what to do.
    """
    names = [name for name, _ in components]
    for name, arguments in components:
        check_words(f"recipe component {name!r}", name, arguments, COMPONENTS, "recipe component")
        if names.count(name) > 1:
            raise UserError(f"recipe component {name!r} is given {names.count(name)} times: give it once")
    setting = Setting(target=target, window=window, class_name=class_name, first_kernel=first_kernel)
    for name, arguments in components:
        ENTRIES[name].check({**COMPONENTS[name], **arguments}, setting)
    for (first, second), reason in EXCLUSIVE.items():
        if first in names and second in names:
            raise UserError(f"recipe components {first!r} and {second!r} do not go together: {reason}")
