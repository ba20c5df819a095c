"""Plain agreement: with the mean map of all other networks, and between the seeds of one family."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lucidna.ranking.prepare import MapSet


def mean_agreement(maps: MapSet, *, voters: np.ndarray | None = None) -> np.ndarray:
    """Cosine of each network's maps with the unweighted mean map of the others.

    Parameters
    ----------
    maps
        n networks on N regions.
    voters
        (n,) bool, which networks enter the mean; all by default.

    Returns
    -------
    (n, N), NaN for a network without any other.
    """
    voters = np.ones(len(maps), dtype=bool) if voters is None else np.asarray(voters, dtype=bool)
    total = _sum(maps, np.flatnonzero(voters))
    out = np.full((len(maps), maps.n_regions), np.nan)
    for index in range(len(maps)):
        if voters.sum() - voters[index] < 1:
            continue
        own = maps.corrected(index)
        rest = total - own if voters[index] else total
        dot = np.einsum("nal,nal->n", own, rest)
        norm = np.sqrt(np.einsum("nal,nal->n", rest, rest))
        out[index] = np.divide(dot, norm, out=np.zeros_like(dot), where=norm > 0)
    return out


def family_agreement(maps: MapSet, families: Sequence[str], *, voters: np.ndarray | None = None) -> np.ndarray:
    """Mean cosine of each network's maps with those of the other members of its family.

    Parameters
    ----------
    maps
        n networks on N regions.
    families
        (n,) labels (architecture x recipe): members differ in the seed only.
    voters
        (n,) bool, which networks the others are compared with; all by default. Controls carry the label of the
        family that they were made from, and its members are not measured by them.

    Returns
    -------
    (n, N), NaN for a network alone in its family.
    """
    voters = np.ones(len(maps), dtype=bool) if voters is None else np.asarray(voters, dtype=bool)
    out = np.full((len(maps), maps.n_regions), np.nan)
    for family in dict.fromkeys(families):
        members = [index for index, name in enumerate(families) if name == family]
        references = [index for index in members if voters[index]]
        total = _sum(maps, references)
        for index in members:
            others = len(references) - int(voters[index])
            if others < 1:
                continue
            own = maps.corrected(index)
            rest = total - own if voters[index] else total
            out[index] = np.einsum("nal,nal->n", own, rest) / others
    return out


def _sum(maps: MapSet, members: Sequence[int]) -> np.ndarray:
    total = np.zeros(maps.onehot.shape, dtype=np.float64)
    for index in members:
        total += maps.corrected(index)
    return total
