"""How often a substitution makes or breaks a site, whatever it is: what a site alone says of a variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from lucidna.variants.sites import SiteChange, makes_or_breaks

_ROWS = 1024  # variants whose windows are copied at once


@dataclass(frozen=True)
class SiteCounts:
    """Numbers of substitutions of one base; those of several blocks add up.

    Attributes
    ----------
    variants, changing : int
        Of the variants, and of those that make or break a site of at least one pattern.
    others, others_changing : int
        The same of the other two substitutions at each variant's place, to neither the reference nor the alternative.
    """

    variants: int = 0
    changing: int = 0
    others: int = 0
    others_changing: int = 0

    def __add__(self, more: SiteCounts) -> SiteCounts:
        return SiteCounts(*(a + b for a, b in zip(astuple(self), astuple(more), strict=True)))


def count_sites(
    reference: np.ndarray,
    alternative: np.ndarray,
    first: np.ndarray,
    lengths: np.ndarray,
    changes: Sequence[Sequence[SiteChange]],
    motifs: Mapping[str, np.ndarray],
) -> SiteCounts:
    """Count the variants that make or break a site, and the other substitutions at the same places that do.

    Only variants whose alleles differ in one base count: an indel or a substitution of several bases has no such
    small set of others. The others are scanned in the variant's own window for the same patterns. Without a pattern
    nothing is scanned, and all is 0.

    Parameters
    ----------
    reference, alternative, first, lengths, motifs
        As for `sites.site_changes`.
    changes : sequence
        What it returned of these variants.
    """
    if not motifs:
        return SiteCounts()
    single = np.flatnonzero((lengths == 1).all(axis=1))
    changing = sum(any(site.makes or site.breaks for site in changes[row]) for row in single)
    others_changing = 0
    for begin in range(0, len(single), _ROWS):
        rows = single[begin : begin + _ROWS]
        own, at = reference[rows], (np.arange(len(rows)), first[rows])
        taken = np.stack([own[at], alternative[rows, first[rows]]])
        free = np.stack([(taken != base).all(axis=0) for base in range(4)], axis=1)
        others = [own.copy(), own.copy()]
        for windows, letters in zip(others, np.nonzero(free)[1].reshape(-1, 2).T, strict=True):
            windows[at] = letters
        others_changing += int(makes_or_breaks(own, others, first[rows], motifs).sum())
    return SiteCounts(len(single), changing, 2 * len(single), others_changing)


def base_rate(counts: SiteCounts, *, n_patterns: int) -> dict[str, Any]:
    """Return the entry of a task in the summary: patterns, variants, other_substitutions, and the shares of both.

    `make_or_break` and `others_make_or_break` are None where nothing was scanned.
    """
    return {
        "patterns": n_patterns,
        "variants": counts.variants,
        "make_or_break": counts.changing / counts.variants if counts.variants else None,
        "other_substitutions": counts.others,
        "others_make_or_break": counts.others_changing / counts.others if counts.others else None,
    }
