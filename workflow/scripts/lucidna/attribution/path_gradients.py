"""Gradients along straight paths from references to a sequence: contributions that sum to a difference."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from lucidna.attribution.output import frozen_arguments


class PathMaps(NamedTuple):
    """What gradients along paths give.

    Attributes
    ----------
    maps : array
        Hypothetical contributions, float32 (N, 4, L), mean over references, in units of the output.
    delta : array
        float32 (N,), how far the contributions of the bases that are there are from summing to the mean
        difference between the sequence and its references: the error of the sum over steps.
    difference : array
        float32 (N,), that mean difference without its sign, the scale of `delta`.
    prediction : array
        float32 (N,), f(x).
    """

    maps: np.ndarray
    delta: np.ndarray
    difference: np.ndarray
    prediction: np.ndarray


def path_gradients(
    model: nn.Module,
    onehot: Tensor,
    references: Callable[[slice, int], Tensor],
    alphas: np.ndarray,
    *,
    batch_size: int,
    device: str,
    progress: Callable[[int], None] | None = None,
) -> PathMaps:
    """Average gradients at points between references and sequences.

    With the gradient g at ``r + alpha (x - r)``, the hypothetical contribution of base i is the mean over
    steps of ``g_i - sum_b r_b g_b``; that of the base which is there, summed over positions, is
    ``mean (x - r) . g``, which tends to ``f(x) - mean f(r)`` with more steps.

    Parameters
    ----------
    model : nn.Module
        Network with output (N, 1), e.g. `ScalarOutput`.
    onehot : Tensor
        One-hot sequences of any number type, (N, 4, L); N bases are zero columns.
    references : callable
        (rows, step) -> float32 references of these rows at this step, (n, 4, L).
    alphas : array
        (steps,) between 0 and 1.
    batch_size : int
        Points per pass.
    device : str
        Where to run; the network is moved there.
    progress : callable, optional
        Called with the number of sequences done so far.
    """
    model.to(device).eval()
    frozen = frozen_arguments(model, onehot, batch_size=batch_size, device=device)
    maps = np.empty(tuple(onehot.shape), dtype=np.float32)
    delta = np.empty(len(onehot), dtype=np.float32)
    difference = np.empty(len(onehot), dtype=np.float32)
    prediction = np.empty(len(onehot), dtype=np.float32)
    for start in range(0, len(onehot), batch_size):
        rows = slice(start, min(start + batch_size, len(onehot)))
        x = onehot[rows].to(device, torch.float32)
        weights = tuple(part[rows].to(device) for part in frozen)
        known = x.sum(dim=1, keepdim=True)
        total = torch.zeros_like(x)
        explained = torch.zeros(len(x), dtype=torch.float64, device=device)
        at_references = torch.zeros_like(explained)
        seen: Tensor | None = None
        for step, alpha in enumerate(alphas):
            # An N base has no column to come from, so it contributes nothing.
            reference = references(rows, step).to(device, torch.float32) * known
            point = (reference + float(alpha) * (x - reference)).requires_grad_()
            with torch.enable_grad():
                output = model(point, *weights)[:, 0].sum()
            gradient = torch.autograd.grad(output, point)[0]
            total += gradient - (reference * gradient).sum(dim=1, keepdim=True)
            explained += ((x - reference) * gradient).sum(dim=(1, 2), dtype=torch.float64)
            if seen is None or not torch.equal(seen, reference):
                with torch.no_grad():
                    latest = model(reference, *weights)[:, 0].double()
                seen = reference
            at_references += latest
        with torch.no_grad():
            output = model(x, *weights)[:, 0].double()
        true = output - at_references / len(alphas)
        prediction[rows] = output.cpu().numpy()
        maps[rows] = (total / len(alphas)).cpu().numpy()
        delta[rows] = (explained / len(alphas) - true).abs().cpu().numpy()
        difference[rows] = true.abs().cpu().numpy()
        if progress is not None:
            progress(rows.stop)
    return PathMaps(maps, delta, difference, prediction)


def midpoints(steps: int) -> np.ndarray:
    """Return the middles of `steps` equal parts of the path, float64 (steps,)."""
    return (np.arange(steps) + 0.5) / steps
