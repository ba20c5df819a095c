"""The component `evoaug`: its presets, operations and limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lucidna.errors import UserError, nearest
from lucidna.training.recipes.entries.common import Setting, check_words, is_number, is_whole

DEFAULTS: dict[str, Any] = {
    "preset": None,  # deepstarr | chip | basset; null: chip where no operations are given
    "operations": None,  # in order of application, each a name or {name: {argument: value}}
    "per_sequence": None,  # distinct operations applied to a sequence; null: the preset's, or 2
    "hard": None,  # true: always so many; false: 1 up to so many; null: the preset's, or false
    "finetune_epochs": 5,
    "finetune_factor": 0.1,  # learning rate of the second stage, as a multiple of the first's
}

# EvoAug's operations with their arguments and defaults (Lee et al., Genome Biol 24:105, 2023); lengths in bp.
OPERATIONS: dict[str, dict[str, Any]] = {
    "deletion": {"min": 0, "max": 20},
    "insertion": {"min": 0, "max": 20},
    "translocation": {"min": 0, "max": 20},
    "inversion": {"min": 0, "max": 20},
    "mutation": {"fraction": 0.05},
    "reverse_complement": {"probability": 0.5},
    "noise": {"mean": 0.0, "std": 0.2},
}

# The sets chosen in the paper for each kind of assay.
PRESETS: dict[str, dict[str, Any]] = {
    "deepstarr": {
        "operations": [
            {"deletion": {"max": 30}},
            {"insertion": {"max": 20}},
            {"translocation": {"max": 20}},
            {"noise": {"std": 0.3}},
            {"mutation": {"fraction": 0.05}},
        ],
        "per_sequence": 3,
        "hard": True,
    },
    "chip": {
        "operations": [
            {"reverse_complement": {"probability": 0.5}},
            {"deletion": {"max": 30}},
            {"insertion": {"max": 20}},
            {"translocation": {"max": 20}},
            {"noise": {"std": 0.3}},
            {"mutation": {"fraction": 0.05}},
        ],
        "per_sequence": 3,
        "hard": False,
    },
    "basset": {
        "operations": [
            {"reverse_complement": {"probability": 0.5}},
            {"deletion": {"max": 30}},
            {"insertion": {"max": 30}},
            {"translocation": {"max": 30}},
            {"noise": {"std": 0.3}},
            {"mutation": {"fraction": 0.15}},
        ],
        "per_sequence": 3,
        "hard": True,
    },
}

_PROBABILITIES = ("fraction", "probability")
_MOST_MUTATED = 0.75


def check(settings: Mapping[str, Any], setting: Setting) -> None:
    """Refuse operations that do not exist or do not go with the target and the window."""
    settings = resolve_evoaug(settings)
    names = [name for name, _ in settings["operations"]]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"evoaug: the operation {name} is given {names.count(name)} times: give it once")
    for name, given in settings["operations"]:
        _check_operation(name, given, window=setting.window)
        if setting.target == "profile" and name == "inversion":
            raise UserError(
                "evoaug: inversion turns bases over where they are, and the signal on them is then not known: leave "
                "it out for the target 'profile', or use the target 'counts'"
            )
    count = settings["per_sequence"]
    if not is_whole(count) or not 1 <= count <= len(settings["operations"]):
        raise UserError(
            f"evoaug: per_sequence {count!r} is not a whole number from 1 to the number of operations, "
            f"{len(settings['operations'])}"
        )
    if not isinstance(settings["hard"], bool):
        raise UserError(f"evoaug: hard {settings['hard']!r} is neither true nor false")
    if not is_whole(settings["finetune_epochs"]) or settings["finetune_epochs"] < 0:
        raise UserError(
            f"evoaug: finetune_epochs {settings['finetune_epochs']!r} is not a whole number from 0 (0: no second stage)"
        )
    if not is_number(settings["finetune_factor"]) or settings["finetune_factor"] <= 0:
        raise UserError(f"evoaug: finetune_factor {settings['finetune_factor']!r} is not a number above 0")


def _check_operation(name: str, given: Mapping[str, Any], *, window: int) -> None:
    for key, value in given.items():
        if key in _PROBABILITIES and not (is_number(value) and 0 <= value <= 1):
            raise UserError(f"evoaug: {key} {value!r} of {name} is not a number from 0 to 1")
        if key == "fraction" and name == "mutation" and value > _MOST_MUTATED:
            raise UserError(
                f"evoaug: fraction {value!r} of {name} is more than {_MOST_MUTATED}, what changes when every base is "
                "drawn again: lower it"
            )
        if key in ("mean", "std") and not (is_number(value) and (key == "mean" or value >= 0)):
            raise UserError(f"evoaug: {key} {value!r} of {name} is not a number{' from 0' * (key == 'std')}")
        if key in ("min", "max") and not (is_whole(value) and value >= 0):
            raise UserError(f"evoaug: {key} {value!r} of {name} is not a whole number of bp from 0")
    if "max" in given:
        if given["min"] > given["max"]:
            raise UserError(f"evoaug: min {given['min']} of {name} is larger than its max {given['max']}")
        if given["max"] >= window:
            raise UserError(
                f"evoaug: max {given['max']} of {name} leaves none of the input of {window} bp as it is: lower it"
            )


def resolve_evoaug(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return EvoAug's settings with the preset, if any, and all defaults written out.

    Returns
    -------
    dict
        `operations` (list of (name, complete arguments)), `per_sequence`, `hard`, `finetune_epochs`,
        `finetune_factor`.

    Raises
    ------
    UserError
        For an unknown preset, operation or argument, or operations that are not a list.
    """
    settings = {**DEFAULTS, **arguments}
    preset = settings.pop("preset")
    if preset is None and settings["operations"] is None:
        preset = "chip"
    if preset is not None and settings["operations"] is not None:
        raise UserError(f"evoaug: give either the preset {preset!r} or operations, not both")
    if preset is not None and (not isinstance(preset, str) or preset not in PRESETS):
        guess = nearest(str(preset).lower(), PRESETS)
        hint = f"did you mean {guess!r}?" if guess else f"use one of {', '.join(PRESETS)}"
        raise UserError(f"evoaug has no preset {preset!r}: {hint}")
    base = PRESETS.get(preset, {"hard": False})
    for key, value in base.items():
        if settings[key] is None:
            settings[key] = value
    if not isinstance(settings["operations"], list | tuple) or not settings["operations"]:
        raise UserError(
            f"evoaug: operations {settings['operations']!r} is not a list with at least one operation: write "
            "for example [deletion, {noise: {std: 0.3}}]"
        )
    operations = []
    for entry in settings["operations"]:
        name, given = _split_operation(entry)
        check_words(f"evoaug operation {name!r}", name, given, OPERATIONS, "evoaug operation")
        operations.append((name, {**OPERATIONS[name], **given}))
    settings["operations"] = operations
    if settings["per_sequence"] is None:
        settings["per_sequence"] = min(2, len(operations))
    return settings


def _split_operation(entry: Any) -> tuple[str, dict[str, Any]]:
    if isinstance(entry, str):
        return entry, {}
    if isinstance(entry, Mapping) and len(entry) == 1:
        name, given = next(iter(entry.items()))
        if given is None or isinstance(given, Mapping):
            return name, dict(given or {})
    raise UserError(
        f"evoaug: operation {entry!r} is neither a name nor one name with its arguments: write deletion or "
        "{deletion: {max: 30}}"
    )
