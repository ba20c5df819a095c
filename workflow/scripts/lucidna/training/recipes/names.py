"""Names, arguments and limits of the recipe components; no torch here, so that the grid is planned fast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lucidna.errors import UserError, nearest
from lucidna.kmers import LONGEST

COMPONENTS: dict[str, dict[str, Any]] = {
    "standard": {
        "weight_decay": 1e-6,
        "dropout": None,  # null: the architecture's own rates
        "reverse_complement": True,  # each training sequence, with its signals, with probability 1/2
        "jitter": True,  # shifts of up to window.jitter bp, drawn anew each epoch
    },
    "exponential": {"first_activation": "exponential"},
    "kmer_filters": {
        "k": 7,  # bp
        "share": 0.5,  # largest share of the first layer's filters that start from a word
    },
    "evoaug": {
        "preset": None,  # deepstarr | chip | basset; null: chip where no operations are given
        "operations": None,  # in order of application, each a name or {name: {argument: value}}
        "per_sequence": None,  # distinct operations applied to a sequence; null: the preset's, or 2
        "hard": None,  # true: always so many; false: 1 up to so many; null: the preset's, or false
        "finetune_epochs": 5,
        "finetune_factor": 0.1,  # learning rate of the second stage, as a multiple of the first's
    },
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

# These move bases against the signal below them.
_MOVES_BASES = ("deletion", "insertion", "translocation", "inversion")
_PROBABILITIES = ("fraction", "probability")
_SWITCHES = {"standard": ("reverse_complement", "jitter")}


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
        _check_words(f"recipe component {name!r}", name, arguments, COMPONENTS, "recipe component")
        if names.count(name) > 1:
            raise UserError(f"recipe component {name!r} is given {names.count(name)} times: give it once")
    for name, arguments in components:
        settings = {**COMPONENTS[name], **arguments}
        if name == "standard":
            _check_standard(settings)
        elif name == "exponential":
            if settings["first_activation"] not in ("exponential", "relu"):
                raise UserError(
                    f"recipe component 'exponential': first_activation {settings['first_activation']!r} is "
                    f"neither 'exponential' nor 'relu': {class_name!r} has no other"
                )
        elif name == "kmer_filters":
            _check_kmer_filters(settings, class_name=class_name, first_kernel=first_kernel)
        elif name == "evoaug":
            _check_evoaug(settings, target=target, window=window)


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
    settings = {**COMPONENTS["evoaug"], **arguments}
    preset = settings.pop("preset")
    if preset is None and settings["operations"] is None:
        preset = "chip"
    if preset is not None and settings["operations"] is not None:
        raise UserError(f"evoaug: give either the preset {preset!r} or operations, not both")
    if preset is not None and preset not in PRESETS:
        guess = nearest(str(preset), PRESETS)
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
        _check_words(f"evoaug operation {name!r}", name, given, OPERATIONS, "evoaug operation")
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


def _check_words(
    where: str, name: str, arguments: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]], kind: str
) -> None:
    if name not in known:
        guess = nearest(name, known)
        hint = f"did you mean {guess!r}?" if guess else f"use one of {', '.join(known)}"
        raise UserError(f"there is no {kind} {name!r}: {hint}")
    for key in arguments:
        if key not in known[name]:
            guess = nearest(key, known[name])
            hint = f"did you mean {guess!r}?" if guess else f"it takes {', '.join(known[name])}"
            raise UserError(f"{where} has no argument {key!r}: {hint}")


def _check_standard(settings: Mapping[str, Any]) -> None:
    if not _is_number(settings["weight_decay"]) or settings["weight_decay"] < 0:
        raise UserError(
            f"recipe component 'standard': weight_decay {settings['weight_decay']!r} is not a number from 0"
        )
    rate = settings["dropout"]
    if rate is not None and not (_is_number(rate) and 0 <= rate < 1):
        raise UserError(f"recipe component 'standard': dropout {rate!r} is not a number from 0 up to, not including, 1")
    for key in _SWITCHES["standard"]:
        if not isinstance(settings[key], bool):
            raise UserError(f"recipe component 'standard': {key} {settings[key]!r} is neither true nor false")


def _check_kmer_filters(settings: Mapping[str, Any], *, class_name: str, first_kernel: int | None) -> None:
    k, share = settings["k"], settings["share"]
    if not _is_whole(k) or not 4 <= k <= LONGEST:
        raise UserError(f"recipe component 'kmer_filters': k {k!r} is not a whole number of bp from 4 to {LONGEST}")
    if first_kernel is not None and k > first_kernel:
        raise UserError(
            f"recipe component 'kmer_filters': k {k} is longer than the first filters of {class_name!r}, "
            f"{first_kernel} bp: lower k or widen the filters"
        )
    if not _is_number(share) or not 0 < share <= 1:
        raise UserError(f"recipe component 'kmer_filters': share {share!r} is not a number above 0, up to 1")


def _check_evoaug(arguments: Mapping[str, Any], *, target: str, window: int) -> None:
    settings = resolve_evoaug(arguments)
    for name, given in settings["operations"]:
        _check_operation(name, given, window=window)
        if target == "profile" and name in _MOVES_BASES:
            raise UserError(
                f"evoaug: {name} moves bases away from the signal measured on them and cannot go with the "
                "target 'profile': give operations out of mutation, noise, reverse_complement, or use the "
                "target 'counts'"
            )
    count = settings["per_sequence"]
    if not _is_whole(count) or not 1 <= count <= len(settings["operations"]):
        raise UserError(
            f"evoaug: per_sequence {count!r} is not a whole number from 1 to the number of operations, "
            f"{len(settings['operations'])}"
        )
    if not isinstance(settings["hard"], bool):
        raise UserError(f"evoaug: hard {settings['hard']!r} is neither true nor false")
    if not _is_whole(settings["finetune_epochs"]) or settings["finetune_epochs"] < 0:
        raise UserError(
            f"evoaug: finetune_epochs {settings['finetune_epochs']!r} is not a whole number from 0 (0: no second stage)"
        )
    if not _is_number(settings["finetune_factor"]) or settings["finetune_factor"] <= 0:
        raise UserError(f"evoaug: finetune_factor {settings['finetune_factor']!r} is not a number above 0")


def _check_operation(name: str, given: Mapping[str, Any], *, window: int) -> None:
    for key, value in given.items():
        if key in _PROBABILITIES and not (_is_number(value) and 0 <= value <= 1):
            raise UserError(f"evoaug: {key} {value!r} of {name} is not a number from 0 to 1")
        if key in ("mean", "std") and not (_is_number(value) and (key == "mean" or value >= 0)):
            raise UserError(f"evoaug: {key} {value!r} of {name} is not a number{' from 0' * (key == 'std')}")
        if key in ("min", "max") and not (_is_whole(value) and value >= 0):
            raise UserError(f"evoaug: {key} {value!r} of {name} is not a whole number of bp from 0")
    if "max" in given:
        if given["min"] > given["max"]:
            raise UserError(f"evoaug: min {given['min']} of {name} is larger than its max {given['max']}")
        if given["max"] > window:
            raise UserError(f"evoaug: max {given['max']} of {name} is longer than the input of {window} bp: lower it")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
