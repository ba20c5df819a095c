"""DeepLIFT rules for activations that tangermeme does not know by name."""

from __future__ import annotations

from collections.abc import Callable

import torch
from tangermeme.deep_lift_shap import _build_nonlinear_ops, _nonlinear
from torch import nn


def extra_rules(model: nn.Module) -> dict[type, Callable]:
    """Return the rescale rule for every elementwise activation of the network without a rule of its own.

    A module class is given the rule when it has neither children, parameters nor buffers and a probe shows
    that each output depends on its own input alone, and not linearly: an exponential first layer, for
    instance.

    Parameters
    ----------
    model : nn.Module
        The network.

    Returns
    -------
    dict
        Module class -> rule, for tangermeme's `additional_nonlinear_ops`.
    """
    known = _build_nonlinear_ops()
    unknown = {type(module): module for module in model.modules() if type(module) not in known}
    return {kind: _nonlinear for kind, module in unknown.items() if _is_activation(module)}


def ruled_classes(model: nn.Module) -> set[type]:
    """Return the module classes that DeepSHAP propagates through with a rule."""
    return set(_build_nonlinear_ops()) | set(extra_rules(model))


def _is_activation(module: nn.Module) -> bool:
    """Whether the module is an elementwise non-linear function, by trying it on one small tensor."""
    if any(True for _ in module.children()) or module.state_dict():
        return False
    probe = 2 * torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    # One changed value per row and channel, each at a position of its own.
    changed = probe.clone()
    where = (torch.arange(2)[:, None], torch.arange(3)[None], torch.arange(6).reshape(2, 3) % 5)
    changed[where] += 1.0
    try:
        with torch.no_grad():
            before, after = module(probe), module(changed)
            doubled, zero = module(2 * probe), module(torch.zeros_like(probe))
    except Exception:  # a module with another input shape is no elementwise activation
        return False
    if not isinstance(before, torch.Tensor) or before.shape != probe.shape:
        return False
    touched = torch.zeros(probe.shape, dtype=torch.bool)
    touched[where] = True
    elementwise = torch.equal(before[~touched], after[~touched])
    affine = torch.allclose(doubled - 2 * before + zero, torch.zeros_like(probe))
    return elementwise and not affine
