"""Names and limits of the recipe components; no torch here, so that the grid is planned fast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from lucidna.errors import UserError
from lucidna.training.recipes.entries import (
    adversarial,
    angle_penalty,
    conjoined,
    distillation,
    dropout_schedule,
    ema,
    evoaug,
    exponential,
    fourier_prior,
    input_noise,
    jacobian_penalty,
    kmer_filters,
    label_smoothing,
    manifold_mixup,
    manifold_noise,
    mixup,
    sam,
    spectral_norm,
    standard,
    swa,
)
from lucidna.training.recipes.entries.common import Setting, check_words

# In the order in which the documentation lists them.
ENTRIES: dict[str, ModuleType] = {
    "standard": standard,
    "exponential": exponential,
    "kmer_filters": kmer_filters,
    "evoaug": evoaug,
    "spectral_norm": spectral_norm,
    "dropout_schedule": dropout_schedule,
    "conjoined": conjoined,
    "ema": ema,
    "swa": swa,
    "sam": sam,
    "fourier_prior": fourier_prior,
    "angle_penalty": angle_penalty,
    "jacobian_penalty": jacobian_penalty,
    "adversarial": adversarial,
    "mixup": mixup,
    "manifold_mixup": manifold_mixup,
    "input_noise": input_noise,
    "manifold_noise": manifold_noise,
    "label_smoothing": label_smoothing,
    "distillation": distillation,
}

COMPONENTS: dict[str, dict[str, Any]] = {name: entry.DEFAULTS for name, entry in ENTRIES.items()}

# Two that say or do the same thing differently, with the reason.
EXCLUSIVE: dict[tuple[str, str], str] = {
    ("ema", "swa"): "both put an average in the place of the weights, so keep one of them",
    ("mixup", "manifold_mixup"): "manifold_mixup draws the input as one of its layers, so keep one of them",
    ("input_noise", "manifold_noise"): "manifold_noise draws the input as one of its layers, so keep one of them",
    (
        "adversarial",
        "manifold_noise",
    ): "manifold_noise draws the input as one of its layers and would move attacked inputs out of the attack's radius, "
    "so keep one of them",
    ("distillation", "label_smoothing"): "a distilled network sees no labels, so give label_smoothing to its teacher",
    ("distillation", "conjoined"): "the log-variance has one value per sequence, so give conjoined to its teacher",
    ("distillation", "mixup"): "the members have not seen mixed sequences, so give mixup to its teacher",
    ("distillation", "manifold_mixup"): "the members have no mixed layers, so give manifold_mixup to its teacher",
    ("distillation", "adversarial"): "the members have not seen attacked sequences, so give adversarial to its teacher",
}

DIFFERENTIATED_TWICE = ("fourier_prior", "angle_penalty", "jacobian_penalty")
"""Components whose loss holds the gradient to the input."""

HOOKED = ("manifold_mixup", "manifold_noise", "distillation")
"""Components that hang hooks on layers in each step, which code compiled before ignores without a word."""

ON_ONE_HOT = ("input_noise", "evoaug")
"""Components that change the one-hot input of a row, beside the attack; mixup mixes what the attack gives."""


def check_recipe(
    components: Sequence[Sequence[Any]],
    *,
    target: str,
    window: int,
    class_name: str,
    first_kernel: int | None = None,
    max_epochs: int | None = None,
    dropout: bool | None = None,
    precision: str = "32-true",
    compiled: bool = False,
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
    max_epochs : int, optional
        Of the trainer; None where that is not known.
    dropout : bool, optional
        Whether the architecture, by itself, has dropout layers; None where that is not known.
    precision : str
        Of the trainer.
    compiled : bool
        Whether the trainer compiles the network.

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
    setting = Setting(
        target=target,
        window=window,
        class_name=class_name,
        first_kernel=first_kernel,
        max_epochs=max_epochs,
        dropout=dropout,
        precision=precision,
        others={name: {**COMPONENTS[name], **arguments} for name, arguments in components},
    )
    for name, arguments in components:
        ENTRIES[name].check({**COMPONENTS[name], **arguments}, setting)
    for (first, second), reason in EXCLUSIVE.items():
        if first in names and second in names:
            raise UserError(f"recipe components {first!r} and {second!r} do not go together: {reason}")
    _check_attack_is_last(components)
    hooked = [name for name in names if name in HOOKED]
    if compiled and hooked:
        raise UserError(
            f"recipe component {hooked[0]!r} looks into the network's layers, which a compiled network does not allow: "
            "set grid.trainer.compile to false, or leave the component out"
        )
    twice = [name for name in names if name in DIFFERENTIATED_TWICE]
    if compiled and twice:
        raise UserError(
            f"recipe component {twice[0]!r} differentiates the gradient, which a compiled network does not allow: set "
            "grid.trainer.compile to false, or leave the component out"
        )


def _check_attack_is_last(components: Sequence[Sequence[Any]]) -> None:
    """Refuse what would move an attacked input out of the attack's box."""
    names = [name for name, _ in components]
    if "adversarial" not in names:
        return
    after = names[names.index("adversarial") + 1 :]
    for name, arguments in components:
        if name in after and name in ON_ONE_HOT and _adds_noise(name, arguments):
            raise UserError(
                f"recipe component 'adversarial' stands before {name!r}, which would move the attacked inputs out of "
                "the attack's radius: put it after"
            )


def _adds_noise(name: str, arguments: Mapping[str, Any]) -> bool:
    """Return whether a component changes one-hot columns; of evoaug's operations only noise does."""
    return name != "evoaug" or "noise" in [operation for operation, _ in evoaug.resolve_evoaug(arguments)["operations"]]
