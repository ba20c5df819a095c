"""How alone a map's largest values stand where the other networks see nothing: spikes have no neighbours."""

from __future__ import annotations

import numpy as np

SHARE = 0.03


def isolation(projected: np.ndarray, motif: np.ndarray, *, share: float = SHARE) -> np.ndarray:
    """Share of the largest background values by which they exceed their neighbours.

    A network reads motifs, and a base that it needs has needed neighbours. Values at single positions, for
    reasons that the sequence does not hold, raise no neighbour. They are sought where the others' maps have
    nothing, since on a motif they would be hidden.

    Parameters
    ----------
    projected
        (N, L) projected maps of one network.
    motif
        bool (N, L), the pseudo-motif positions of the other networks; background is what lies outside, with both
        neighbours.
    share
        How many of a region's positions count: the largest of the background, if they are positive.

    Returns
    -------
    (N,) in [0, 1]: sum of the squared excess over the larger absolute neighbour, over the sum of squares.
    Independent noise has about 0.31, lower is better; NaN where no background value is positive.
    """
    values = np.asarray(projected, dtype=np.float64)
    length = values.shape[-1]
    if length < 3:
        return np.full(len(values), np.nan)
    size = np.abs(values)
    # The two ends have one neighbour each and are left out.
    neighbour = np.maximum(size[:, :-2], size[:, 2:])
    background = ~(motif[:, :-2] | motif[:, 1:-1] | motif[:, 2:])
    inner = np.where(background, values[:, 1:-1], 0)
    count = min(max(round(share * length), 1), inner.shape[-1])
    largest = np.argpartition(inner, inner.shape[-1] - count, axis=-1)[:, inner.shape[-1] - count :]
    value = np.maximum(np.take_along_axis(inner, largest, axis=-1), 0)
    excess = np.maximum(value - np.take_along_axis(neighbour, largest, axis=-1), 0)
    power = np.square(value).sum(axis=-1)
    return np.where(power > 0, np.square(excess).sum(axis=-1) / np.where(power > 0, power, 1), np.nan)
