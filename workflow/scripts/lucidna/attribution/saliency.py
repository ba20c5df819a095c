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
    return saliency_and_output(model, onehot, batch_size=batch_size, device=device, progress=progress)[0]


def saliency_and_output(
    model: nn.Module,
    onehot: Tensor | np.ndarray,
    *,
    batch_size: int = 64,
    device: str = "cpu",
    progress: Callable[[int], None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return what `saliency` returns, and the outputs float32 (N,) of the same passes."""
    onehot = torch.as_tensor(onehot)
    model.to(device).eval()
    maps = np.empty(tuple(onehot.shape), dtype=np.float32)
    outputs = np.empty(len(onehot), dtype=np.float32)
    for start in range(0, len(onehot), batch_size):
        rows = slice(start, min(start + batch_size, len(onehot)))
        gradient, output = input_gradient(model, onehot[rows].to(device, torch.float32, copy=True))
        maps[rows], outputs[rows] = gradient.cpu().numpy(), output.cpu().numpy()
        if progress is not None:
            progress(rows.stop)
    return maps, outputs


def input_gradient(model: nn.Module, batch: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradient (n, 4, L) of the summed output with respect to float sequences, and the output (n,)."""
    batch = batch.detach().requires_grad_()
    with torch.enable_grad():
        output = model(batch)[:, 0]
    # autograd.grad computes no gradient of the weights, which backward() would.
    return torch.autograd.grad(output.sum(), batch)[0], output.detach()
