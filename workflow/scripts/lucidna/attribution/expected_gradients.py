"""Expected gradients: paths from dinucleotide-shuffled references, one gradient on each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from lucidna.attribution.nulls import shuffled_references
from lucidna.attribution.path_gradients import PathMaps, midpoints, path_gradients


def expected_gradients(
    model: nn.Module,
    onehot: Tensor | np.ndarray,
    *,
    samples: int = 50,
    seed: int = 0,
    batch_size: int = 64,
    device: str = "cpu",
    progress: Callable[[int], None] | None = None,
) -> PathMaps:
    """Return expected gradients (Erion et al., Nature Machine Intelligence 3:620, 2021).

    Each of `samples` references gives one gradient at one point of its path. The points are the middles of
    equal parts of the path instead of random ones, which spreads them evenly and draws nothing; the
    references are those of `deepshap` with the same seed.

    Parameters
    ----------
    model : nn.Module
        Network with output (N, 1), e.g. `ScalarOutput`.
    onehot : Tensor or array
        One-hot sequences of any number type, (N, 4, L); N bases are zero columns.
    samples : int
        References per sequence, and gradients.
    seed : int
        Of the references, which follow from it and the sequence alone.
    batch_size, device, progress
        As for `path_gradients`.

    Returns
    -------
    PathMaps
        Maps, the error of their sum, and its scale.
    """
    onehot = torch.as_tensor(onehot).cpu()
    drawn: dict[int, Tensor] = {}

    def references(rows: slice, step: int) -> Tensor:
        if rows.start not in drawn:
            drawn.clear()
            found = shuffled_references(onehot[rows].numpy(), n_shuffles=samples, seed=seed)
            drawn[rows.start] = torch.from_numpy(found)
        return drawn[rows.start][:, step]

    return path_gradients(
        model, onehot, references, midpoints(samples), batch_size=batch_size, device=device, progress=progress
    )
