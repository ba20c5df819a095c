"""How many regions a candidate can be probed on for less than a training epoch costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lucidna.ranking.probes.insertion import SHARES
from lucidna.ranking.probes.shift import SHIFTS

DEFAULTS = {"regions": 64, "ism_regions": 20, "budget": 0.9}
POSITIONS = 200
"""Positions mutated in each region, where the budget allows."""

REDRAWS = 2
SHUFFLES = 2
GRADIENT = 3
"""Passes that a gradient, or a training step, costs: forward, and backward about twice as long."""

MAPS = 5 + len(SHIFTS) + 2 * REDRAWS
"""Maps of each region: its own, other strand, mutated, noisy, retained; shifts; two kinds of redrawn networks."""

MAPPED = 2
"""Maps that the ranking itself makes of each region, task and head: of the region, and of its shuffled copy."""

PREDICTIONS = 1 + SHUFFLES * (1 + 2 * len(SHARES))


@dataclass(frozen=True)
class Plan:
    """What is probed.

    Attributes
    ----------
    regions : int
        Regions of every probe but in-silico mutagenesis.
    ism_regions, positions : int
        Regions of in-silico mutagenesis, and the positions mutated in each.
    passes : int
        Sequences run forward by the probes, by estimate; a gradient counts as `GRADIENT`.
    epoch : int
        The same for one epoch of training.
    """

    regions: int
    ism_regions: int
    positions: int
    passes: int
    epoch: int


def epoch_passes(n_peaks: int, n_negatives: int, n_valid: int, *, negatives_per_epoch: float | None) -> int:
    """Return how many sequences one epoch runs forward, validation included; a training step counts as `GRADIENT`."""
    drawn = n_negatives if negatives_per_epoch is None else min(n_negatives, round(negatives_per_epoch * n_peaks))
    return GRADIENT * (n_peaks + drawn) + n_valid


def plan_probes(
    n_regions: int,
    length: int,
    epoch: int,
    *,
    other_folds: int = 0,
    parts: int = 1,
    settings: Mapping[str, float] | None = None,
) -> Plan:
    """Choose numbers of regions and positions that fit the budget; the same for all candidates of a fold.

    Parameters
    ----------
    n_regions
        Regions there are.
    length
        Window in bp.
    epoch
        From `epoch_passes`.
    other_folds
        Folds on whose regions maps are made too.
    parts
        Tasks x heads whose maps are averaged.
    settings
        `DEFAULTS`: most regions, most regions of in-silico mutagenesis, share of an epoch that may be spent on all
        that the panel needs of the network.

    Returns
    -------
    Plan
        Half of what the ranking's own maps leave of the budget goes to each of the two parts; none of them falls
        below 2 regions and 2 positions.
    """
    settings = {**DEFAULTS, **(settings or {})}
    half = (settings["budget"] * epoch - GRADIENT * MAPPED * parts * n_regions) / 2
    maps = MAPS + other_folds + (parts if parts > 1 else 0)
    per_region = GRADIENT * maps + PREDICTIONS
    regions = int(np.clip(half // per_region, 2, min(settings["regions"], n_regions)))
    ism_regions = min(settings["ism_regions"], regions)
    positions = int(np.clip(half // (3 * max(ism_regions, 1)), 2, min(POSITIONS, length)))
    passes = regions * per_region + ism_regions * (3 * positions + 1)
    return Plan(regions=regions, ism_regions=ism_regions, positions=positions, passes=passes, epoch=int(epoch))


def draw_regions(n_regions: int, count: int, *, seed: int) -> np.ndarray:
    """Draw which of the regions of a fold are probed: int64 (count,), sorted."""
    return np.sort(np.random.default_rng(seed).choice(n_regions, size=min(count, n_regions), replace=False))
