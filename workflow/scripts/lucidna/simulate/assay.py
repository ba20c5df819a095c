"""What an assay adds to a synthetic set: a background of uneven composition, and a sequence preference of its own.

Both work on drawn sequences and leave the motifs of the ground truth as they are.
"""

from __future__ import annotations

import numpy as np

from lucidna.errors import UserError
from lucidna.simulate.background import markov_sequence

_EVEN = 1e-6  # a column whose largest entry is nearer to 0.25 than this holds no motif


def background_of(truth: np.ndarray) -> np.ndarray:
    """Mark the positions without a motif: truth (n, 4, L) -> bool (n, L)."""
    return np.abs(truth - 0.25).max(axis=1) < _EVEN


def redraw_background(codes: np.ndarray, truth: np.ndarray, *, gc: np.ndarray, seed: int) -> np.ndarray:
    """Draw the positions without a motif again, from a Markov chain with the dinucleotides of a genome.

    Parameters
    ----------
    codes : uint8 (n, L)
    truth : array (n, 4, L)
        0.25 outside the motifs.
    gc : float (n,)
        Expected GC content of every sequence's background, within 0.25 and 0.70.
    seed : int

    Returns
    -------
    uint8 (n, L)
        New array; motifs keep their bases.
    """
    n, length = codes.shape
    field = np.repeat(np.asarray(gc, dtype=np.float64), length)
    chain = markov_sequence(field, rng=np.random.default_rng(seed)).reshape(n, length)
    return np.where(background_of(truth), chain, codes).astype(np.uint8)


def plant_preference(
    codes: np.ndarray, truth: np.ndarray, carrier: np.ndarray, ppm: np.ndarray, *, copies: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Plant instances of a motif that is no part of the ground truth, as an enzyme's preference would.

    Parameters
    ----------
    codes : uint8 (n, L)
    truth : array (n, 4, L)
        Instances only go where it holds no motif.
    carrier : bool (n,)
        Which sequences get instances.
    ppm : array (4, w)
    copies : int
        Instances per carrier, without overlap; fewer where there is no room.
    seed : int

    Returns
    -------
    codes : uint8 (n, L)
        New array.
    planted : bool (n, L)
        Where the instances lie.

    Raises
    ------
    UserError
        When the motif is wider than the sequences.
    """
    n, length = codes.shape
    width = ppm.shape[1]
    if width > length:
        raise UserError(f"a preference of {width} bp does not fit in {length} bp: give a shorter one")
    rng = np.random.default_rng(seed)
    codes, planted = codes.copy(), np.zeros((n, length), dtype=bool)
    free = background_of(truth)
    steps = np.cumsum(ppm, axis=0)[:3]
    columns = np.arange(width)
    for _ in range(copies):
        room = np.lib.stride_tricks.sliding_window_view(free, width, axis=1).all(axis=2)
        priority = np.where(room, rng.random(room.shape), -1.0)
        start = priority.argmax(axis=1)
        rows = np.flatnonzero(np.asarray(carrier, dtype=bool) & room.any(axis=1))
        instances = (rng.random((len(rows), 1, width)) >= steps).sum(axis=1)
        where = (rows[:, None], start[rows, None] + columns)
        codes[where], planted[where], free[where] = instances, True, False
    return codes, planted
