"""Tell which hits are one instance: a motif that became several patterns is called once by each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lucidna.motifs.elements import Part
from lucidna.motifs.null import CREDIBLE

_COVERED = 0.5  # share of a hit on better hits of its motif from which it says nothing new


def number_instances(hits: pd.DataFrame, parts: Mapping[str, Sequence[Part]]) -> pd.DataFrame:
    """Give each instance that hits show a number, and mark its best hit.

    TF-MoDISco gives a motif with many seqlets as several patterns, and a pair of motifs as composites beside its
    halves; Fi-NeMo calls each of them, so one site has several hits. Hits are taken best first: those of supported
    patterns before others, then by q-value, then by correlation. A hit of which half or more lies on better ones, whose
    patterns have an element in common with its own (`elements.elements`), is one instance with the best of these, on
    either strand, for a palindrome is called on one or the other. Every hit is compared with the best ones of
    instances only, so a chain of overlaps does not grow. The halves of a composite are one instance with it when it
    is the better; a composite is one with its halves when both were called, and an instance of its own beside one.

    Parameters
    ----------
    hits : DataFrame
        chrom, start, end, pattern, label, q_value (NaN where there is none), correlation.
    parts : mapping
        Pattern -> its parts, of `elements.elements`. A pattern that is not there has nothing in common with others.

    Returns
    -------
    DataFrame
        The same lines with the columns `instance` (1, 2, ... in the order of the lines) and `best` (1 for the best
        hit of each instance, else 0).
    """
    order = _best_first(hits)
    pattern = hits["pattern"].to_numpy(dtype=str)
    elements = {name: {part.element for part in parts.get(name, ())} | {name} for name in np.unique(pattern)}
    common = {(a, b): bool(elements[a] & elements[b]) for a in elements for b in elements}
    start, end = hits["start"].to_numpy(dtype=np.int64), hits["end"].to_numpy(dtype=np.int64)
    leader = np.arange(len(hits))
    for index in hits.groupby("chrom", sort=False).indices.values():
        here = index[np.argsort(start[index], kind="stable")]
        first, last = _neighbours(start[here], end[here])
        rank = order[here]
        for place in np.argsort(rank, kind="stable"):
            own = here[place]
            near = here[first[place] : last[place]]
            # A better hit that leads itself is the best of its instance.
            near = near[(order[near] < rank[place]) & (leader[near] == near)]
            same = [other for other in near if end[other] > start[own] and common[pattern[own], pattern[other]]]
            covered = np.zeros(end[own] - start[own], dtype=bool)
            for other in same:
                covered[max(start[other] - start[own], 0) : end[other] - start[own]] = True
            if covered.mean() >= _COVERED:
                leader[own] = min(same, key=lambda other: order[other])
    numbers = pd.factorize(leader)[0] + 1
    return hits.assign(instance=numbers.astype(np.int64), best=(leader == np.arange(len(hits))).astype(np.int64))


def _best_first(hits: pd.DataFrame) -> np.ndarray:
    """Return the rank of each hit, 0 for the best."""
    q_value = hits["q_value"].to_numpy(dtype=float)
    keys = (
        -hits["correlation"].to_numpy(dtype=float),
        np.where(np.isnan(q_value), 1.0, q_value),
        ~hits["label"].isin(CREDIBLE).to_numpy(),
    )
    order = np.lexsort(keys)
    rank = np.empty(len(hits), dtype=np.int64)
    rank[order] = np.arange(len(hits))
    return rank


def _neighbours(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, for hits ordered by their start, the slice of those that can overlap each: first, last."""
    widest = int((end - start).max())
    return np.searchsorted(start, start - widest, side="right"), np.searchsorted(start, end, side="left")
