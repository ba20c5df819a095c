"""Global importance: what a stretch of sequence does to the logit wherever it is planted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from lucidna.attribution.nulls import null_sequences
from lucidna.ranking.prepare import project
from lucidna.ranking.recurrence import WIDTH, seqlets
from lucidna.sequence import one_hot_numpy


def consensus_seqlets(consensus: np.ndarray, codes: np.ndarray, *, n: int, seed: int) -> np.ndarray:
    """Draw the bases under the strongest stretches of a consensus map (N, 4, L): uint8 (n, 9)."""
    sequence, start = seqlets(project(consensus, one_hot_numpy(codes)))
    chosen = np.random.default_rng(seed).permutation(len(start))[:n]
    return codes[sequence[chosen][:, None], start[chosen][:, None] + np.arange(WIDTH)]


def global_importance(
    models: Sequence[nn.Module], stretches: np.ndarray, codes: np.ndarray, *, nulls: int, seed: int
) -> np.ndarray:
    """Mean change of every network's logit when a stretch is planted in the middle of null sequences.

    Parameters
    ----------
    models
        n networks.
    stretches
        uint8 (s, w).
    codes
        uint8 (N, L); their dinucleotide shuffles are the null sequences.
    nulls
        How many null sequences.

    Returns
    -------
    (n, s), in units of the standard deviation of the network's logits on `codes`.
    """
    background = null_sequences(codes[:nulls], draw=0, seed=seed)
    start = (codes.shape[1] - stretches.shape[1]) // 2
    out = np.empty((len(models), len(stretches)))
    for row, model in enumerate(models):
        base = _logits(model, background)
        spread = max(float(_logits(model, codes).std()), 1e-6)
        for column, stretch in enumerate(stretches):
            planted = background.copy()
            planted[:, start : start + len(stretch)] = stretch
            out[row, column] = (_logits(model, planted) - base).mean() / spread
    return out


def _logits(model: nn.Module, codes: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return model(torch.from_numpy(one_hot_numpy(codes)))[:, 0].numpy()
