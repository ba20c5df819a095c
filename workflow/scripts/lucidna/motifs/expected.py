"""Look up motifs that a biologist expects among the patterns: found or not, and in how many hits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lucidna.iupac import IUPAC
from lucidna.motifs.patterns import Pattern

_MAJORITY = 0.5
_BEYOND = 2  # bp by which a site may reach beyond a pattern's trimmed core

COLUMNS = ["motif", "site", "found", "pattern", "agreement", "label", "n_seqlets", "hits", "hits_at_fdr"]


def agreement(pattern: Pattern, site: str) -> float:
    """Return how well a pattern shows a site, 0 to 1.

    The site is laid over the base frequencies of the pattern at every place and on both strands, not more
    than 2 bp beyond the trimmed core. A place counts as its weakest position: the frequency of the bases that
    the site allows there. Positions N say nothing.
    """
    allowed = np.array([[base in IUPAC[letter] for base in "ACGT"] for letter in site.upper()], dtype=float).T
    informative = allowed.sum(axis=0) < 4
    start, end = max(pattern.start - _BEYOND, 0), min(pattern.end + _BEYOND, pattern.ppm.shape[1])
    best = 0.0
    for word, speaks in ((allowed, informative), (allowed[::-1, ::-1], informative[::-1])):
        for at in range(start, end - word.shape[1] + 1):
            share = (pattern.ppm[:, at : at + word.shape[1]] * word).sum(axis=0)
            best = max(best, float(share[speaks].min()))
    return best


def expected_table(patterns: Sequence[Pattern], table: pd.DataFrame, expected: Mapping[str, str]) -> pd.DataFrame:
    """Say of each expected motif whether a pattern shows it.

    Parameters
    ----------
    patterns : sequence of Pattern
    table : DataFrame
        Of the same patterns: pattern, label, n_seqlets, hits, hits_at_fdr, composite_of.
    expected : mapping
        Name -> site in IUPAC letters, checked by `sites.check_expected`.

    Returns
    -------
    DataFrame
        One line per motif, in the order given: motif, site, found ("yes" when a pattern agrees by a majority,
        0.5, at every informative position, else "no"), pattern (of those that agree, one that is no composite, with
        most seqlets; of none, the one that comes nearest, or empty), agreement, and of that pattern, where found,
        label, n_seqlets, hits, hits_at_fdr.
    """
    facts = table.set_index("pattern")
    composite = (facts["composite_of"].fillna("") != "").to_dict()
    rows = []
    for name, site in expected.items():
        scores = {pattern.name: agreement(pattern, site) for pattern in patterns}
        shown = [pattern for pattern in patterns if scores[pattern.name] > _MAJORITY]
        if shown:
            best = max(shown, key=lambda pattern: (not composite[pattern.name], pattern.n_seqlets)).name
        else:
            best = max(scores, key=scores.get, default="")
        of_it = facts.loc[best, ["label", "n_seqlets", "hits", "hits_at_fdr"]].tolist() if shown else ["", 0, 0, 0]
        rows.append([name, site, "yes" if shown else "no", best, round(scores.get(best, 0.0), 3), *of_it])
    return pd.DataFrame(rows, columns=COLUMNS)
