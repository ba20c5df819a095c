"""Which columns of a pattern are its motif."""

from __future__ import annotations

import numpy as np

from lucidna.ppm import information

_STRAY_GAP, _STRAY_BITS = 4, 4.0  # columns apart from the rest of a core, and information below which they are no motif


def without_strays(ppm: np.ndarray, cwm: np.ndarray, *, threshold: float = 0.3) -> tuple[int, int]:
    """Find the core of a pattern, without what stands beside it by chance.

    The core of modisco-lite's report and of Fi-NeMo reaches from the first to the last column whose total
    |contribution| is at least `threshold` of the largest. Neighbours that a few seqlets share may be 4 bp or more from
    the motif and have no sequence in common: they made cores of 10 bp into 34. Runs of large columns at either end
    that stand so far apart are cut off while they hold less than 4 bits. (In simulated and yeast data such runs have
    .0 to 2.6 bits, halves of bipartite motifs and composites 5.6 or more.)

    Parameters
    ----------
    ppm, cwm : ndarray, shape (4, w)
        Base frequencies (each column's sum is taken as 1), and contributions.
    threshold : float
        Share of the largest column.

    Returns
    -------
    tuple of int
        start, end (half-open).
    """
    columns, bits = np.abs(cwm).sum(axis=0), information(ppm / np.maximum(ppm.sum(axis=0), 1e-12))
    large = np.flatnonzero(columns >= threshold * columns.max())
    runs = np.split(large, np.flatnonzero(np.diff(large) > _STRAY_GAP) + 1)
    weak = [bits[run[0] : run[-1] + 1].sum() < _STRAY_BITS for run in runs]
    if not all(weak):
        while weak[0]:
            runs, weak = runs[1:], weak[1:]
        while weak[-1]:
            runs, weak = runs[:-1], weak[:-1]
    return int(runs[0][0]), int(runs[-1][-1]) + 1
