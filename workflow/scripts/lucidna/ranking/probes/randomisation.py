"""Sanity: maps of a network whose weights were drawn anew must not look like its own."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from lucidna.ranking.probes.cosine import region_cosine


def randomised_similarity(
    explains: Sequence[Callable[[np.ndarray], np.ndarray]], onehot: np.ndarray, corrected: np.ndarray
) -> np.ndarray:
    """Mean absolute cosine of each map with those of randomised copies of its network; low is good.

    Parameters
    ----------
    explains
        One function per copy, one-hot sequences (N, 4, L) -> corrected maps (N, 4, L).
    onehot, corrected
        As in `reverse_complement.rc_stability`.

    Returns
    -------
    (N,) in [0, 1].

    Notes
    -----
    Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018. The sign is dropped, as there: weights drawn
    anew have no sign in common with the old ones.
    """
    return np.mean([np.abs(region_cosine(corrected, explain(onehot))) for explain in explains], axis=0)


def weighted_layers(network: nn.Module, onehot: Tensor) -> list[str]:
    """Name the layers with weights that the output depends on, in the order in which they run.

    Parameters
    ----------
    network
        (N, 4, L) -> (N, 1).
    onehot
        A few sequences to run it on.

    Returns
    -------
    Names as in `named_modules`; normalisation layers, whose weights are one number per channel, are not among
    them. Layers of a compiled program do not tell when they run: they come last, in the order in which it lists
    them.
    """
    ran: dict[str, None] = {}
    modules = dict(network.named_modules())
    weights = {
        name: [weight for weight in module.parameters(recurse=False) if weight.ndim >= 2]
        for name, module in modules.items()
    }
    weights = {name: found for name, found in weights.items() if found}
    flat = [weight for found in weights.values() for weight in found]
    if not flat:
        return []
    hooks = [
        modules[name].register_forward_hook(lambda *_, name=name: ran.setdefault(name))
        for name in weights
        if not isinstance(modules[name], torch.jit.ScriptModule)  # it takes no hook
    ]
    frozen = [weight for weight in flat if not weight.requires_grad]
    try:
        for weight in frozen:
            weight.requires_grad_()
        with torch.enable_grad():
            found = torch.autograd.grad(network(onehot).sum(), flat, allow_unused=True)
            used = {id(weight) for weight, gradient in zip(flat, found, strict=True) if gradient is not None}
    finally:
        for hook in hooks:
            hook.remove()
        for weight in frozen:
            weight.requires_grad_(False)
    order = [*ran, *(name for name in weights if name not in ran)]
    return [name for name in order if any(id(weight) in used for weight in weights[name])]


def redrawn(network: nn.Module, layers: Sequence[str] | None, *, seed: int) -> nn.Module:
    """Return a copy of a network with some or all of its weights drawn anew.

    Parameters
    ----------
    network
        Is not changed.
    layers
        Names of layers; None for all, normalisation layers included.
    seed
        Of the draw.

    Returns
    -------
    nn.Module
        Layers that can reset themselves (all of torch's own) do so; other weights are drawn from a normal
        distribution of the same second moment.
    """
    other = copy.deepcopy(network)
    modules = dict(other.named_modules())
    names = [name for name, module in modules.items() if layers is None or name in layers]
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for name in names:
            module = modules[name]
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()
                continue
            for weight in module.parameters(recurse=False):
                deviation = weight.detach().double().square().mean().sqrt()
                weight.copy_(torch.randn(weight.shape) * deviation)
    return other.eval()
