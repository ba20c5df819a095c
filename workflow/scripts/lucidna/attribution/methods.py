"""The methods by name, each giving the maps of a block of regions in the form in which they are averaged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from lucidna.attribution.audit import check_convergence, missing_rules
from lucidna.attribution.correction import correct, simplex_angles
from lucidna.attribution.deepshap import deepshap
from lucidna.attribution.ism import ism
from lucidna.attribution.saliency import saliency
from lucidna.errors import UserError, nearest

METHODS: dict[str, dict[str, Any]] = {
    "saliency": {"max_regions": None},
    "deepshap": {"shuffles": 20, "max_delta": 1e-3, "max_regions": None},
    "ism": {"max_regions": None},
}
"""The methods and their arguments with defaults."""


class MethodMaps(NamedTuple):
    """What a method says of a block of regions.

    Attributes
    ----------
    maps : array
        Hypothetical contributions, float32 (n, 4, L), in units of the output.
    delta : array or None
        float32 (n,) convergence deltas of DeepSHAP.
    angles : array or None
        float32 (n, L) degrees by which gradients leave the simplex.
    """

    maps: np.ndarray
    delta: np.ndarray | None = None
    angles: np.ndarray | None = None


def method_arguments(method: str, arguments: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the arguments of a method with its defaults filled in.

    Raises
    ------
    UserError
        For a method or an argument that does not exist.
    """
    check_name(method, METHODS, "attribution method")
    for name in arguments or {}:
        check_name(name, METHODS[method], f"argument of {method}")
    return {**METHODS[method], **(arguments or {})}


def check_name(word: str, options: Mapping[str, Any] | list[str] | tuple[str, ...], what: str) -> None:
    """Refuse a word that is not among the options, with the nearest one."""
    if word not in options:
        guess = nearest(word, options)
        hint = f"did you mean {guess!r}?" if guess else f"use one of {', '.join(options)}"
        raise UserError(f"there is no {what} {word!r}: {hint}")


def explain(
    method: str,
    model: nn.Module,
    onehot: Tensor,
    *,
    arguments: Mapping[str, Any],
    label: str,
    seed: int,
    batch_size: int,
    device: str,
    progress: Callable[[int], None] | None = None,
) -> MethodMaps:
    """Explain a block of regions by one network.

    Gradients are corrected (`correction.correct`). DeepSHAP maps stay as they are, so that they sum to the
    difference from their references; maps of mutagenesis sum to zero over bases by definition. Columns of N
    bases are zero.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    model : nn.Module
        Network with output (N, 1).
    onehot : Tensor
        float32 (n, 4, L).
    arguments : mapping
        From `method_arguments`.
    label : str
        The candidate's id, for messages.
    seed, batch_size, device, progress
        As for `deepshap.deepshap`.

    Returns
    -------
    MethodMaps
        Maps, and what was measured beside them.

    Raises
    ------
    UserError
        When DeepSHAP does not converge or a map is not finite.
    """
    running = {"batch_size": batch_size, "device": device, "progress": progress}
    if method == "saliency":
        raw = saliency(model, onehot, **running)
        found = MethodMaps(correct(raw), angles=simplex_angles(raw))
    elif method == "deepshap":
        if any(isinstance(module, torch.jit.ScriptModule) for module in model.modules()):
            raise UserError(
                f"deepshap of {label}: a TorchScript program has no modules that could be given DeepLIFT rules; use "
                "the methods ism or saliency, or leave it out of attribution.models"
            )
        result = deepshap(model, onehot, shuffles=arguments["shuffles"], seed=seed, **running)
        limit = {"max_delta": arguments["max_delta"], "scale": float(np.median(result.difference))}
        try:
            check_convergence(result.delta, **limit)
        except UserError:
            missing = missing_rules(model, onehot)
            check_convergence(result.delta, **limit, missing=missing, label=f"deepshap of {label}")
        found = MethodMaps(result.maps, delta=result.delta)
    else:
        found = MethodMaps(ism(model, onehot, **running))
    if not np.isfinite(found.maps).all():
        raise UserError(
            f"{method} of {label}: a map is not finite; leave this candidate out (attribution.models), or "
            "train it again with a lower learning rate"
        )
    return found._replace(maps=found.maps * (onehot.sum(dim=1, keepdim=True) > 0).numpy())
