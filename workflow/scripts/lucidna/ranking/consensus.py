"""Agreement of each network's maps with a re-weighted consensus of the other networks (rule A*)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import rankdata

from lucidna.ranking.prepare import MapSet, project, smooth, unit_rows, without

POWER = 8
UPDATES = 4
SHARE = 0.2
BOX = 5
TOP = 10

Against = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""(projected map, projected reference, pseudo-motif), (N, L) each -> (N,)."""


@dataclass(frozen=True)
class Consensus:
    """What `consensus` measures, per network and region.

    Attributes
    ----------
    cosine, snr, auc
        (n, N) float64 per-region values; their means over regions are c_cos, c_snr and c_auc. NaN for a
        network to which no other network is left to be compared.
    weights
        (n,) final weights of the networks in the consensus, sum 1; 0 for networks without a vote.
    also
        name -> (n, N), what else was asked for.
    """

    cosine: np.ndarray
    snr: np.ndarray
    auc: np.ndarray
    weights: np.ndarray
    also: dict[str, np.ndarray] = field(default_factory=dict)


def consensus(
    maps: MapSet,
    seed_score: np.ndarray,
    *,
    voters: np.ndarray | None = None,
    votes: Sequence[object] | None = None,
    control: np.ndarray | None = None,
    also: Mapping[str, Against] | None = None,
    power: float = POWER,
    updates: int = UPDATES,
    share: float = SHARE,
    box: int = BOX,
    top: int = TOP,
) -> Consensus:
    """Score networks by their agreement with the weighted mean map of the others.

    The weights start as (rank of `seed_score` / n)^power and are then set, `updates` times, to the mean
    cosine with the others' weighted mean map, to the same power. Each network's own contribution (and that of
    networks it shares a vote with) is subtracted from its reference, so no n x n array exists and memory
    grows with one map, not with n.

    Parameters
    ----------
    maps
        n networks on N regions.
    seed_score
        (n,) a score that needs no other network, higher is better (`recurrence.sl_con`).
    voters
        (n,) bool: which networks enter the consensus. Controls do not; they are scored against it all the
        same.
    votes
        (n,) labels: networks with the same label (checkpoints or copies of one run) share a single vote and
        are not references of each other. By default each network has its own.
    control
        (N, 4, L) mean map of networks trained on a control track (`control_share.control_map`). It is taken out
        of every reference, region by region, so that a preference of the assay that all networks have learnt
        is not what they are compared by; the weights come from the whole maps.
    also
        name (not snr or auc) -> a further comparison of each network with its reference.
    power, updates, share, box, top
        Exponent of the weights; number of weight updates; share of positions taken as pseudo-motif; width of
        the smoothing box in bp; number of background peaks in the signal-to-noise ratio.

    Returns
    -------
    Consensus

    Notes
    -----
    c_cos is the cosine with the reference before the last update of the weights. c_snr divides the mean of
    the projected map on the pseudo-motif (top `share` of the others' smoothed mean projected map) by the mean
    of its `top` largest values elsewhere, 0 when fewer than `top` are positive; c_auc is the AUROC of the
    projected map against the pseudo-motif.
    """
    n = len(maps)
    voters = np.ones(n, dtype=bool) if voters is None else np.asarray(voters, dtype=bool)
    groups = _groups(n, voters, votes)
    size = np.zeros(n)
    for members in groups:
        size[members] = 1 / max(int(voters[members].sum()), 1)
    size[~voters] = 0

    seed_rank = np.zeros(n)
    if voters.any():
        seed_rank[voters] = rankdata(seed_score[voters]) / voters.sum()
    weights = _normalised(seed_rank**power * size, size)
    for _ in range(updates):
        cosine = _cosines(maps, weights, size, groups)
        mean = np.nan_to_num(cosine.mean(axis=1))
        weights = _normalised(np.maximum(mean, 0) ** power * size, size)

    line = None
    if control is not None:
        cosine = _cosines(maps, weights, size, groups, control)
        line = project(control, maps.onehot)
    against = {
        "snr": lambda projected, reference, motif: signal_to_noise(projected, motif, top=top),
        "auc": lambda projected, reference, motif: auroc_rows(projected, motif),
        **(also or {}),
    }
    found = _pseudo_labels(maps, weights, size, groups, line, against, share=share, box=box)
    return Consensus(cosine=cosine, snr=found.pop("snr"), auc=found.pop("auc"), weights=weights, also=found)


def _groups(n: int, voters: np.ndarray, votes: Sequence[object] | None) -> list[list[int]]:
    """List the networks that share a vote; a network without a vote stands alone."""
    groups: dict[object, list[int]] = {}
    for index in range(n):
        key = index if votes is None or not voters[index] else ("vote", votes[index])
        groups.setdefault(key, []).append(index)
    return list(groups.values())


def _normalised(weights: np.ndarray, fallback: np.ndarray) -> np.ndarray:
    """Weights that sum to 1; one vote per group when nothing agrees with anything."""
    if weights.sum() <= 0:
        weights = fallback
    return weights / weights.sum() if weights.sum() > 0 else weights


def _references(array_of, n: int, weights: np.ndarray, size: np.ndarray, groups: list[list[int]]):
    """Yield (members, weighted sum of the arrays of all networks outside the group), group by group.

    `array_of(index)` gives one network's array. Sums are in float64, so that what is left after the
    subtraction of a dominating network is still exact; when the others hold practically no weight they count
    equally. The reference is None when there is no other network.
    """
    total = None
    for index in range(n):
        array = array_of(index)
        if total is None:
            total = np.zeros(array.shape, dtype=np.float64)
        if weights[index] > 0:
            total += np.multiply(array, weights[index], dtype=np.float64)
    for members in groups:
        outside = np.ones(n, dtype=bool)
        outside[members] = False
        if not (size[outside] > 0).any():
            yield members, None
            continue
        if weights[outside].sum() > 1e-10:
            rest = total
            for index in members:
                if weights[index] > 0:
                    rest = rest - np.multiply(array_of(index), weights[index], dtype=np.float64)
        else:
            rest = np.zeros_like(total)
            for index in np.flatnonzero(outside & (size > 0)):
                rest += np.multiply(array_of(index), size[index], dtype=np.float64)
        yield members, rest


def _cosines(
    maps: MapSet,
    weights: np.ndarray,
    size: np.ndarray,
    groups: list[list[int]],
    control: np.ndarray | None = None,
) -> np.ndarray:
    """Cosine of each network's map with its reference less the control map, (n, N)."""
    cosine = np.full((len(maps), maps.n_regions), np.nan)
    for members, reference in _references(maps.corrected, len(maps), weights, size, groups):
        if reference is None:
            continue
        if control is not None:
            reference = without(reference, control)
        norm = np.sqrt(np.einsum("nal,nal->n", reference, reference))
        for index in members:
            dot = np.einsum("nal,nal->n", maps.corrected(index), reference)
            cosine[index] = np.divide(dot, norm, out=np.zeros_like(dot), where=norm > 0)
    return cosine


def _pseudo_labels(
    maps: MapSet,
    weights: np.ndarray,
    size: np.ndarray,
    groups: list[list[int]],
    control: np.ndarray | None,
    against: Mapping[str, Against],
    *,
    share: float,
    box: int,
) -> dict[str, np.ndarray]:
    """Compare the projected maps with their references and the pseudo-motifs in these, name -> (n, N).

    `control` is the projected control map (N, L), taken out of the references; None leaves them whole.
    """
    found = {name: np.full((len(maps), maps.n_regions), np.nan) for name in against}
    width = min(box, maps.length - 1 + maps.length % 2)
    for members, reference in _references(
        lambda index: unit_rows(maps.projected(index)), len(maps), weights, size, groups
    ):
        if reference is None:
            continue
        if control is not None:
            reference = without(reference, control)
        motif = top_share(smooth(reference, width), share)
        for index in members:
            projected = maps.projected(index)
            for name, compare in against.items():
                found[name][index] = compare(projected, reference, motif)
    return found


def top_share(values: np.ndarray, share: float) -> np.ndarray:
    """Mark the largest `share` of each row of (N, L), ties included; bool (N, L)."""
    length = values.shape[-1]
    count = min(max(round(share * length), 1), length)
    threshold = np.partition(values, length - count, axis=-1)[..., length - count, None]
    return values >= threshold


def signal_to_noise(projected: np.ndarray, motif: np.ndarray, *, top: int = TOP) -> np.ndarray:
    """Mean of (N, L) on the motif over the mean of the `top` largest values elsewhere, (N,).

    Zero where fewer than `top` background values are positive, or nothing is marked.
    """
    projected = np.asarray(projected, dtype=np.float64)
    length = projected.shape[-1]
    marked = motif.sum(axis=-1)
    signal = np.where(motif, projected, 0).sum(axis=-1) / np.maximum(marked, 1)
    background = np.where(motif, -np.inf, projected)
    top = min(top, length)
    largest = np.partition(background, length - top, axis=-1)[..., length - top :]
    usable = (largest.min(axis=-1) > 0) & (marked > 0)
    noise = np.where(usable[..., None], largest, 1).mean(axis=-1)
    return np.where(usable, signal / noise, 0.0)


def auroc_rows(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the AUROC of each row of scores (N, L) against bool labels, ties half; 0.5 where undefined."""
    positive = labels.sum(axis=-1)
    negative = labels.shape[-1] - positive
    ranks = rankdata(scores, axis=-1)
    area = np.where(labels, ranks, 0).sum(axis=-1) - positive * (positive + 1) / 2
    pairs = positive * negative
    return np.where(pairs > 0, area / np.maximum(pairs, 1), 0.5)
