"""Say how many patterns fewer regions and fewer seqlets give: has the search seen what the maps hold."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
from scipy.stats import binom

from lucidna.motifs.null import LEAST_SEQLETS
from lucidna.motifs.patterns import Discovery
from lucidna.motifs.reproducibility import FOUND, look_up

SHARES = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
COLUMNS = ["share", "seqlets", "patterns", "supported", "run_patterns", "found", "found_supported"]


def saturation(
    discovery: Discovery, fewer: Mapping[float, Discovery], *, supported: Collection[str], threads: int = 1
) -> pd.DataFrame:
    """Count the patterns that a share of the maps gives, expected and seen.

    Expected: when a share f of the seqlets is drawn, a pattern of n of them keeps Binomial(n, f), and it stays a
    pattern when at least 20 are left, the smallest cluster that TF-MoDISco keeps. The expected number of patterns
    is the sum of these probabilities. It is what the run's own assignment of seqlets says: that a smaller run might
    also merge two patterns, miss a heterogeneous one or set another threshold for seqlets is not in it. Seen: in a run
    on that share of the regions, how many of the patterns are there again (`reproducibility.look_up`). A curve
    that still climbs at 1 says that more regions, or a higher cap on seqlets, would give more patterns.

    Parameters
    ----------
    discovery : Discovery
    fewer : mapping
        Share of the regions -> what a run on these alone found.
    supported : collection of str
        Names of the patterns that the null supports.
    threads : int

    Returns
    -------
    DataFrame
        share; seqlets (used by the run, times the share); patterns and supported: expected numbers; run_patterns
        (of the run on that share), found and found_supported (of this run's patterns, those that it shows): NaN for
        a share without a run.
    """
    sizes = np.array([pattern.n_seqlets for pattern in discovery.patterns], dtype=int)
    kept = np.array([pattern.name in supported for pattern in discovery.patterns], dtype=bool)
    used = sum(int(discovery.facts[f"{sign}_seqlets_used"]) for sign in ("pos", "neg"))
    again = look_up(discovery.patterns, {"share": {str(share): run for share, run in fewer.items()}}, threads=threads)
    again = again[again["found"] == FOUND]
    rows = []
    for share in sorted({*SHARES, *fewer}):
        stays = binom.sf(LEAST_SEQLETS - 1, sizes, share)
        row = [share, round(share * used), round(stays.sum(), 3), round(stays[kept].sum(), 3)]
        seen = [np.nan] * 3
        if share in fewer:
            names = again.loc[again["run"] == str(share), "pattern"]
            seen = [len(fewer[share].patterns), len(names), int(names.isin(list(supported)).sum())]
        elif share == 1:
            seen = [len(sizes), len(sizes), int(kept.sum())]
        rows.append((*row, *seen))
    return pd.DataFrame(rows, columns=COLUMNS)
