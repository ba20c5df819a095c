"""Say how many patterns fewer seqlets would have given: has the search seen what the maps hold."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from scipy.stats import binom

from lucidna.motifs.null import LEAST_SEQLETS
from lucidna.motifs.patterns import Discovery

SHARES = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
COLUMNS = ["share", "seqlets", "patterns", "supported"]


def saturation(discovery: Discovery, *, supported: Collection[str]) -> pd.DataFrame:
    """Thin the seqlets of a run and count the patterns that would be left.

    When a share f of the seqlets is drawn, a pattern of n of them keeps Binomial(n, f), and it stays a pattern when
    at least 20 are left, the smallest cluster that TF-MoDISco keeps. The expected number of patterns is the sum
    of these probabilities. No clustering is run again, so this is what the run's own assignment of seqlets says: that
    a smaller run might also merge two patterns or miss a heterogeneous one is not in it. A curve that
    still climbs at 1 says that more regions, or a higher cap on seqlets, would give more patterns.

    Parameters
    ----------
    discovery : Discovery
    supported : collection of str
        Names of the patterns that the null supports.

    Returns
    -------
    DataFrame
        share; seqlets (used by the run, times the share); patterns and supported: expected numbers.
    """
    sizes = np.array([pattern.n_seqlets for pattern in discovery.patterns], dtype=int)
    kept = np.array([pattern.name in supported for pattern in discovery.patterns], dtype=bool)
    used = sum(int(discovery.facts[f"{sign}_seqlets_used"]) for sign in ("pos", "neg"))
    rows = []
    for share in SHARES:
        stays = binom.sf(LEAST_SEQLETS - 1, sizes, share)
        rows.append((share, round(share * used), round(stays.sum(), 3), round(stays[kept].sum(), 3)))
    return pd.DataFrame(rows, columns=COLUMNS)
