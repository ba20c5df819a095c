"""Fourier attribution prior: attributions without high frequencies."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lucidna.training.recipes.base import Batch, Component, StepContext
from lucidna.training.recipes.entries.fourier_prior import REFERENCE_LENGTH
from lucidna.training.recipes.input_gradient import shared_gradient


class FourierPrior(Component):
    """Penalise high frequencies of the attributions along the sequence (Tseng et al., NeurIPS 33:1913, 2020).

    Adds ``weight * mean_n (1 - sum_f w_f m_nf)``: m are the magnitudes of the real Fourier transform of
    ``g_nl = sum_a |x_nal df/dx_nal|``, smoothed along l by a Gaussian that is cut at one sigma, over their sum;
    ``w = 1`` for the first F frequencies after the constant one, which is dropped but counts in the sum, and
    ``1 / (1 + c^softness)`` for the c-th beyond them (0 where softness is null).

    f is the sum over tasks of the logits or log counts; of a profile, the logits less their mean, weighted by
    their own softmax, held fixed (`head: counts` takes the log counts in its place). Only positive rows are
    penalised: for binary targets those with any target above 1/2; for others those whose log counts exceed
    the batch's median in any task, since a target of counts knows no negatives.

    Defaults: sigma 3 bp and softness 0.2 as published. F is an index on a grid whose spacing depends on the
    window, so `freq_limit` is given for 1,000 bp (150, the published binary script; its profile script has 200 at
    1,346 bp, which is 149) and rescaled. The weight is the scripts': 50 for profiles and 1 otherwise; no annealing.

    Costs one forward pass, one backward pass to the input, which is kept in the graph, and the backward pass
    through both. It hurts where single bases matter: binding sites shorter than the periods that are
    allowed (6.7 bp) are blurred with their flanks, and an early, heavy weight keeps weak motifs from being learned.
    """

    name = "fourier_prior"
    input_gradient = True

    def loss_terms(self, x: Tensor, prediction: Any, batch: Batch, context: StepContext) -> Tensor:
        """Return the weighted penalty of the batch."""
        settings = self.arguments
        gradient = shared_gradient(x, prediction, context, settings["head"])
        attributions = (gradient * x.detach().float()).abs().sum(dim=1)
        penalty = fourier_penalty(
            attributions,
            limit=rescaled_limit(settings["freq_limit"], attributions.shape[1]),
            softness=settings["softness"],
            smoothing=settings["smoothing"],
        )
        weight = settings["weight"]
        if weight is None:
            weight = 50.0 if isinstance(prediction, tuple) and settings["head"] != "counts" else 1.0
        # A distilled network's targets are the members' outputs: what was measured stands beside them.
        measured = batch.get("measured", batch["target"])
        positive = positive_rows(measured, binary=is_binary(context)).to(penalty.dtype)
        return weight * (penalty * positive).sum() / positive.sum().clamp(min=1)


def fourier_penalty(attributions: Tensor, *, limit: int, softness: float | None, smoothing: float) -> Tensor:
    """Return the share of each row's spectrum that is not wanted, float32 (N,).

    Parameters
    ----------
    attributions : Tensor
        (N, L), not negative.
    limit : int
        Frequencies 1 to `limit`, in cycles per window, are free.
    softness : float or None
        How slowly the weight falls beyond them; None cuts them off.
    smoothing : float
        Sigma in bp; 0 for none.

    Returns
    -------
    Tensor
        1 for a row of zeros.
    """
    # Half precision has no Fourier transform.
    with torch.autocast(attributions.device.type, enabled=False):
        magnitudes = torch.fft.rfft(smoothed(attributions.float(), smoothing)).abs()
    total = magnitudes.sum(dim=1, keepdim=True)
    shares = (magnitudes / torch.where(total > 0, total, 1))[:, 1:]
    beyond = torch.arange(1, shares.shape[1] + 1, device=shares.device, dtype=shares.dtype) - limit
    falling = torch.zeros_like(beyond) if softness is None else 1 / (1 + beyond.clamp(min=1) ** softness)
    return 1 - (torch.where(beyond > 0, falling, 1) * shares).sum(dim=1)


def smoothed(rows: Tensor, sigma: float) -> Tensor:
    """Convolve rows (N, L) with a Gaussian that is cut at one sigma and sums to one; zeros beyond the ends."""
    radius = int(sigma + 0.5)
    if radius == 0:
        return rows
    places = torch.arange(-radius, radius + 1, device=rows.device, dtype=rows.dtype)
    kernel = torch.exp(-0.5 * (places / sigma).square())
    kernel = kernel / kernel.sum()
    return functional.conv1d(rows[:, None], kernel[None, None], padding=radius)[:, 0]


def rescaled_limit(freq_limit: float, length: int) -> int:
    """Return the last free frequency of a window of `length` bp, at least 1."""
    return max(1, round(freq_limit * length / REFERENCE_LENGTH))


def positive_rows(target: Tensor, *, binary: bool) -> Tensor:
    """Return bool (N,): rows with a label above 1/2, or with log counts above the batch's median, in any task."""
    return (target > (0.5 if binary else target.median(dim=0).values)).any(dim=1)


def is_binary(context: StepContext) -> bool:
    """Return whether the network was built for labels."""
    return getattr(context.model, "build_arguments", {}).get("target", "binary") == "binary"
