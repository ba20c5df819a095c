"""Faithfulness: what a map's top positions do to the prediction when they alone are kept, and when they are lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lucidna.ranking.prepare import codes_of, project
from lucidna.ranking.probes.draws import top_positions
from lucidna.sequence import dinucleotide_shuffle, one_hot_numpy

SHARES = (0.05, 0.1, 0.2, 0.4)
"""Shares of the positions kept or lost, equally spaced on a logarithmic axis."""


@dataclass(frozen=True)
class Curves:
    """Insertion and deletion curves, per region.

    Attributes
    ----------
    insertion, deletion
        (N, len(shares)): the share of the prediction, above that of the shuffled sequence, which the top
        positions bring back, and which their loss takes away. At most 1 and at least -1; NaN where the
        shuffled sequence is not predicted lower, so that there is nothing to bring back.
    full
        (N,) prediction of the sequence minus the mean of its shuffles, 0 where that is not positive: the weight of
        the region.
    """

    insertion: np.ndarray
    deletion: np.ndarray
    full: np.ndarray

    def areas(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the area under each curve over the logarithm of the share, (N,) each."""
        return self.insertion.mean(axis=1), self.deletion.mean(axis=1)


def curves(
    predict: Callable[[np.ndarray], np.ndarray],
    onehot: np.ndarray,
    corrected: np.ndarray,
    *,
    shares: Sequence[float] = SHARES,
    shuffles: int = 2,
    seed: int = 0,
) -> Curves:
    """Keep, or take away, the top positions of each map and predict again.

    Parameters
    ----------
    predict
        One-hot sequences (N, 4, L), one for each region in their order -> (N,).
    onehot, corrected
        (N, 4, L) sequences and corrected maps; positions are ordered by the contribution of their base.
    shares
        Shares of the positions.
    shuffles
        Dinucleotide shuffles of each sequence that give the bases in place of what is not kept; predictions are
        averaged over them.
    seed
        Of the shuffles: the same for every network.

    Returns
    -------
    Curves

    Notes
    -----
    Deletion is for reading, not for ranking: a brittle network drops more (it is anti-correlated with the true
    quality of maps), while insertion asks for what suffices.
    """
    codes = codes_of(onehot)
    contribution = project(corrected, onehot)
    shuffled = dinucleotide_shuffle(codes, n_shuffles=shuffles, seed=seed)
    top = [top_positions(contribution, share) for share in shares]
    null = np.zeros(len(codes))
    kept, lost = np.zeros((len(codes), len(top))), np.zeros((len(codes), len(top)))
    for draw in range(shuffles):
        background = shuffled[:, draw]
        null += predict(one_hot_numpy(background)) / shuffles
        for column, mask in enumerate(top):
            kept[:, column] += predict(one_hot_numpy(np.where(mask, codes, background))) / shuffles
            lost[:, column] += predict(one_hot_numpy(np.where(mask, background, codes))) / shuffles
    whole = predict(onehot).astype(np.float64)
    full = whole - null
    # A difference within the rounding of float32 is none.
    usable = full > 1e-5 * np.maximum(np.abs(whole), np.abs(null))
    scale = np.where(usable, full, np.nan)[:, None]
    return Curves(
        insertion=np.clip((kept - null[:, None]) / scale, -1, 1),
        deletion=np.clip((whole[:, None] - lost) / scale, -1, 1),
        full=np.where(usable, full, 0),
    )
