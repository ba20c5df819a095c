"""What every criterion costs per network."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from lucidna.ranking.agreement import mean_agreement
from lucidna.ranking.autocorrelation import ac1_g, selfsnr
from lucidna.ranking.consensus import consensus
from lucidna.ranking.kmers import acme_kmer, cross_fitted_kmer, soft_kmer
from lucidna.ranking.prepare import MapSet
from lucidna.ranking.recurrence import sl_con
from lucidna.ranking.spherical import spherical_consistency
from rankbench.store import Population


def cost_table(population: Population) -> pd.DataFrame:
    """Time the criteria on the candidates of a population, CPU seconds per network; the maps are given.

    Returns
    -------
    DataFrame
        score, seconds, networks, regions. "c_cos, c_snr, c_auc" needs all networks and is divided by their number.
    """
    maps = MapSet([population.maps[row] for row in population.rows("candidate")], population.onehot)
    for index in range(len(maps)):
        maps.corrected(index)
    few = range(0, len(maps), max(len(maps) // 6, 1))
    single: dict[str, Callable[[int], object]] = {
        "sl_con": lambda index: sl_con(maps.corrected(index), maps.onehot),
        "soft_kmer6": lambda index: soft_kmer(maps.corrected(index), maps.codes),
        "ac1_g": lambda index: ac1_g(maps.projected(index)),
        "selfsnr": lambda index: selfsnr(maps.projected(index)),
        "m1": lambda index: acme_kmer(maps.corrected(index), maps.codes),
        "m1cf": lambda index: cross_fitted_kmer(maps.corrected(index), maps.codes),
        "m2": lambda index: spherical_consistency(maps.corrected(index)),
    }
    seconds = {name: _per_network(function, few) for name, function in single.items()}
    start = time.process_time()
    consensus(maps, np.arange(len(maps), dtype=float))
    seconds["c_cos, c_snr, c_auc"] = (time.process_time() - start) / len(maps)
    start = time.process_time()
    mean_agreement(maps)
    seconds["agreement"] = (time.process_time() - start) / len(maps)
    seconds["rule_a"] = seconds["c_cos, c_snr, c_auc"] + seconds["sl_con"]
    seconds["rule_b"] = sum(seconds[name] for name in ("sl_con", "soft_kmer6", "ac1_g", "selfsnr"))
    return pd.DataFrame(
        {
            "score": list(seconds),
            "seconds": list(seconds.values()),
            "networks": len(maps),
            "regions": maps.n_regions,
        }
    )


def _per_network(function: Callable[[int], object], networks: range) -> float:
    function(networks[0])
    start = time.process_time()
    for index in networks:
        function(index)
    return (time.process_time() - start) / len(networks)
