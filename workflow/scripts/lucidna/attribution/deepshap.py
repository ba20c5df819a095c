"""DeepSHAP: contributions that sum to the difference between a sequence and its shuffled references."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from tangermeme.deep_lift_shap import deep_lift_shap
from torch import Tensor, nn

from lucidna.attribution.nulls import shuffled_references
from lucidna.attribution.output import frozen_arguments
from lucidna.attribution.rules import extra_rules

PAIRS_PER_CALL = 1280
"""Sequence-reference pairs whose multipliers are held at once: 43 MB at 2,114 bp."""


class DeepShapMaps(NamedTuple):
    """What `deepshap` returns.

    Attributes
    ----------
    maps : array
        Hypothetical contributions, float32 (N, 4, L), mean over references, in units of the output.
    delta : array
        float32 (N,), the largest violation over references of "the contributions sum to f(x) - f(reference)".
    difference : array
        float32 (N,), mean over references of ``|f(x) - f(reference)|``, the scale of `delta`.
    prediction : array
        float32 (N,), f(x).
    """

    maps: np.ndarray
    delta: np.ndarray
    difference: np.ndarray
    prediction: np.ndarray


class _Recorder(nn.Module):
    """Keeps the outputs of the passes that the attribution makes anyway, so that the delta costs none."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.outputs: list[Tensor] = []
        # tangermeme gives back a module in the mode in which it got it, its children too.
        self.eval()

    def forward(self, x: Tensor, *arguments: Tensor) -> Tensor:
        output = self.model(x, *arguments)
        self.outputs.append(output.detach().cpu()[:, 0])
        return output

    def differences(self) -> Tensor:
        """Return f(x) - f(reference) of every pair; each pass holds sequences, then their references."""
        return torch.cat([torch.sub(*output.chunk(2)) for output in self.outputs])

    def predictions(self) -> Tensor:
        """Return f(x) of every pair."""
        return torch.cat([output.chunk(2)[0] for output in self.outputs])


def deepshap(
    model: nn.Module,
    onehot: Tensor | np.ndarray,
    *,
    shuffles: int = 20,
    seed: int = 0,
    batch_size: int = 64,
    device: str = "cpu",
    references: np.ndarray | None = None,
    progress: Callable[[int], None] | None = None,
) -> DeepShapMaps:
    """Return DeepLIFT contributions averaged over dinucleotide-shuffled references.

    DeepLIFT's rescale rule (Shrikumar et al., ICML 2017) averaged over references (Lundberg and Lee, NeurIPS
    2017), computed by tangermeme, whose rules for max pooling and softmax are exact (Captum's leave a median
    convergence delta of 0.18 on profile heads). The hypothetical contribution of base i is
    ``mean_r [ m_i - sum_b r_b m_b ]`` with the multipliers m of reference r.

    Parameters
    ----------
    model : nn.Module
        Network with output (N, 1), e.g. `ScalarOutput`, every non-linearity of which is a module of its own.
    onehot : Tensor or array
        One-hot sequences of any number type, (N, 4, L); N bases are zero columns.
    shuffles : int
        References per sequence.
    seed : int
        Of the references, which follow from it and the sequence alone.
    batch_size : int
        Sequences in one pass, explained ones and references together.
    device : str
        Where to run; the network is moved there and back.
    references : array, optional
        One-hot references (N, shuffles, 4, L) to use instead of shuffles.
    progress : callable, optional
        Called with the number of sequences done so far.

    Returns
    -------
    DeepShapMaps
        Maps, convergence deltas and their scale.
    """
    onehot = torch.as_tensor(onehot)
    model.to(device).eval()
    rules = extra_rules(model)
    n_references = shuffles if references is None else references.shape[1]
    block = max(1, PAIRS_PER_CALL // n_references)
    maps = np.empty(tuple(onehot.shape), dtype=np.float32)
    delta = np.empty(len(onehot), dtype=np.float32)
    difference = np.empty(len(onehot), dtype=np.float32)
    prediction = np.empty(len(onehot), dtype=np.float32)
    for start in range(0, len(onehot), block):
        rows = slice(start, min(start + block, len(onehot)))
        x = onehot[rows].cpu().to(torch.int8)
        if references is None:
            against = torch.from_numpy(shuffled_references(x.numpy(), n_shuffles=n_references, seed=seed))
        else:
            against = torch.as_tensor(references[rows]).cpu().to(torch.int8)
        recorder = _Recorder(model)
        multipliers = _multipliers(recorder, x, against, rules=rules, batch_size=batch_size, device=device)
        x, against = x.float(), against.float()
        at_reference = (against * multipliers).sum(dim=2)
        explained = ((x[:, None] * multipliers).sum(dim=2) - at_reference).sum(dim=2, dtype=torch.float64)
        true = recorder.differences().reshape(explained.shape)
        maps[rows] = (multipliers.mean(dim=1) - at_reference.mean(dim=1)[:, None]).numpy()
        delta[rows] = (explained - true).abs().amax(dim=1).numpy()
        difference[rows] = true.abs().mean(dim=1).numpy()
        prediction[rows] = recorder.predictions().reshape(explained.shape)[:, 0].numpy()
        if progress is not None:
            progress(rows.stop)
    return DeepShapMaps(maps, delta, difference, prediction)


def _multipliers(
    recorder: _Recorder, onehot: Tensor, references: Tensor, *, rules: dict, batch_size: int, device: str
) -> Tensor:
    """Return the multipliers of every pair, float32 (n, n_references, 4, L)."""
    frozen = frozen_arguments(recorder.model, onehot, batch_size=batch_size, device=device)
    with warnings.catch_warnings():
        # N bases (which are then columns without contribution) and large deltas, which are returned.
        warnings.filterwarnings("ignore", message="X must be one-hot encoded")
        warnings.filterwarnings("ignore", message="Convergence deltas")
        return deep_lift_shap(
            recorder,
            onehot,
            args=frozen or None,
            references=references,
            batch_size=max(1, batch_size // 2),
            additional_nonlinear_ops=rules,
            raw_outputs=True,
            only_warn=True,
            dtype=torch.float32,
            device=device,
        )
