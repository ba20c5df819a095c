"""Names, arguments and limits of the architectures; imports no torch, so that the grid is planned fast."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from lucidna.errors import UserError, nearest

ACTIVATIONS = ("relu", "exponential")

# Arguments that every architecture takes: the activation of the first layer, and one rate for every dropout
# layer (null: each layer keeps the architecture's own rate).
_COMMON: dict[str, Any] = {"first_activation": "relu", "dropout": None}

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "cnn_shallow": {
        **_COMMON,
        "filters": [24, 48],
        "kernel_sizes": [19, 3],  # bp
        "pool_sizes": None,  # null: [50, 2], the first lowered to a quarter of an input shorter than 200 bp
        "dense": [96],
    },
    "cnn_deep": {
        **_COMMON,
        "filters": [24, 32, 48, 64],
        "kernel_sizes": [19, 7, 7, 3],  # bp
        "pool_sizes": [1, 4, 4, 3],
        "dense": [96],
    },
    "basset": {
        **_COMMON,
        "filters": [300, 200, 200],
        "kernel_sizes": [19, 11, 7],  # bp
        "pool_sizes": [3, 4, 4],
        "dense": [1000, 1000],
    },
    "deepstarr": {
        **_COMMON,
        "filters": [256, 60, 60, 120],
        "kernel_sizes": [7, 3, 5, 3],  # bp
        "pool_sizes": [2, 2, 2, 2],
        "dense": [256, 256],
    },
    "bpnet": {
        **_COMMON,
        "n_filters": 64,
        "n_layers": 8,  # dilated layers; the dilation doubles with each
        "first_kernel": 21,  # bp
        "profile_kernel": 75,  # bp
    },
}

# The architectures whose own rate of dropout is 0.
NO_DROPOUT = ("bpnet",)

# The architectures that predict base by base.
PROFILE_ARCHITECTURES = ("bpnet",)

_LISTS = ("filters", "kernel_sizes", "pool_sizes", "dense")


def shallow_pool_sizes(input_length: int) -> list[int]:
    """Return the pool sizes of cnn_shallow for an input of `input_length` bp: [50, 2] from 200 bp on."""
    return [min(50, max(1, input_length // 4)), 2]


def minimum_length(name: str, arguments: Mapping[str, Any]) -> int:
    """Return the shortest input in bp that leaves one position after the last pooling layer."""
    if name in PROFILE_ARCHITECTURES:
        return 1
    pool_sizes = {**ARCHITECTURES[name], **arguments}["pool_sizes"]
    return 2 if pool_sizes is None else math.prod(pool_sizes)


def first_kernel(name: str, arguments: Mapping[str, Any]) -> int:
    """Return the width in bp of an architecture's first filters."""
    complete = {**ARCHITECTURES[name], **arguments}
    return complete["first_kernel"] if "first_kernel" in complete else complete["kernel_sizes"][0]


def has_dropout(name: str, arguments: Mapping[str, Any]) -> bool:
    """Return whether an architecture has dropout layers with a rate above 0, without a recipe that gives it one."""
    rate = {**ARCHITECTURES[name], **arguments}["dropout"]
    return name not in NO_DROPOUT if rate is None else rate > 0


def check_architecture(
    name: str,
    arguments: Mapping[str, Any],
    *,
    target: str,
    input_length: int,
    output_length: int | None = None,
) -> None:
    """Refuse an architecture that does not exist, or that cannot be built for these data.

    Parameters
    ----------
    name : str
        A key of `ARCHITECTURES`.
    arguments : mapping
        The arguments given by the user; what is not given takes its default.
    target : str
        "binary", "counts" or "profile".
    input_length, output_length : int
        Window in bp; `output_length` matters only for the target "profile".

    Raises
    ------
    UserError
        Names the word or the value, and what to do.
    """
    if name not in ARCHITECTURES:
        guess = nearest(name, ARCHITECTURES)
        hint = f"did you mean {guess!r}?" if guess else f"use one of {', '.join(ARCHITECTURES)}"
        raise UserError(f"there is no architecture {name!r}: {hint}")
    _check_arguments(name, arguments)
    if target not in ("binary", "counts", "profile"):
        raise UserError(f"target {target!r} is none of binary, counts, profile: choose one of them")
    if target == "profile" and name not in PROFILE_ARCHITECTURES:
        raise UserError(
            f"architecture {name!r} predicts one number per task and cannot have the target 'profile': "
            f"use {' or '.join(PROFILE_ARCHITECTURES)}, or the target 'counts'"
        )
    if target == "profile" and output_length is not None and output_length > input_length:
        raise UserError(
            f"window: the output ({output_length} bp) is longer than the input ({input_length} bp): "
            "lower window.output or raise window.input"
        )
    shortest = minimum_length(name, arguments)
    if input_length < shortest:
        raise UserError(
            f"architecture {name!r} needs an input of at least {shortest} bp and window.input is "
            f"{input_length}: raise it, lower pool_sizes, or use another architecture"
        )


def _check_arguments(name: str, arguments: Mapping[str, Any]) -> None:
    allowed = ARCHITECTURES[name]
    for key, value in arguments.items():
        if key not in allowed:
            guess = nearest(key, allowed)
            hint = f"did you mean {guess!r}?" if guess else f"it takes {', '.join(allowed)}"
            raise UserError(f"architecture {name!r} has no argument {key!r}: {hint}")
        if key == "first_activation":
            if value not in ACTIVATIONS:
                raise UserError(
                    f"architecture {name!r}: first_activation {value!r} is none of {', '.join(ACTIVATIONS)}"
                )
        elif key == "dropout":
            if value is not None and not (_is_number(value) and 0 <= value < 1):
                raise UserError(
                    f"architecture {name!r}: dropout {value!r} is not a number from 0 up to, not including, 1"
                )
        elif key in _LISTS:
            _check_sizes(name, key, value)
        elif not _is_size(value):
            raise UserError(f"architecture {name!r}: {key} {value!r} is not a whole number above 0")
    layers = {**allowed, **arguments}
    if "filters" in layers:
        for key in ("kernel_sizes", "pool_sizes"):
            if layers[key] is not None and len(layers[key]) != len(layers["filters"]):
                raise UserError(
                    f"architecture {name!r}: {key} has {len(layers[key])} entries for "
                    f"{len(layers['filters'])} filters: give one per convolution"
                )
    if name == "cnn_shallow" and layers["pool_sizes"] is None and len(layers["filters"]) != 2:
        raise UserError(f"architecture 'cnn_shallow': give pool_sizes for its {len(layers['filters'])} convolutions")


def _check_sizes(name: str, key: str, value: Any) -> None:
    if value is None and ARCHITECTURES[name][key] is None:
        return
    if not isinstance(value, list | tuple) or not value or not all(_is_size(size) for size in value):
        raise UserError(f"architecture {name!r}: {key} {value!r} is not a list of whole numbers above 0, one per layer")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
