"""Agreement with the other networks in what differs between regions: a map that is the same everywhere has none."""

from __future__ import annotations

import numpy as np

from lucidna.ranking.prepare import unit_rows


def local_agreement(projected: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Agreement of projected maps with a reference once the mean profile over regions is taken out of both.

    Where the signal prefers some positions (the summit of a peak), a window at those positions agrees with every
    network's maps without having read a sequence. What is left without the mean profile has to come from the
    sequence.

    Parameters
    ----------
    projected, reference
        (N, L); each row is scaled to norm 1 first.

    Returns
    -------
    (N,) dot product of what is left of both, over the norm of what is left of the reference: the cosine with the
    reference, times the share of the map that differs between regions. 0 for the same map in every region.
    """
    own, other = (unit_rows(np.asarray(values, dtype=np.float64)) for values in (projected, reference))
    own, other = own - own.mean(axis=0), other - other.mean(axis=0)
    norm = np.sqrt(np.square(other).sum(axis=-1))
    dot = (own * other).sum(axis=-1)
    return np.divide(dot, norm, out=np.zeros_like(dot), where=norm > 0)
