"""The criteria that need the networks themselves: lucidna's probes of stability and faithfulness."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pandas as pd
from torch import nn

from lucidna.ranking.bootstrap import weighted_mean
from lucidna.ranking.probes.plan import epoch_passes
from lucidna.ranking.probes.run import probe
from rankbench.store import Population

PROBES = {
    "rc_stability": "stability, other strand",
    "shift_stability": "stability, small shifts",
    "mutation_stability": "stability, unimportant bases changed",
    "noise_stability": "stability, noise on the input",
    "retention_stability": "stability, background replaced",
    "insertion": "insertion",
    "deletion": "deletion",
    "ism_agreement": "agreement with ISM",
    "random_last": "likeness to a random last layer",
    "random_all": "likeness to random weights",
    "angle_over_30": "share of angles over 30 degrees",
}
"""Criteria of `lucidna.ranking.probes`, with their names."""


def probed_table(models: Sequence[nn.Module], population: Population, rows: Sequence[int]) -> pd.DataFrame:
    """Probe networks on the shown regions, as the workflow does within the cost of one epoch of training.

    Parameters
    ----------
    models
        All networks of the population, in the order of its table.
    rows
        Those that are probed.

    Returns
    -------
    DataFrame
        One row for each of `rows`: the mean over regions of each of `PROBES`, and probe_seconds (CPU).
    """
    drawn = population.drawn
    codes, shown = drawn.codes[drawn.shown], np.asarray(drawn.shown)
    found = []
    for row in rows:
        start = time.process_time()
        epoch = epoch_passes(len(drawn.train), 0, len(shown), negatives_per_epoch=None)
        probes = probe(models[row], codes, shown, head="logit", epoch=epoch)
        means = {
            name: float(
                weighted_mean(values[None], None if name not in probes.weights else probes.weights[name][None])[0]
            )
            for name, values in probes.values.items()
            if name in PROBES
        }
        found.append(means | {"probe_seconds": time.process_time() - start})
    return pd.DataFrame(found)
