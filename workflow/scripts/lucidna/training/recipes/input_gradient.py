"""The gradient of a prediction with respect to the input, kept differentiable and computed once per step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lucidna.training.recipes.base import Batch, StepContext


def explained_outputs(
    prediction: Any, *, head: str | None = None, channels: Sequence[Sequence[int]] | None = None
) -> Tensor:
    """Return one number per row and task whose gradients are the maps: float32 (N, T).

    Parameters
    ----------
    prediction : Tensor or tuple of Tensor
        Logits or log1p counts (N, T), or for profiles logits (N, C, L_out) and log1p counts (N, T).
    head : str, optional
        "counts" or "profile" of a profile prediction, "profile" by default; others have one head.
    channels : list of list of int, optional
        For each task, its rows among C; one task of all when not given.

    Returns
    -------
    Tensor
        Of a profile, its logits less their mean over positions and strands, weighted by their own softmax,
        which is held fixed, and summed (Tseng et al., NeurIPS 2020; Avsec et al., Nat Genet 53:354, 2021): the
        same number as the attributions explain. Without the weights the sum would be zero.
    """
    if not isinstance(prediction, tuple):
        return prediction.float()
    logits, counts = prediction
    if head == "counts":
        return counts.float()
    values = []
    for rows in [list(range(logits.shape[1]))] if channels is None else channels:
        flat = logits[:, list(rows)].float().flatten(1)
        centred = flat - flat.mean(dim=1, keepdim=True)
        values.append((centred * flat.detach().softmax(dim=1)).sum(dim=1))
    return torch.stack(values, dim=1)


def shared_outputs(prediction: Any, context: StepContext, head: str | None) -> Tensor:
    """Return `explained_outputs` of a step's prediction, computed once per head."""
    key = ("explained_outputs", head)
    if key not in context.cache:
        channels = getattr(context.model, "build_arguments", {}).get("channels")
        context.cache[key] = explained_outputs(prediction, head=head, channels=channels)
    return context.cache[key]


def shared_gradient(x: Tensor, prediction: Any, context: StepContext, head: str | None) -> Tensor:
    """Return the gradient of the sum over tasks of `explained_outputs`, computed once per head: (N, 4, L).

    It is part of the graph, so that what is made of it can be minimised. The network's mode is the training
    step's: dropout masks are those of the loss, and with batch statistics a row's gradient holds its small
    effect on the other rows of the batch.

    Parameters
    ----------
    x : Tensor
        (N, 4, L), a leaf that requires a gradient, from which `prediction` was computed.
    """
    key = ("input_gradient", head)
    if key not in context.cache:
        outputs = shared_outputs(prediction, context, head)
        context.cache[key] = torch.autograd.grad(outputs.sum(), x, create_graph=True)[0].float()
    return context.cache[key]


def known_bases(batch: Batch) -> Tensor:
    """Return bool (N, 1, L): where there is a base, not an N."""
    return (batch["codes"] < 4).unsqueeze(1)
