"""The one number of a network that a map explains."""

from __future__ import annotations

import torch
from torch import Tensor, nn

HEADS = {"binary": ("logit",), "counts": ("counts",), "profile": ("counts", "profile")}
"""The heads that can be explained, for each target of the experiment."""

CPU_POSITIONS = 32_768
"""Positions (sequences x bp) of one pass on a CPU."""


class ScalarOutput(nn.Module):
    """A network reduced to one number per sequence, for the methods that explain it.

    Parameters
    ----------
    model : nn.Module
        Network whose forward takes (N, 4, L) and returns (N, T), or for profiles the pair (profile logits
        (N, C, L_out), log counts (N, T)). Control tracks are left out, which the networks read as zeros: the
        map explains the sequence, not the control.
    head : {"logit", "counts", "profile"}
        The logit of a binary task, the predicted log1p counts of a track, or its profile.
    task : int
        Which output to explain.
    channels : sequence of int, optional
        Profile channels (strands) of the task; by default those that the network was built with
        for the task, or all when it does not say.

    Notes
    -----
    The profile is reduced as by BPNet (Avsec et al., Nat Genet 53:354, 2021): its logits are centred by their
    mean over positions and strands of the track, weighted by their own softmax, and summed,
    ``f(s) = sum_j w_j (z_j(s) - mean z(s))``. The weights w are a property of the sequence that is explained,
    ``w = softmax(z(x))``, and are held fixed: the map says what makes the logits high where the profile is,
    not how the weights came about.

    Fixed means fixed for everything that x is compared with. A gradient needs no more than a detached
    softmax, but DeepLIFT and in-silico mutagenesis compare f(x) with f at a reference or at a mutant; there
    the weights must still be those of x, else f(x) - f(reference) contains the change of the weights, which
    no contribution accounts for, and the max-pool rule, which mixes both passes, sees two different output
    gradients. `frozen` gives these weights and `forward` takes them back as its second argument.
    """

    def __init__(self, model: nn.Module, *, head: str, task: int = 0, channels: list[int] | None = None):
        super().__init__()
        if head not in ("logit", "counts", "profile"):
            raise ValueError(f"head is {head!r}: use logit, counts or profile")
        self.model = model
        self.head = head
        self.task = int(task)
        if channels is None:
            by_task = getattr(model, "build_arguments", {}).get("channels")
            channels = None if by_task is None else list(by_task[self.task])
        self.channels = channels
        self.eval()

    def forward(self, x: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the explained number of each sequence.

        Parameters
        ----------
        x : Tensor
            One-hot sequences, (N, 4, L).
        weights : Tensor, optional
            Fixed weights of the profile logits, (N, channels * L_out), from `frozen`; by default `x`'s own.

        Returns
        -------
        Tensor
            (N, 1).
        """
        output = self.model(x)
        if self.head != "profile":
            scalar = output[1] if isinstance(output, tuple) else output
            return scalar[:, self.task : self.task + 1]
        logits = self._centred_logits(output)
        if weights is None:
            weights = logits.detach().softmax(dim=1)
        return (logits * weights).sum(dim=1, keepdim=True)

    @torch.no_grad()
    def frozen(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the extra arguments of `forward` that stay those of `x` while `x` is changed.

        Parameters
        ----------
        x : Tensor
            One-hot sequences, (N, 4, L).

        Returns
        -------
        tuple of Tensor
            The profile weights, (N, channels * L_out); empty for the other heads.
        """
        if self.head != "profile":
            return ()
        return (self._centred_logits(self.model(x)).softmax(dim=1),)

    def _centred_logits(self, output: tuple[Tensor, Tensor]) -> Tensor:
        logits = output[0] if self.channels is None else output[0][:, self.channels]
        logits = logits.flatten(start_dim=1)
        return logits - logits.mean(dim=1, keepdim=True)


def fitting_batch(batch_size: int, length: int, device: str) -> int:
    """Return the sequences per pass: `batch_size`, or on a CPU fewer when long ones would leave its caches.

    Measured on one core with BPNet at 2,114 bp: DeepSHAP takes 1.0 s a region with 16 sequences per pass and
    2.9 s with 64; small networks at 256 bp gain nothing beyond 128.

    Parameters
    ----------
    batch_size : int
        The largest number allowed.
    length : int
        Sequence length in bp.
    device : str
        Where the pass runs.

    Returns
    -------
    int
        At least 2, at most `batch_size` where that is larger.
    """
    if not str(device).startswith("cpu"):
        return batch_size
    return max(2, min(batch_size, CPU_POSITIONS // length))


def frozen_arguments(model: nn.Module, onehot: Tensor, *, batch_size: int, device: str) -> tuple[Tensor, ...]:
    """Return, for all sequences, what must stay fixed while they are changed (see `ScalarOutput.frozen`).

    Parameters
    ----------
    model : nn.Module
        The scalar network; one without a method `frozen` needs nothing.
    onehot : Tensor
        One-hot sequences of any number type, (N, 4, L).
    batch_size : int
        Sequences per forward pass.
    device : str
        Where to run.

    Returns
    -------
    tuple of Tensor
        float32 on the CPU, first axis N; possibly empty.
    """
    if not hasattr(model, "frozen"):
        return ()
    model.to(device)
    parts = [model.frozen(batch.to(device, torch.float32)) for batch in onehot.split(batch_size)]
    return tuple(torch.cat(tensors).cpu() for tensors in zip(*parts, strict=True))


def predict(model: nn.Module, onehot: Tensor, *, batch_size: int = 256, device: str = "cpu") -> Tensor:
    """Return the explained number of each sequence, float32 (N,) on the CPU."""
    model.to(device).eval()
    with torch.no_grad():
        parts = [model(batch.to(device, torch.float32))[:, 0] for batch in onehot.split(batch_size)]
    return torch.cat(parts).float().cpu()
