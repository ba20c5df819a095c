"""Genomic background: isochores, a first-order Markov chain with few CpG, soft-masked stretches."""

from __future__ import annotations

import numpy as np

_LEVELS = np.linspace(0.25, 0.70, 46)  # the GC contents for which a chain is made
_ISOCHORE_BP = 8000
_BUMP_SD_BP = 80.0

# How much more often than by its bases' frequencies each dinucleotide occurs (rows: first base). Both
# strands read alike; CpG is rare, as in most genomes with methylation.
_PREFERENCE = np.array(
    [
        [1.15, 0.90, 1.05, 0.95],
        [1.15, 1.05, 0.35, 1.05],
        [1.00, 1.05, 1.05, 0.90],
        [0.80, 1.00, 1.15, 1.15],
    ]
)


def gc_field(length: int, *, centres: np.ndarray, rises: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the expected GC content along a chromosome.

    Long stretches of even GC content (exponential lengths, mean 8 kb; GC content around 0.42) carry bumps
    where the caller wants them.

    Parameters
    ----------
    length : int
        bp.
    centres : int (n,)
        Positions of the bumps, which are Gaussian with a standard deviation of 80 bp.
    rises : float (n,)
        Height of every bump.
    rng : Generator

    Returns
    -------
    float64 (length,)
        Within 0.25 and 0.70.
    """
    n_most = 10 + 4 * length // _ISOCHORE_BP
    ends = np.cumsum(rng.exponential(_ISOCHORE_BP, size=n_most)).astype(np.int64)
    levels = np.clip(rng.normal(0.42, 0.04, size=n_most + 1), 0.33, 0.55)
    field = levels[np.searchsorted(ends, np.arange(length), side="right")]
    reach = int(3 * _BUMP_SD_BP)
    around = np.arange(-reach, reach + 1)
    positions = centres[:, None] + around
    bumps = rises[:, None] * np.exp(-0.5 * (around / _BUMP_SD_BP) ** 2)
    inside = (positions >= 0) & (positions < length)
    np.add.at(field, positions[inside], bumps[inside])
    return np.clip(field, _LEVELS[0], _LEVELS[-1])


def markov_sequence(gc: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Draw a sequence from a first-order Markov chain whose GC content follows a field.

    Every position draws where it would go from each of the four bases; composing these maps in a doubling
    scan gives the chain itself, exactly, without a loop over positions. The maps soon forget where they
    came from, so the scan ends after a few rounds.

    Parameters
    ----------
    gc : float (L,)
        Expected GC content.
    rng : Generator

    Returns
    -------
    uint8 (L,)
        Codes 0 to 3.
    """
    steps = np.cumsum(_transitions(), axis=2)[:, :, :3].astype(np.float32)
    level = np.abs(np.rint((gc - _LEVELS[0]) / (_LEVELS[1] - _LEVELS[0]))).astype(np.int64)
    draws = rng.random(len(gc), dtype=np.float32)
    maps = np.zeros((len(gc), 4), dtype=np.uint8)
    for threshold in range(3):
        maps += draws[:, None] >= steps[level, :, threshold]
    maps[0] = rng.integers(4)
    step = 1
    while step < len(maps) and not (maps == maps[:, :1]).all():
        maps[step:] = np.take_along_axis(maps[step:], maps[:-step], axis=1)
        step *= 2
    return maps[:, 0].copy()


def soft_mask(length: int, *, share: float, rng: np.random.Generator) -> np.ndarray:
    """Choose the bases that are written in lower case, in stretches of 100 to 1000 bp.

    Returns
    -------
    bool (length,)
        True for about `share` of the bases.
    """
    n = max(1, round(length * share / 550))
    starts = rng.integers(0, length, size=n)
    ends = np.minimum(starts + rng.integers(100, 1001, size=n), length)
    depth = np.bincount(starts, minlength=length + 1) - np.bincount(ends, minlength=length + 1)
    return np.cumsum(depth)[:length] > 0


def _transitions() -> np.ndarray:
    """Return one transition matrix per level, (levels, 4, 4), whose long-run GC content is that level."""
    asked = np.linspace(0.05, 0.95, 181)
    bases = np.stack([(1 - asked) / 2, asked / 2, asked / 2, (1 - asked) / 2], axis=1)
    matrices = bases[:, None, :] * _PREFERENCE
    matrices /= matrices.sum(axis=2, keepdims=True)
    state = np.full((len(asked), 1, 4), 0.25)
    for _ in range(200):
        state = state @ matrices
    reached = state[:, 0, 1:3].sum(axis=1)
    bases_gc = np.interp(_LEVELS, reached, asked)
    bases = np.stack([(1 - bases_gc) / 2, bases_gc / 2, bases_gc / 2, (1 - bases_gc) / 2], axis=1)
    matrices = bases[:, None, :] * _PREFERENCE
    return matrices / matrices.sum(axis=2, keepdims=True)
