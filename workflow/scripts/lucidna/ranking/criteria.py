"""Measure every criterion on the networks of one fold: per region, and over the whole population."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lucidna.errors import UserError, nearest
from lucidna.ranking.agreement import family_agreement, mean_agreement
from lucidna.ranking.angles import angle_share
from lucidna.ranking.arguments import is_number, is_whole
from lucidna.ranking.autocorrelation import ac1_g, selfsnr
from lucidna.ranking.bootstrap import bootstrap_means, weighted_mean
from lucidna.ranking.consensus import consensus
from lucidna.ranking.control_share import control_share
from lucidna.ranking.direction_density import cross_fitted_directions
from lucidna.ranking.isolation import isolation
from lucidna.ranking.kmers import acme_kmer, cross_fitted_kmer, rolled_kmer_null, soft_kmer
from lucidna.ranking.local_agreement import local_agreement
from lucidna.ranking.prepare import MapSet
from lucidna.ranking.recurrence import permuted_null, sl_con
from lucidna.ranking.second_site import second_site
from lucidna.ranking.spherical import BASES, spherical_consistency, spherical_null

PER_REGION = (
    "c_cos",
    "c_snr",
    "c_auc",
    "c_local",
    "c_second",
    "c_isolation",
    "sl_con",
    "m1cf",
    "m2cf",
    "soft_kmer6",
    "ac1_g",
    "selfsnr",
    "agreement",
    "family_agreement",
)
NULLS = ("m1_null", "m2_null", "m2_permuted_null")
POPULATION = ("m1", "m2", *NULLS)
RECURRENCE_NULL = "sl_con_null"
"""What `sl_con` gives for each map with its positions permuted; measured where no consensus can tell chance."""
AGAINST_CONSENSUS = {
    "c_local": lambda projected, reference, motif: local_agreement(projected, reference),
    "c_second": lambda projected, reference, motif: second_site(projected, motif),
    "c_isolation": lambda projected, reference, motif: isolation(projected, motif),
}
CONSISTENCY = {"k": 6, "threshold": 0.9, "window": 3, "cutoff": 0.1, "basis": "orthonormal"}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Measured:
    """Criteria of the n networks of one fold on N regions.

    Attributes
    ----------
    values
        criterion -> (n, N) per-region values.
    weights
        criterion -> (n, N) weights of the regions, for criteria whose regions do not count equally.
    population
        criterion -> (n, 3) value and interval ends, for divergences of pooled histograms, and their nulls: what they
        give on randomised maps of the same network.
    consensus_weights
        (n,).
    zero
        (n,) number of regions in which the map is zero everywhere.
    """

    values: dict[str, np.ndarray]
    weights: dict[str, np.ndarray]
    population: dict[str, np.ndarray]
    consensus_weights: np.ndarray
    zero: np.ndarray

    def means(self) -> dict[str, np.ndarray]:
        """Return criterion -> (n,) mean over regions."""
        return {name: weighted_mean(values, self.weights.get(name)) for name, values in self.values.items()}

    def draws(self, counts: np.ndarray) -> dict[str, np.ndarray]:
        """Return criterion -> (B, n) means over bootstrap samples of the regions, `counts` (B, N)."""
        return {name: bootstrap_means(values, counts, self.weights.get(name)) for name, values in self.values.items()}


def consistency_settings(settings: Mapping[str, object] | None) -> dict:
    """Fill the defaults of the settings of ACME's two methods.

    Raises
    ------
    UserError
        On a key or a basis that does not exist, or a number of the wrong type or out of its range.
    """
    settings = dict(settings or {})
    for key in settings:
        if key not in CONSISTENCY:
            hint = nearest(key, CONSISTENCY)
            raise UserError(
                f"consistency setting '{key}' does not exist: "
                + (f"did you mean '{hint}'?" if hint else f"use {', '.join(CONSISTENCY)}")
            )
    filled = {**CONSISTENCY, **settings}
    for key, low, high in (("k", 1, 8), ("window", 1, None)):
        if not is_whole(filled[key], low, high):
            ends = f"from {low} to {high}" if high else f"of {low} or more"
            raise UserError(f"consistency {key} is {filled[key]!r}: give a whole number {ends}")
    for key in ("threshold", "cutoff"):
        if not is_number(filled[key], 0, 1):
            raise UserError(f"consistency {key} is {filled[key]!r}: give a number from 0 to 1")
    if filled["basis"] not in BASES:
        raise UserError(f"consistency basis is '{filled['basis']}': use {' or '.join(BASES)}")
    return filled


def measure(
    maps: MapSet,
    *,
    families: Sequence[str],
    voters: np.ndarray,
    votes: Sequence[object] | None = None,
    control: np.ndarray | None = None,
    consistency: Mapping[str, object] | None = None,
    recurrence_null: bool = False,
    seed: int = 0,
) -> Measured:
    """Measure all criteria of the networks of one fold; controls go through the same lines as candidates.

    Parameters
    ----------
    maps
        n networks on the same N regions.
    families
        (n,) labels, see `agreement.family_agreement`.
    voters
        (n,) bool, which networks enter the consensus, the plain mean and the agreement of families.
    votes
        (n,) labels of networks that share one vote, see `consensus.consensus`.
    control
        (N, 4, L) mean map of networks trained on a control track (`control_share.control_map`), if there are any.
    consistency
        Settings of ACME's methods (`CONSISTENCY`).
    recurrence_null
        Also measure `RECURRENCE_NULL`.
    seed
        Of the random maps of the nulls.

    Returns
    -------
    Measured
    """
    settings = consistency_settings(consistency)
    kmer = {key: settings[key] for key in ("k", "threshold")}
    sphere = {key: settings[key] for key in ("window", "cutoff", "basis")}
    n, n_regions = len(maps), maps.n_regions
    single = ("sl_con", "m1cf", "m2cf", "soft_kmer6", "ac1_g", "selfsnr")
    shown = ("angle_over_30",) if control is None else ("angle_over_30", "control_share")
    values = {name: np.full((n, n_regions), np.nan) for name in (*single, *shown)}
    weights = {name: np.zeros((n, n_regions)) for name in ("sl_con", "m1cf", "m2cf")}
    population = {name: np.full((n, 3), np.nan) for name in POPULATION}
    if recurrence_null:
        population[RECURRENCE_NULL] = np.full((n, 3), np.nan)
    zero = np.zeros(n, dtype=np.int64)
    told = time.monotonic()
    for index in range(n):
        zero[index] = maps.zero_regions(index)
        corrected, projected = maps.corrected(index), maps.projected(index)
        values["sl_con"][index], weights["sl_con"][index] = sl_con(corrected, maps.onehot)
        if recurrence_null:
            population[RECURRENCE_NULL][index] = permuted_null(corrected, maps.onehot, seed=seed)
        values["soft_kmer6"][index] = soft_kmer(corrected, maps.codes)
        values["m1cf"][index], weights["m1cf"][index] = cross_fitted_kmer(corrected, maps.codes, **kmer)
        values["m2cf"][index], weights["m2cf"][index] = cross_fitted_directions(
            corrected, window=sphere["window"], cutoff=sphere["cutoff"]
        )
        values["ac1_g"][index] = ac1_g(projected)
        values["selfsnr"][index] = selfsnr(projected)
        values["angle_over_30"][index] = angle_share(maps.raw(index))
        if control is not None:
            values["control_share"][index] = control_share(corrected, control)
        first = acme_kmer(corrected, maps.codes, **kmer)
        second = spherical_consistency(corrected, **sphere)
        population["m1"][index] = first.kld, first.lo, first.hi
        population["m2"][index] = second.kld, second.lo, second.hi
        population["m1_null"][index] = rolled_kmer_null(corrected, maps.codes, **kmer, seed=seed)
        for name, kind in (("m2_null", "isotropic"), ("m2_permuted_null", "permuted")):
            population[name][index] = spherical_null(corrected, kind=kind, **sphere, seed=seed)
        if time.monotonic() - told > 5:
            told = time.monotonic()
            logger.info("scored the maps of %d of %d networks", index + 1, n)
    # Corrected maps leave nothing of the angle to the simplex.
    if not (values["angle_over_30"] > 0).any():
        del values["angle_over_30"]

    logger.info("comparing the maps of %d networks on %d regions with their consensus", n, n_regions)
    seeds = weighted_mean(values["sl_con"], weights["sl_con"])
    agreement = consensus(
        maps, np.nan_to_num(seeds), voters=voters, votes=votes, control=control, also=AGAINST_CONSENSUS
    )
    values |= agreement.also
    values["c_cos"], values["c_snr"], values["c_auc"] = agreement.cosine, agreement.snr, agreement.auc
    values["agreement"] = mean_agreement(maps, voters=voters)
    values["family_agreement"] = family_agreement(maps, families, voters=voters)
    order = [name for name in (*PER_REGION, *shown) if name in values]
    return Measured(
        values={name: values[name] for name in order},
        weights=weights,
        population=population,
        consensus_weights=agreement.weights,
        zero=zero,
    )
