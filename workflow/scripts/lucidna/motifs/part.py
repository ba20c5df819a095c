"""Support for patterns that lie within a supported one: a motif that was mostly found together with another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lucidna.motifs.composite import lies_in
from lucidna.motifs.null import SUPPORTED_PART, SUPPORTING, WEAK
from lucidna.motifs.patterns import Pattern
from lucidna.ppm import information

_HEART = 0.8  # share of a pattern's squared contributions in its heart
_LEAST_WIDTH = 5  # bp of a heart
_CLEAR, _CHANCE = 1.0, 0.25  # bits from which a base of a heart is sure, and its frequency by chance
_LEAST_COLUMNS = 4.0  # as many columns of one size have the heart's spread of squares


def add_parts(patterns: Sequence[Pattern], tested: pd.DataFrame) -> pd.DataFrame:
    """Label weak patterns whose heart is a part of a supported pattern.

    Where two motifs mostly stand side by side, TF-MoDISco makes most of their seqlets into composites, and few are
    left for each alone: fewer than the margin over the null asks for. The motif is in the composites as well, which
    are supported. The heart of a pattern is the shortest stretch that holds 80 % of its squared contributions. It
    must have 5 bp, among them the spread of 4 columns of one size, and lie in the larger pattern with a cosine of at
    least 0.85, on columns with at least 20 % of that one's squares. There the larger one must have every base of which
    the heart is sure (1 bit) at no less than a quarter of its sites: GATA (CAGATA) lay in OCT (CAAATA) with .95
    otherwise. In four simulated data sets this took both
    patterns that were a planted motif and weak, and none of the 92 patterns of permuted maps. A pattern that is no
    larger than those of the null stays what it is: stretches of A are alike wherever they are from.

    Parameters
    ----------
    patterns : sequence of Pattern
    tested : DataFrame
        Of `lucidna.motifs.null.calibrate`, in the order of `patterns`.

    Returns
    -------
    DataFrame
        The same with the column `part_of` (names of the supported patterns, by commas; empty text for none) and the
        label "supported (part of another)". Statistics, p- and q-values stay as they are.
    """
    labels = dict(zip(tested["pattern"], tested["label"], strict=True))
    wholes = [pattern for pattern in patterns if labels[pattern.name] in SUPPORTING]
    parts = []
    for pattern in patterns:
        heart = _heart(pattern) if labels[pattern.name] == WEAK else None
        holding = [] if heart is None else [whole for whole in wholes if whole.sign == pattern.sign]
        found = [whole.name for whole in holding if _holds(whole, pattern, heart)]
        parts.append(", ".join(found))
    label = [SUPPORTED_PART if part else labels[name] for part, name in zip(parts, tested["pattern"], strict=True)]
    return tested.assign(label=label, part_of=parts)


def _holds(whole: Pattern, pattern: Pattern, heart: slice) -> bool:
    """Say whether a pattern's heart lies in a larger one, which has its bases there."""
    own, ppm = pattern.ppm[:, heart], whole.ppm[:, whole.core]
    letters, clear = own.argmax(axis=0), information(own) >= _CLEAR
    for start, strand, _ in lies_in(whole.cwm[:, whole.core], pattern.cwm[:, heart]):
        under = ppm[:, start : start + len(letters)]
        under = under if strand == "+" else under[::-1, ::-1]
        if (under[letters, np.arange(len(letters))][clear] >= _CHANCE).all():
            return True
    return False


def _heart(pattern: Pattern) -> slice | None:
    """Return the columns of a pattern's heart; None where it is too short or a few columns are all."""
    core = pattern.cwm[:, pattern.core]
    squares = (core**2).sum(axis=0)
    before = np.concatenate([[0.0], np.cumsum(squares)])
    for width in range(1, len(squares) + 1):
        sums = before[width:] - before[:-width]
        if sums.max() >= _HEART * before[-1]:
            break
    start = int(sums.argmax())
    inside = squares[start : start + width]
    if width < _LEAST_WIDTH or inside.sum() ** 2 < _LEAST_COLUMNS * (inside**2).sum() or not inside.any():
        return None
    return slice(pattern.start + start, pattern.start + start + width)
