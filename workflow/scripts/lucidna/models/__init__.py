"""Architectures: one per file, built by name. Importing this package does not import torch."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lucidna.models.names import ARCHITECTURES, check_architecture

if TYPE_CHECKING:
    from torch import nn


def registry() -> dict[str, type[nn.Module]]:
    """Return the class of every architecture by its name in the config."""
    from lucidna.models.basset import Basset
    from lucidna.models.bpnet import BPNet
    from lucidna.models.cnn_deep import CNNDeep
    from lucidna.models.cnn_shallow import CNNShallow
    from lucidna.models.deepstarr import DeepSTARR

    return {
        "cnn_shallow": CNNShallow,
        "cnn_deep": CNNDeep,
        "basset": Basset,
        "deepstarr": DeepSTARR,
        "bpnet": BPNet,
    }


def build(
    name: str,
    *,
    input_length: int,
    output_length: int,
    target: str,
    n_tasks: int,
    channels: Sequence[Sequence[int]],
    n_controls: int,
    conjoined: bool = False,
    control_order: Sequence[int] | None = None,
    log_variance: bool = False,
    **arguments: Any,
) -> nn.Module:
    """Build a network with fresh weights, drawn from torch's global generator.

    Parameters
    ----------
    name : str
        A key of `ARCHITECTURES`.
    input_length, output_length : int
        Window in bp.
    target : str
        "binary", "counts" or "profile".
    n_tasks : int
        Number of outputs T.
    channels : list of list of int
        For each task, its rows among the signal channels (C in all): one, or plus and minus strand.
    n_controls : int
        Number of control channels K; 0 for none.
    conjoined : bool
        Whether the network predicts the mean of both strands (`lucidna.models.conjoined`).
    control_order : sequence of int, optional
        Of a conjoined network: where each control of the other strand lies; by default in its own place.
    log_variance : bool
        Whether the scalar head also computes a log-variance per task (`lucidna.models.uncertainty`).
    **arguments
        The architecture's own arguments, as in `ARCHITECTURES`.

    Returns
    -------
    nn.Module
        `forward(x (N, 4, L), control=None | (N, K, L_out))` gives (N, T) logits (binary) or predicted log1p
        counts (counts), and for "profile" a tuple of profile logits (N, C, L_out) and log1p counts (N, T). A
        missing control counts as zeros. Its `build_arguments` hold what this function was called with.

    Raises
    ------
    UserError
        Unknown name or argument, a target that it cannot predict, or an input that is too short.
    """
    check_architecture(name, arguments, target=target, input_length=input_length, output_length=output_length)
    settings: dict[str, Any] = {
        "input_length": int(input_length),
        "output_length": int(output_length),
        "target": target,
        "n_tasks": int(n_tasks),
        "channels": [[int(channel) for channel in task] for task in channels],
        "n_controls": int(n_controls),
        **copy.deepcopy(ARCHITECTURES[name]),
        **copy.deepcopy(arguments),
    }
    model = registry()[name](**settings)
    if conjoined:
        from lucidna.models.conjoined import Conjoined

        order = None if control_order is None else [int(control) for control in control_order]
        model = Conjoined(model, channels=settings["channels"], control_order=order)
        settings.update(conjoined=True, control_order=order)
    if log_variance:
        add_log_variance(model)
        settings["log_variance"] = True
    model.build_arguments = {"name": name, **settings}
    return model


def add_log_variance(model: nn.Module) -> None:
    """Give the network's scalar head a log-variance per task beside its prediction."""
    from lucidna.models.layers import ScalarHead

    for part in list(model.modules()):
        if isinstance(part, ScalarHead):
            part.add_log_variance()


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable weights."""
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
