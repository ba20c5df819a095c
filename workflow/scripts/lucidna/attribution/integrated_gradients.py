"""Integrated gradients from an even mixture of the bases."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from lucidna.attribution.path_gradients import PathMaps, midpoints, path_gradients


def integrated_gradients(
    model: nn.Module,
    onehot: Tensor | np.ndarray,
    *,
    steps: int = 25,
    batch_size: int = 64,
    device: str = "cpu",
    progress: Callable[[int], None] | None = None,
) -> PathMaps:
    """Return integrated gradients (Sundararajan et al., ICML 2017) from the reference that is 1/4 everywhere.

    That reference lies in the middle of the simplex, so hypothetical contributions are mean gradients less
    their mean over bases, as for saliency. The path is summed at the middles of equal steps.

    Parameters
    ----------
    model : nn.Module
        Network with output (N, 1), e.g. `ScalarOutput`.
    onehot : Tensor or array
        One-hot sequences of any number type, (N, 4, L); N bases are zero columns.
    steps : int
        Gradients per sequence.
    batch_size, device, progress
        As for `path_gradients`.

    Returns
    -------
    PathMaps
        Maps, the error of their sum, and its scale.
    """
    onehot = torch.as_tensor(onehot)
    quarter = torch.full((1, 4, onehot.shape[2]), 0.25)
    return path_gradients(
        model,
        onehot,
        lambda rows, step: quarter.expand(rows.stop - rows.start, -1, -1),
        midpoints(steps),
        batch_size=batch_size,
        device=device,
        progress=progress,
    )
