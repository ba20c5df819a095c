"""The gradient of the output with respect to the one-hot sequence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn


def saliency(
    model: nn.Module,
    onehot: Tensor | np.ndarray,
    *,
    batch_size: int = 64,
    device: str = "cpu",
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Return the gradient of a scalar output at each base (Simonyan et al., arXiv:1312.6034, 2013).

    The gradient is raw: subtract its mean over bases (`correction.correct`) before it is used as a map.

    Parameters
    ----------
    model : nn.Module
        Network with output (N, 1), e.g. `ScalarOutput`; a logit or a log count, never a probability.
    onehot : Tensor or array
        One-hot sequences of any number type, (N, 4, L); N bases are zero columns.
    batch_size : int
        Sequences per pass.
    device : str
        Where to run; the network is moved there.
    progress : callable, optional
        Called with the number of sequences done so far.

    Returns
    -------
    array
        Hypothetical contributions, float32 (N, 4, L), in units of the output.
    """
    onehot = torch.as_tensor(onehot)
    model.to(device).eval()
    maps = np.empty(tuple(onehot.shape), dtype=np.float32)
    for start in range(0, len(onehot), batch_size):
        batch = onehot[start : start + batch_size].to(device, torch.float32, copy=True)
        maps[start : start + len(batch)] = input_gradient(model, batch).cpu().numpy()
        if progress is not None:
            progress(start + len(batch))
    return maps


def input_gradient(model: nn.Module, batch: Tensor) -> Tensor:
    """Return the gradient of the summed output (n, 1) with respect to float sequences (n, 4, L), same shape."""
    batch = batch.detach().requires_grad_()
    with torch.enable_grad():
        output = model(batch)[:, 0]
    # autograd.grad computes no gradient of the weights, which backward() would.
    return torch.autograd.grad(output.sum(), batch)[0]
