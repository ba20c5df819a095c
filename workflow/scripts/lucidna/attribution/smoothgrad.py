"""SmoothGrad: the mean gradient over noisy copies of a sequence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from lucidna.attribution.nulls import codes_of, sequence_keys
from lucidna.attribution.saliency import input_gradient


def smoothgrad(
    model: nn.Module,
    onehot: Tensor | np.ndarray,
    *,
    samples: int = 50,
    std: float = 0.1,
    seed: int = 0,
    batch_size: int = 64,
    device: str = "cpu",
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Return the mean gradient over copies with Gaussian noise on every entry (Smilkov et al., arXiv:1706.03825, 2017).

    The gradient is raw: subtract its mean over bases (`correction.correct`) before it is used as a map.

    Parameters
    ----------
    model : nn.Module
        Network with output (N, 1), e.g. `ScalarOutput`.
    onehot : Tensor or array
        One-hot sequences of any number type, (N, 4, L); N bases are zero columns and get no noise.
    samples : int
        Noisy copies per sequence.
    std : float
        Standard deviation of the noise, in units of the one-hot entries.
    seed : int
        The noise of a sequence follows from it and the sequence alone.
    batch_size : int
        Copies per pass.
    device : str
        Where to run; the network is moved there.
    progress : callable, optional
        Called with the number of sequences done so far.

    Returns
    -------
    array
        float32 (N, 4, L), in units of the output.
    """
    onehot = torch.as_tensor(onehot).cpu()
    model.to(device).eval()
    keys = sequence_keys(codes_of(onehot.numpy()), purpose="smoothgrad")
    maps = np.zeros(tuple(onehot.shape), dtype=np.float32)
    for row, key in enumerate(keys):
        rng = np.random.default_rng([seed, int(key)])
        x = onehot[row].float()
        known = x.sum(dim=0, keepdim=True)
        for start in range(0, samples, batch_size):
            count = min(batch_size, samples - start)
            noise = torch.from_numpy(rng.standard_normal((count, *x.shape), dtype=np.float32))
            gradient, _ = input_gradient(model, (x + std * noise * known).to(device))
            maps[row] += gradient.sum(dim=0).cpu().numpy() / samples
        if progress is not None:
            progress(row + 1)
    return maps
