"""The number of a network that validation maps explain, as functions of sequences for the probes."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from lucidna.attribution.correction import correct
from lucidna.attribution.output import ScalarOutput, fitting_batch, frozen_arguments
from lucidna.attribution.saliency import saliency
from lucidna.ranking.maps import explained_parts
from lucidna.ranking.probes.plan import GRADIENT


class MeanOutput(nn.Module):
    """Weighted mean of the explained numbers of several tasks and heads; its gradient is the map that is ranked.

    Parameters
    ----------
    model : nn.Module
        Network whose forward takes (N, 4, L).
    head, tasks
        As in `maps.validation_maps`.
    """

    def __init__(self, model: nn.Module, *, head: str | Sequence[str], tasks: Sequence[int]):
        super().__init__()
        channels = getattr(model, "build_arguments", {}).get("channels")
        self.shared = _OncePerBatch(model)
        self.outputs = nn.ModuleList(
            ScalarOutput(self.shared, head=one, task=task, channels=None if channels is None else list(channels[task]))
            for one, task in explained_parts(head, tasks)
        )
        self.register_buffer("weights", torch.ones(len(self.outputs)))
        self.eval()

    def forward(self, x: Tensor, *frozen: Tensor) -> Tensor:
        """Return (N, 1); `frozen` are the fixed profile weights of each output that explains a profile."""
        fixed = iter(frozen)
        with self.shared:
            parts = [
                output(x, next(fixed) if frozen and output.head == "profile" else None) * weight
                for output, weight in zip(self.outputs, self.weights, strict=True)
            ]
        return torch.stack(parts).sum(dim=0)

    @torch.no_grad()
    def frozen(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return what must stay that of `x` while `x` is changed, output by output."""
        with self.shared:
            return tuple(part for output in self.outputs for part in output.frozen(x))


class _OncePerBatch(nn.Module):
    """Runs the network once for all tasks that read the same batch within a `with` block."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.keeps = False
        self.last: tuple[Tensor, Tensor | tuple[Tensor, ...]] | None = None

    def __enter__(self) -> None:
        self.keeps = True

    def __exit__(self, *_: object) -> None:
        # What is kept would hold the whole graph of the batch in memory.
        self.keeps, self.last = False, None

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        if not self.keeps:
            return self.model(x)
        if self.last is None or self.last[0] is not x:
            self.last = (x, self.model(x))
        return self.last[1]


class Explained:
    """Maps and predictions of one network on changed copies of the same regions.

    Parameters
    ----------
    network : nn.Module
        (N, 4, L) -> (N, 1), usually a `MeanOutput`.
    onehot : array
        The regions, (N, 4, L) float32: what is fixed for a region (the weights of its profile) is computed on
        these.
    batch_size : int
        Largest number of sequences per pass.
    device : str
        Where to run.
    """

    def __init__(self, network: nn.Module, onehot: np.ndarray, *, batch_size: int = 128, device: str = "cpu"):
        self.network = network.to(device).eval()
        self.batch_size = fitting_batch(batch_size, onehot.shape[2], device)
        self.device = device
        self.counter = [0]
        self.fixed = frozen_arguments(self.network, torch.from_numpy(onehot), batch_size=self.batch_size, device=device)

    def with_network(self, network: nn.Module) -> Explained:
        """Return the same for another network of the same shape; its passes count here too."""
        other = copy.copy(self)
        other.network = network.to(self.device).eval()
        return other

    @property
    def passes(self) -> int:
        """Return the sequences run forward so far; a gradient counts as `plan.GRADIENT`."""
        return self.counter[0]

    def gradients(self, onehot: np.ndarray) -> np.ndarray:
        """Return uncorrected gradients of sequences, float32 (M, 4, L)."""
        self.counter[0] += GRADIENT * len(onehot)
        return saliency(self.network, onehot, batch_size=self.batch_size, device=self.device)

    def maps(self, onehot: np.ndarray) -> np.ndarray:
        """Return corrected maps of sequences, float32 (M, 4, L)."""
        return correct(self.gradients(onehot))

    def predict(self, onehot: np.ndarray, regions: np.ndarray | None = None) -> np.ndarray:
        """Return the explained number of sequences (M, 4, L) that come from `regions` (M,), float64 (M,)."""
        self.counter[0] += len(onehot)
        regions = np.arange(len(onehot)) if regions is None else regions
        parts = []
        with torch.no_grad():
            for start in range(0, len(onehot), self.batch_size):
                span = slice(start, start + self.batch_size)
                batch = torch.as_tensor(onehot[span]).to(self.device, torch.float32)
                fixed = [part[torch.from_numpy(regions[span])].to(self.device) for part in self.fixed]
                parts.append(self.network(batch, *fixed)[:, 0].double().cpu().numpy())
        return np.concatenate(parts) if parts else np.zeros(0)


def explained(
    model: nn.Module,
    onehot: np.ndarray,
    *,
    head: str | Sequence[str],
    tasks: Sequence[int] = (0,),
    batch_size: int = 128,
    device: str = "cpu",
) -> Explained:
    """Wrap a trained network so that its maps are those of `maps.validation_maps`.

    With several tasks or heads, each counts by the inverse of the mean norm of its maps on `onehot`, as there.

    Parameters
    ----------
    model : nn.Module
        Network whose forward takes (N, 4, L).
    onehot : array
        The regions, (N, 4, L) float32.
    head, tasks, batch_size, device
        As in `maps.validation_maps`.

    Returns
    -------
    Explained
    """
    network = MeanOutput(model, head=head, tasks=tasks)
    result = Explained(network, onehot, batch_size=batch_size, device=device)
    if len(network.outputs) > 1:
        scales = []
        for output in network.outputs:
            maps = correct(saliency(output, onehot, batch_size=result.batch_size, device=device))
            scales.append(np.sqrt(np.einsum("nal,nal->n", maps, maps)).mean())
        result.counter[0] += GRADIENT * len(network.outputs) * len(onehot)
        weights = [1 / (len(scales) * scale) if scale > 0 else 1.0 for scale in scales]
        network.weights.copy_(torch.tensor(weights))
    return result
