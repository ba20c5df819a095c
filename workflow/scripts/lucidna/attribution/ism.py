"""In-silico mutagenesis: the change of the output for every single-base change."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
import torch
from tangermeme import saturation_mutagenesis as tangermeme_ism
from torch import Tensor, nn

from lucidna.attribution.output import frozen_arguments

FAST_FROM = 10_000_000
"""Positions of all mutants together from which the fast path repays its preparation of 2 s."""


def ism(
    model: nn.Module,
    onehot: Tensor | np.ndarray,
    *,
    fast: bool = True,
    batch_size: int = 64,
    device: str = "cpu",
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Return the effect of every substitution, relative to the mean over the four bases of its position.

    ``f(x with base a at l) - f(x)``, 0 for the base that is there, minus the mean of the four: a hypothetical
    map that sums to zero over bases (computed by tangermeme).

    Parameters
    ----------
    model : nn.Module
        Network with output (N, 1), e.g. `ScalarOutput`.
    onehot : Tensor or array
        One-hot sequences of any number type, (N, 4, L). Positions with an N base, which have no base to
        compare with, are zero in the map.
    fast : bool
        Recompute only what an edit changes (fastISM; Nair et al., Bioinformatics 38:2397, 2022) where the
        network allows it and the job is not too small (`FAST_FROM`); both ways agree up to rounding.
    batch_size : int
        Mutants per pass; twice as many on the fast path on a CPU, whose passes hold only what an edit changes (a
        BPNet's at 2,114 bp take a tenth less time with 30 than with 15).
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
    known = onehot.sum(dim=1, keepdim=True) > 0
    frozen = frozen_arguments(model, onehot, batch_size=batch_size, device=device)
    counter = _EditCounter(known, progress)
    fast = fast and 3 * onehot.shape[0] * onehot.shape[2] ** 2 >= FAST_FROM
    with _chosen_without_stopwatch():
        maps = tangermeme_ism.saturation_mutagenesis(
            model,
            onehot,
            args=frozen or None,
            batch_size=2 * batch_size if fast and str(device).startswith("cpu") else batch_size,
            hypothetical=True,
            func=counter,
            dtype=torch.float32,
            device=device,
            fast=fast,
        )
    return (maps * known).float().numpy()


@contextmanager
def _chosen_without_stopwatch() -> Iterator[None]:
    """Let the network alone decide on the fast path.

    tangermeme also times both ways and takes the quicker one. The two differ in the last digits, so a busy
    machine would change the maps; on large jobs the fast way is rarely the slower one, and then by little.
    """
    limits = {"_FAST_MIN_SECONDS": 0.0, "_FAST_MAX_RELATIVE_TIME": float("inf")}
    with patch.multiple(tangermeme_ism, create=True, **limits), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="saturation_mutagenesis is using fast=False")
        # torch's own notes on its export machinery.
        warnings.filterwarnings("ignore", category=FutureWarning)
        warnings.filterwarnings("ignore", category=UserWarning, module="torch")
        yield


class _EditCounter:
    """Turns the numbers of outputs that pass by into the number of sequences that are done.

    Three edits per base and four per N; the passes over the unchanged sequences, and those that check the
    fast path, run ahead of the count by less than a sequence or two.
    """

    def __init__(self, known: Tensor, progress: Callable[[int], None] | None):
        self.edits = (4 - known[:, 0].long()).sum(dim=1).cumsum(dim=0)
        self.progress = progress
        self.seen = -len(known)

    def __call__(self, output: Tensor) -> Tensor:
        self.seen += len(output)
        if self.progress is not None:
            self.progress(int((self.edits <= self.seen).sum()))
        return output
