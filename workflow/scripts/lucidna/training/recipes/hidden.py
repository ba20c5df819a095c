"""The hidden layers of a network, changing one of them for one pass, and passes beside that of the loss."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from lucidna.models.bpnet import BPNet
from lucidna.models.layers import Exponential

_ACTIVATIONS = (nn.ReLU, Exponential)


@dataclasses.dataclass(frozen=True)
class HiddenLayer:
    """A module after which the whole state of the network is known.

    Attributes
    ----------
    module : nn.Module
        Its output is the state, or what is added to its input to give the state.
    residual : bool
        Whether it is the latter.
    """

    module: nn.Module
    residual: bool


def hidden_layers(model: nn.Module) -> list[HiddenLayer]:
    """Return the hidden layers: every activation, and of residual blocks the sum that leaves the block.

    An activation inside a residual block is not the whole state: what goes around it would stay unmixed.
    """
    blocks = [block for part in model.modules() if isinstance(part, BPNet) for block in part.layers]
    inside = {id(part) for block in blocks for part in block.modules()}
    return [
        *(HiddenLayer(m, False) for m in model.modules() if isinstance(m, _ACTIVATIONS) and id(m) not in inside),
        *(HiddenLayer(block, True) for block in blocks),
    ]


@contextlib.contextmanager
def changed_layer(layer: HiddenLayer, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Replace the state after a hidden layer by `change` of it, in every pass within."""

    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        if layer.residual:
            return change(inputs[0] + output) - inputs[0]
        return change(output)

    handle = layer.module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


@contextlib.contextmanager
def changed_input(model: nn.Module, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Replace the network's first argument by `change` of it, in every pass within."""
    handle = model.register_forward_pre_hook(lambda module, inputs: (change(inputs[0]), *inputs[1:]))
    try:
        yield
    finally:
        handle.remove()


@contextlib.contextmanager
def kept_statistics(model: nn.Module) -> Iterator[None]:
    """Leave the running statistics of batch normalisation alone; a training pass still uses its batch's own."""
    norms = [part for part in model.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    tracking = [norm.track_running_stats for norm in norms]
    try:
        for norm in norms:
            norm.track_running_stats = norm.track_running_stats and not norm.training
        yield
    finally:
        for norm, value in zip(norms, tracking, strict=True):
            norm.track_running_stats = value


@contextlib.contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Put the network into evaluation mode, and each of its modules back into its own mode afterwards."""
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def host_generator(generator: torch.Generator) -> np.random.Generator:
    """Return numpy's generator, seeded by one draw, for what is needed as a Python number."""
    seed = torch.randint(2**62, (), generator=generator, device=generator.device, dtype=torch.int64)
    return np.random.default_rng(int(seed))
