"""Losses: predictions of a network against a batch, to one number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lucidna.errors import UserError

# Borzoi's weight of the Poisson term (Linder et al., Nat Genet 57:949, 2025).
POISSON_WEIGHT = 0.2


def make_loss(
    name: str, *, channels: Sequence[Sequence[int]], count_weight: Sequence[float] | None = None
) -> Callable[[Any, dict[str, Tensor]], Tensor]:
    """Return the loss (prediction, batch) -> scalar, a mean over rows and tasks.

    Parameters
    ----------
    name : str
        "bce", "mse", "cosine_mse", "multinomial" or "poisson_multinomial".
    channels : list of list of int
        For each task, its rows among the signal channels.
    count_weight : sequence of float, optional
        Per task, the weight of the counts beside the profile; needed by "multinomial", and 0.2 by default in
        "poisson_multinomial".

    Raises
    ------
    UserError
        For "cosine_mse" with one task, where the cosine says nothing.
    """
    if name == "bce":
        return lambda prediction, batch: binary_cross_entropy(prediction, batch["target"])
    if name == "mse":
        return lambda prediction, batch: mse_log_counts(prediction, batch["target"]).mean()
    if name == "cosine_mse":
        if len(channels) < 2:
            raise UserError("loss 'cosine_mse' compares tasks with each other and there is one: use mse")
        return lambda prediction, batch: cosine_mse(prediction, batch["target"])
    if name == "multinomial":
        weights = torch.as_tensor(list(count_weight), dtype=torch.float32)
        return lambda prediction, batch: _multinomial_mse(prediction, batch, channels, weights)
    if name == "poisson_multinomial":
        given = [POISSON_WEIGHT] * len(channels) if count_weight is None else list(count_weight)
        weights = torch.as_tensor(given, dtype=torch.float32)
        return lambda prediction, batch: _multinomial_poisson(prediction, batch, channels, weights)
    raise ValueError(f"no loss {name!r}")


def binary_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy of logits (N, T) and labels (N, T) in [0, 1]."""
    return functional.binary_cross_entropy_with_logits(logits.float(), labels)


def mse_log_counts(log_counts: Tensor, target: Tensor) -> Tensor:
    """Return the squared errors of log1p counts, (N, T)."""
    return (log_counts.float() - target).square()


def cosine_mse(log_counts: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared error plus a cosine distance across tasks, weighted by at most 1.

    The form of CREsted's CosineMSELog (Kempynck et al., Nat Methods, 2025) on log1p counts (N, T): the weight
    is the ratio of the two terms, so that the cosine never outweighs the error.
    """
    mse = mse_log_counts(log_counts, target).mean()
    distance = (1 - functional.cosine_similarity(log_counts.float(), target, dim=1)).mean()
    weight = (mse / (distance + 1e-8)).detach().clamp(max=1)
    return mse + weight * distance


def multinomial_nll(logits: Tensor, counts: Tensor, channels: Sequence[Sequence[int]]) -> Tensor:
    """Return the negative log-likelihood of each profile under a multinomial, (N, T).

    One multinomial per track, over the positions of all its strands (Avsec et al., Nat Genet 53:354, 2021),
    with its coefficient: the value is comparable with other tools'; the coefficient moves no gradient.

    Parameters
    ----------
    logits, counts : Tensor
        (N, C, L_out); counts are not negative and may be fractions.
    channels : list of list of int
        For each task, its rows among C.
    """
    terms = []
    for rows in channels:
        observed = counts[:, rows].float().flatten(1)
        log_p = functional.log_softmax(logits[:, rows].float().flatten(1), dim=1)
        coefficient = torch.lgamma(observed.sum(1) + 1) - torch.lgamma(observed + 1).sum(1)
        terms.append(-(observed * log_p).sum(1) - coefficient)
    return torch.stack(terms, dim=1)


def poisson_totals(log_counts: Tensor, target: Tensor) -> Tensor:
    """Return the Poisson negative log-likelihood of 1 + total with rate exp(log_counts), (N, T).

    Its minimum lies at log_counts = log1p(total), as that of the squared error does; constants are left out.
    """
    log_rate = log_counts.float()
    return log_rate.exp() - target.exp() * log_rate


def auto_count_weight(peak_targets: Tensor) -> list[float]:
    """Return ChromBPNet's weight of the counts per task: the median peak's total / 10, at least 1.

    Parameters
    ----------
    peak_targets : Tensor
        (n, T) log1p totals of the training peaks.
    """
    if len(peak_targets) == 0:
        return [1.0] * peak_targets.shape[1]
    medians = torch.expm1(peak_targets.float()).quantile(0.5, dim=0)
    return [max(1.0, float(median) / 10) for median in medians]


def _multinomial_mse(
    prediction: tuple[Tensor, Tensor],
    batch: dict[str, Tensor],
    channels: Sequence[Sequence[int]],
    weights: Tensor,
) -> Tensor:
    logits, log_counts = prediction
    profile = multinomial_nll(logits, batch["signal"], channels)
    counts = mse_log_counts(log_counts, batch["target"])
    return (profile + weights.to(counts.device) * counts).mean()


def _multinomial_poisson(
    prediction: tuple[Tensor, Tensor],
    batch: dict[str, Tensor],
    channels: Sequence[Sequence[int]],
    weights: Tensor,
) -> Tensor:
    logits, log_counts = prediction
    profile = multinomial_nll(logits, batch["signal"], channels)
    counts = poisson_totals(log_counts, batch["target"])
    return (profile + weights.to(counts.device) * counts).mean()
