"""The methods by name, each giving the maps of a block of regions in the form in which they are averaged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from lucidna.attribution.audit import check_convergence, missing_rules
from lucidna.attribution.averaging import averaged
from lucidna.attribution.correction import correct, simplex_angles
from lucidna.attribution.deepshap import deepshap
from lucidna.attribution.expected_gradients import expected_gradients
from lucidna.attribution.integrated_gradients import integrated_gradients
from lucidna.attribution.ism import ism
from lucidna.attribution.saliency import saliency_and_output
from lucidna.attribution.smoothgrad import smoothgrad
from lucidna.attribution.surrogate import surrogate
from lucidna.errors import UserError, nearest

METHODS: dict[str, dict[str, Any]] = {
    "saliency": {"correction": True, "max_regions": None},
    "smoothgrad": {"samples": 50, "std": 0.1, "correction": True, "max_regions": None},
    "integrated_gradients": {"steps": 25, "max_regions": None},
    "expected_gradients": {"samples": 50, "max_regions": None},
    "deepshap": {"shuffles": 20, "max_delta": 1e-3, "max_regions": None},
    "ism": {"max_regions": None},
    "surrogate": {"mutants": 10_000, "rate": 0.1, "max_regions": 100},
}
"""The methods and their arguments with defaults."""


class MethodMaps(NamedTuple):
    """What a method says of a block of regions.

    Attributes
    ----------
    maps : array
        Hypothetical contributions, float32 (n, 4, L), in units of the output.
    delta : array or None
        float32 (n,), what the contributions fail to add up to, where a method promises a sum.
    angles : array or None
        float32 (n, L) degrees by which gradients leave the simplex.
    explained : array or None
        float32 (n,), share of the variance of unseen mutants that a surrogate explains.
    prediction : array or None
        float32 (n,) outputs, where the method's own passes give them.
    """

    maps: np.ndarray
    delta: np.ndarray | None = None
    angles: np.ndarray | None = None
    explained: np.ndarray | None = None
    prediction: np.ndarray | None = None


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
    average: Mapping[str, Any] | None = None,
    progress: Callable[[int], None] | None = None,
) -> MethodMaps:
    """Explain a block of regions by one network.

    Gradients are corrected (`correction.correct`) unless the argument `correction` is false; those of integrated
    gradients are by their reference. Maps of DeepSHAP and of expected gradients stay as they
    are, so that they sum to the difference from their references; maps of mutagenesis and of surrogates sum
    to zero over bases by definition. Columns of N bases are zero.

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
    average : mapping, optional
        `reverse_complement` and `shift` of `averaging.averaged`; what is measured beside the maps is then that
        of the sequences as they are, and the largest delta of all views.

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
    views: list[MethodMaps] = []

    def one(x: Tensor) -> np.ndarray:
        views.append(_explain(method, model, x, arguments=arguments, label=label, seed=seed, running=running))
        return views[-1].maps

    maps = averaged(one, onehot, **average) if average else one(onehot)
    found = views[0]._replace(maps=maps * (onehot.sum(dim=1, keepdim=True) > 0).numpy())
    if found.delta is not None:
        found = found._replace(delta=np.max([view.delta for view in views], axis=0))
    if not np.isfinite(found.maps).all():
        raise UserError(
            f"{method} of {label}: a map is not finite; leave this candidate out (attribution.models), or "
            "train it again with a lower learning rate"
        )
    return found


def _explain(
    method: str,
    model: nn.Module,
    onehot: Tensor,
    *,
    arguments: Mapping[str, Any],
    label: str,
    seed: int,
    running: Mapping[str, Any],
) -> MethodMaps:
    """Explain the sequences as they are given."""
    own = {name: value for name, value in arguments.items() if name not in ("max_regions", "max_delta", "correction")}
    if method == "deepshap":
        return _deepshap(model, onehot, arguments=arguments, label=label, seed=seed, running=running)
    if method == "saliency":
        raw, output = saliency_and_output(model, onehot, **running)
        return MethodMaps(_corrected(raw, arguments), angles=simplex_angles(raw), prediction=output)
    if method == "smoothgrad":
        raw = smoothgrad(model, onehot, seed=seed, **own, **running)
        return MethodMaps(_corrected(raw, arguments), angles=simplex_angles(raw))
    if method == "integrated_gradients":
        path = integrated_gradients(model, onehot, **own, **running)
        return MethodMaps(path.maps, delta=path.delta, prediction=path.prediction)
    if method == "expected_gradients":
        path = expected_gradients(model, onehot, seed=seed, **own, **running)
        return MethodMaps(path.maps, delta=path.delta, prediction=path.prediction)
    if method == "surrogate":
        fitted = surrogate(model, onehot, seed=seed, **own, **running)
        return MethodMaps(fitted.maps, explained=fitted.explained)
    return MethodMaps(ism(model, onehot, **running))


def _corrected(gradients: np.ndarray, arguments: Mapping[str, Any]) -> np.ndarray:
    return correct(gradients) if arguments["correction"] else gradients


def _deepshap(
    model: nn.Module,
    onehot: Tensor,
    *,
    arguments: Mapping[str, Any],
    label: str,
    seed: int,
    running: Mapping[str, Any],
) -> MethodMaps:
    """Explain by DeepSHAP, and refuse maps that do not add up."""
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
    return MethodMaps(result.maps, delta=result.delta, prediction=result.prediction)
