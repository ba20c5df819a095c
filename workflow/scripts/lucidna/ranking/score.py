"""From criteria to one score: the mean rank percentile within a fold, and the stability of the ranks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.stats import rankdata

from lucidna.errors import UserError, nearest
from lucidna.ranking.arguments import is_number

RULE_A = {"c_cos": 1.0, "c_snr": 1.0, "c_auc": 1.0}
RULE_B = {"sl_con": 1.0, "soft_kmer6": 1.0, "ac1_g": 1.0, "selfsnr": 1.0}
MINIMUM_REFERENCES = 3
"""With fewer other networks than this there is no consensus to agree with: rule B."""


def rule_for(references: int) -> str:
    """Return the rule for networks that are compared with so many others: "A*" or "B"."""
    return "A*" if references >= MINIMUM_REFERENCES else "B"


def objective_of(weights: Mapping[str, float] | None) -> dict[str, float]:
    """Return the weights of rule A*, checked; criteria left out have weight 0.

    Raises
    ------
    UserError
        On a criterion that does not exist, a weight that is negative or not finite, or none above 0.
    """
    weights = dict(RULE_A if weights is None else weights)
    for name, weight in weights.items():
        if name not in RULE_A:
            hint = nearest(name, RULE_A)
            raise UserError(
                f"ranking objective '{name}' does not exist: "
                + (f"did you mean '{hint}'?" if hint else f"use {', '.join(RULE_A)}")
            )
        if not is_number(weight, 0):
            raise UserError(f"ranking objective '{name}' has weight {weight!r}: give a finite number of 0 or more")
    if sum(weights.values()) <= 0:
        raise UserError("ranking objective has no weight above 0: give at least one of " + ", ".join(RULE_A))
    return weights


def rank_percentiles(values: np.ndarray, candidate: np.ndarray) -> np.ndarray:
    """Rank of each value among the networks that compete, divided by their number.

    Parameters
    ----------
    values
        (..., n), higher is better; NaN ranks lowest.
    candidate
        (n,) bool. A network outside (a control, or one set aside) gets the share of these that it beats, ties half.

    Returns
    -------
    (..., n): the best of them has 1, ties share their mean rank.
    """
    values = np.where(np.isfinite(values), values, -np.inf)
    inside = values[..., candidate]
    n = max(inside.shape[-1], 1)
    out = np.empty(values.shape, dtype=np.float64)
    out[..., candidate] = rankdata(inside, axis=-1) / n
    for index in np.flatnonzero(~candidate):
        own = values[..., index, None]
        out[..., index] = ((inside < own).sum(axis=-1) + 0.5 * (inside == own).sum(axis=-1)) / n
    return out


def combined_score(
    criteria: Mapping[str, np.ndarray], objective: Mapping[str, float], candidate: np.ndarray
) -> np.ndarray:
    """Weighted mean of the rank percentiles of several criteria.

    Parameters
    ----------
    criteria
        name -> (..., n) values.
    objective
        name -> weight, at least one above 0.
    candidate
        (n,) bool, see `rank_percentiles`.

    Returns
    -------
    (..., n) in [0, 1].
    """
    total = sum(objective.values())
    return sum(
        weight / total * rank_percentiles(criteria[name], candidate) for name, weight in objective.items() if weight > 0
    )


def rank_stability(draws: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spread of the ranks over bootstrap draws.

    Parameters
    ----------
    draws
        (B, n) scores of the candidates that compete, higher is better.
    top
        Size of the set that is delivered.

    Returns
    -------
    lo, hi : (n,) ends of the 95 % interval of the rank, 1 the best.
    share : (n,) how often each is among the best `top`.
    """
    if draws.shape[1] == 0:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    lo, hi = np.quantile(rankdata(-draws, axis=1), [0.025, 0.975], axis=0)
    # Candidates tied across the boundary share the places that are left there.
    first, last = (rankdata(-draws, axis=1, method=method) for method in ("min", "max"))
    share = np.clip((top + 1 - first) / (last - first + 1), 0, 1).mean(axis=0)
    return lo, hi, share


def pareto_front(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Mark the points that no other point equals or beats in both values and beats in one; bool (n,)."""
    first, second = (np.where(np.isfinite(v), v, -np.inf) for v in (np.asarray(first), np.asarray(second)))
    at_least = (first[:, None] >= first[None, :]) & (second[:, None] >= second[None, :])
    better = (first[:, None] > first[None, :]) | (second[:, None] > second[None, :])
    return ~(at_least & better).any(axis=0)
