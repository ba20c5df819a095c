"""Networks of one architecture computed together: their weights lie in one tensor, and one call serves all."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from lucidna.training.recipes.base import Batch

# What `torch.nn.utils.clip_grad_norm_` adds to a norm before it divides.
_CLIP_EPSILON = 1e-6


class Stack:
    """Networks of one architecture with stacked weights.

    Parameters
    ----------
    networks : sequence of nn.Module
        M networks of the same build, on one device, in float32 or float64. Their weights and buffers become
        views of the stack: what the stack learns, they know.

    Attributes
    ----------
    weights : Tensor
        (M, P), all weights of each network in a row; a leaf whose gradient `losses` leads to.
    buffers : dict of str to Tensor
        (M, ...) each.
    generators : list of torch.Generator
        One per network, from which its dropout masks are drawn.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        self.networks = list(networks)
        self.generators: list[torch.Generator] = []
        first = self.networks[0]
        self.shapes = {name: weight.shape for name, weight in first.named_parameters()}
        self.base = copy.deepcopy(first)
        for name, module in first.named_modules():
            if isinstance(module, nn.Dropout):
                self.base.set_submodule(name, _StackedDropout(module.p, self))
        self._join()

    def losses(self, x: Tensor, batch: Batch, loss: Callable[[Any, Batch], Tensor]) -> Tensor:
        """Return the loss of each network on its own batch, in training mode: (M,).

        Parameters
        ----------
        x : Tensor
            (M, N, 4, L).
        batch : Batch
            Every tensor with a first axis of M.
        loss : callable
            (prediction, batch) -> scalar, of one network.
        """

        def of_one(state: dict[str, Tensor], x: Tensor, batch: Batch) -> Tensor:
            return loss(functional_call(self.base, state, (x, batch.get("control"))), batch)

        self.base.train()
        return vmap(of_one)(self._state(), x, batch)

    def predict(self, x: Tensor, control: Tensor | None) -> Any:
        """Return the predictions of all networks for one batch (N, 4, L), in evaluation mode: (M, N, ...)."""

        def of_one(state: dict[str, Tensor]) -> Any:
            return functional_call(self.base, state, (x, control))

        self.base.eval()
        with torch.no_grad():
            return vmap(of_one)(self._state())

    def clip_gradients(self, largest: float) -> None:
        """Scale the gradient of each network whose norm is above `largest` down to it."""
        norms = torch.linalg.vector_norm(self.weights.grad, dim=1, keepdim=True)
        self.weights.grad.mul_((largest / (norms + _CLIP_EPSILON)).clamp(max=1))

    def keep(self, places: Sequence[int]) -> None:
        """Go on with the networks at these places; the others keep the weights that they have."""
        with torch.no_grad():
            for place, network in enumerate(self.networks):
                if place not in places:
                    for value in (*network.parameters(), *network.buffers()):
                        value.data = value.data.clone()
        self.networks = [self.networks[place] for place in places]
        self.generators = [self.generators[place] for place in places if self.generators]
        if self.networks:
            self._join()

    def _join(self) -> None:
        """Copy weights and buffers into the stack and make the networks' own ones views of it."""
        with torch.no_grad():
            rows = [torch.cat([w.detach().flatten() for w in network.parameters()]) for network in self.networks]
            self.weights = torch.stack(rows)
            buffers = [dict(network.named_buffers()) for network in self.networks]
            self.buffers = {name: torch.stack([own[name] for own in buffers]) for name in buffers[0]}
            sizes = [shape.numel() for shape in self.shapes.values()]
            for place, network in enumerate(self.networks):
                parts = self.weights[place].split(sizes)
                for weight, part in zip(network.parameters(), parts, strict=True):
                    weight.data = part.view(weight.shape)
                for name, buffer in network.named_buffers():
                    buffer.data = self.buffers[name][place]
        self.weights.requires_grad_()

    def _state(self) -> dict[str, Tensor]:
        # One split, whose gradient is one concatenation, in place of a slice per weight.
        parts = self.weights.split([shape.numel() for shape in self.shapes.values()], dim=1)
        weights = {
            name: part.unflatten(1, shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)
        }
        return {**weights, **self.buffers}


class StackedAdam:
    """Adam (Kingma and Ba, ICLR 2015) or AdamW on a stack, with a learning rate for each network.

    torch's optimizers have one learning rate for a whole tensor; a plateau lowers that of one seed alone.

    Parameters
    ----------
    stack : Stack
        Whose weights are changed.
    group : dict
        A parameter group of `torch.optim.Adam` or `AdamW`: `betas`, `eps`, `weight_decay` and
        `decoupled_weight_decay` are read.
    """

    def __init__(self, stack: Stack, group: dict[str, Any]) -> None:
        self.stack, self.group = stack, group
        self.mean, self.square = torch.zeros_like(stack.weights), torch.zeros_like(stack.weights)
        self.mean.requires_grad_(False)
        self.square.requires_grad_(False)
        self.steps = 0

    @torch.no_grad()
    def step(self, rates: Sequence[float]) -> None:
        """Make one step with a learning rate for each network, and forget the gradient."""
        weights, gradient = self.stack.weights, self.stack.weights.grad
        (beta1, beta2), decay = self.group["betas"], self.group["weight_decay"]
        rate = torch.tensor(rates, dtype=weights.dtype).to(weights.device, non_blocking=True)[:, None]
        self.steps += 1
        if decay and self.group["decoupled_weight_decay"]:
            weights.mul_(1 - rate * decay)
        elif decay:
            gradient = gradient.add(weights, alpha=decay)
        self.mean.lerp_(gradient, 1 - beta1)
        self.square.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        scale = self.square.sqrt().div_((1 - beta2**self.steps) ** 0.5).add_(self.group["eps"])
        weights.sub_((self.mean / scale).mul_(rate / (1 - beta1**self.steps)))
        weights.grad = None

    def keep(self, places: Sequence[int]) -> None:
        """Go on with the networks at these places, as the stack does."""
        self.mean, self.square = self.mean[list(places)], self.square[list(places)]


class _StackedDropout(nn.Module):
    """Dropout whose masks are drawn network by network, each from its own generator."""

    def __init__(self, p: float, stack: Stack) -> None:
        super().__init__()
        self.p, self.stack = p, stack

    def forward(self, x: Tensor) -> Tensor:
        """Zero a share `p` of the elements in training and scale up the others."""
        return _Masked.apply(x, self) if self.training and self.p else x

    def masks(self, x: Tensor) -> Tensor:
        """Return bool (M, ...) in the shape of `x`: what is kept.

        On the CPU these are the masks of `lucidna.models.layers.Dropout`, drawn in the same way.
        """
        drawn = [self._mask(x[0], generator) for generator in self.stack.generators]
        return torch.stack(drawn)

    def _mask(self, x: Tensor, generator: torch.Generator) -> Tensor:
        if x.device.type != "cpu":
            return torch.rand(x.shape, generator=generator, device=x.device) >= self.p
        bits = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None, generator=generator)
        return bits.view(torch.int16)[: x.numel()].view(x.shape) >= round(self.p * 65536) - 32768


class _Masked(torch.autograd.Function):
    """The way out of vmap, where the stacked activations are one tensor and each network's mask can be drawn."""

    @staticmethod
    def forward(x: Tensor, dropout: _StackedDropout) -> Tensor:
        raise RuntimeError("stacked dropout is for the inside of vmap")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Nothing is kept: `vmap` is made of differentiable operations."""

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], x: Tensor, dropout: _StackedDropout) -> tuple[Tensor, int]:
        x = x.movedim(in_dims[0], 0)
        return x * dropout.masks(x).to(x.dtype).mul_(1 / (1 - dropout.p)), 0
