"""The log-variance that a network was asked to predict beside its prediction, and that its output leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from lucidna.models.layers import ScalarHead


def uncertain_heads(model: nn.Module) -> list[ScalarHead]:
    """Return the heads that predict a log-variance beside each number."""
    return [part for part in model.modules() if isinstance(part, ScalarHead) and part.log_variance]


@contextmanager
def recorded_log_variance(model: nn.Module) -> Iterator[list[Tensor]]:
    """Collect the log-variance of every call of a network within: (N, T) for each, in their order.

    A network that calls its head more than once, such as once per strand, gives the mean over these calls.
    A network that predicts no log-variance gives nothing.
    """
    recorded: list[Tensor] = []
    calls: list[Tensor] = []

    def of_model(*_: object) -> None:
        if calls:
            recorded.append(torch.stack(calls).mean(dim=0))
            calls.clear()

    handles = [
        head.linear.register_forward_hook(lambda _, __, output, n=head.n_tasks: calls.append(output[:, n:]))
        for head in uncertain_heads(model)
    ]
    handles.append(model.register_forward_hook(of_model))
    try:
        yield recorded
    finally:
        for handle in handles:
            handle.remove()


def start_log_variance(model: nn.Module, values: Tensor) -> None:
    """Set the bias of the heads, so that an untrained network predicts about the log-variances `values` (T,)."""
    with torch.no_grad():
        for head in uncertain_heads(model):
            head.linear.bias[head.n_tasks :] = values.to(head.linear.bias)
