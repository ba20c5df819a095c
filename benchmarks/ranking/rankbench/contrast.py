"""Agreement with a consensus from which the assay's own preference has been taken out."""

from __future__ import annotations

import numpy as np

from lucidna.ranking.consensus import BOX, SHARE, auroc_rows, signal_to_noise, top_share
from lucidna.ranking.prepare import MapSet, project, smooth, unit_norm, unit_rows
from lucidna.ranking.score import RULE_A


def mean_map(maps: MapSet) -> np.ndarray:
    """Mean of the unit-norm corrected maps of some networks, unit norm again, float64 (N, 4, L)."""
    return unit_norm(sum(maps.corrected(index).astype(np.float64) for index in range(len(maps))))


def without(values: np.ndarray, control: np.ndarray) -> np.ndarray:
    """Take the component along `control` out of `values`, region by region; both (N, ...)."""
    flat, along = values.reshape(len(values), -1), control.reshape(len(control), -1)
    power = np.square(along).sum(axis=1)
    share = (flat * along).sum(axis=1) / np.where(power > 0, power, 1)
    return (flat - share[:, None] * along).reshape(values.shape)


def explained(maps: MapSet, control: np.ndarray) -> np.ndarray:
    """Mean cosine of every network's maps with the control map, (n,)."""
    return np.array([np.einsum("nal,nal->n", maps.corrected(index), control).mean() for index in range(len(maps))])


def contrasted(maps: MapSet, weights: np.ndarray, control: np.ndarray) -> dict[str, np.ndarray]:
    """Return the three components of rule A* against the others' weighted mean less the control map.

    Parameters
    ----------
    maps
        n networks.
    weights
        (n,) of the networks in the consensus (`consensus.Consensus.weights`); 0 for those without a vote.
    control
        (N, 4, L) mean map of networks that were trained on the control track.

    Returns
    -------
    dict
        c_cos, c_snr, c_auc, (n,) each.
    """
    one_dimensional = unit_rows(project(control, maps.onehot))
    total = sum(weight * maps.corrected(index).astype(np.float64) for index, weight in enumerate(weights))
    lines = sum(weight * unit_rows(maps.projected(index)).astype(np.float64) for index, weight in enumerate(weights))
    found = []
    for index, weight in enumerate(weights):
        own, projected = maps.corrected(index), maps.projected(index)
        reference = unit_norm(without(total - weight * own, control))
        motif = top_share(smooth(without(lines - weight * unit_rows(projected), one_dimensional), BOX), SHARE)
        found.append(
            (
                np.einsum("nal,nal->n", own, reference).mean(),
                signal_to_noise(projected, motif).mean(),
                auroc_rows(projected, motif).mean(),
            )
        )
    return dict(zip(RULE_A, np.array(found).T, strict=True))
