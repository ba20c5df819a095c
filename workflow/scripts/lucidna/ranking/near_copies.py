"""Candidates whose maps are nearly the same: two saves of one network that count as two opinions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lucidna.attribution.correction import correct
from lucidna.ranking.prepare import unit_norm

ALIKE = 0.98
"""Mean cosine of corrected maps above which two candidates are taken for copies: trainings that differ in the seed
only stay far below it."""
MOST_REGIONS = 50
"""Regions on which pairs are compared."""
MOST_NUMBERS = 2**25
"""Values that are held at once; with many or long maps fewer regions are compared."""
NAMED = 5
"""Most pairs that are named."""


def near_copies(maps: Sequence[np.ndarray], votes: Sequence[object]) -> list[tuple[int, int]]:
    """Find pairs of networks whose maps are nearly the same although they do not share a vote.

    Parameters
    ----------
    maps
        n arrays (N, 4, L) of the same regions, in memory or memory-mapped. Up to `MOST_REGIONS` regions, evenly spread,
        are read.
    votes
        n labels; networks with the same one are not compared.

    Returns
    -------
    list of (first, second) with first < second.
    """
    n = len(maps)
    if n < 2:
        return []
    n_regions, size = len(maps[0]), maps[0][0].size
    count = min(n_regions, MOST_REGIONS, max(MOST_NUMBERS // (n * size), 2))
    rows = np.linspace(0, n_regions - 1, count).round().astype(int)
    features = np.empty((n, count * size), dtype=np.float32)
    for index, source in enumerate(maps):
        features[index] = unit_norm(correct(np.asarray(source[rows], dtype=np.float64))).reshape(-1)
    # An all-zero map has no direction and is like no other.
    cosine = features @ features.T / count
    labels = {label: place for place, label in enumerate(dict.fromkeys(votes))}
    own = np.array([labels[label] for label in votes])
    found = np.argwhere(np.triu(cosine > ALIKE, 1) & (own[:, None] != own[None, :]))
    return [(int(first), int(second)) for first, second in found]


def copies_notice(pairs: Mapping[str, Sequence[tuple[str, str]]]) -> list[str]:
    """Say which candidates are nearly the same, fold -> pairs of ids, and what to do; nothing without any."""
    together = [pair for found in pairs.values() for pair in found]
    if not together:
        return []
    named = "; ".join(f"{first} and {second}" for first, second in together[:NAMED])
    more = f" and {len(together) - NAMED} more pairs" if len(together) > NAMED else ""
    return [
        f"The maps of these candidates are nearly the same (cosine above {ALIKE:g}): {named}{more}. Each has a vote of "
        "its own, so that they confirm each other: if they are checkpoints or copies of one run, give them the same "
        "label (`votes`, or `run` in a configuration)."
    ]
