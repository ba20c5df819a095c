"""Double ablation: how much more, or less, two instances do together than the sum of what each does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import t as student

from lucidna.motifs.ablation import Predict, control_places, effects_of, region_shuffles, spans

_CLOSE = 40  # bp
_FEWEST, _FEWEST_OTHERS = 5, 3  # instances that a multiple is fitted to, and pairs that a median is taken of


class Interaction(NamedTuple):
    """The non-additive part of pairs of instances.

    Attributes
    ----------
    first, second : ndarray
        float64 (networks, n): what A, and what B, adds when the other is not there.
    pairs : ndarray
        float64 (networks, n): f(A and B) - f(B alone) - f(A alone) + f(neither).
    control : ndarray
        float64 (networks, n), the same with, in place of B, bases of the region that belong to no hit; NaN where
        there is no room for them.
    """

    first: np.ndarray
    second: np.ndarray
    pairs: np.ndarray
    control: np.ndarray


class Expected(NamedTuple):
    """What any two instances are expected to do beyond the sum.

    Attributes
    ----------
    values : ndarray
        float64 (n,); NaN where too few other pairs tell.
    deviation : float
        Standard error of the mean of those known, as the expectation of one pair of elements.
    degrees : float
        Degrees of freedom of `deviation`.
    """

    values: np.ndarray
    deviation: float
    degrees: float


def double_ablation(
    predict: Predict,
    sequences: np.ndarray,
    pairs: pd.DataFrame,
    taken: np.ndarray,
    *,
    draws: int = 5,
    seed: int = 0,
) -> Interaction:
    """Replace the instances of pairs one by one and together.

    Parameters
    ----------
    predict : callable
        See `ablation.Predict`.
    sequences : ndarray
        uint8 (N, L), the regions.
    pairs : DataFrame
        row, start_a, end_a, start_b, end_b (within the region).
    taken : ndarray
        bool (N, L), bases of hits.
    draws, seed : int
        As for `ablation.ablation_effects`.
    """
    rows = pairs["row"].to_numpy(dtype=np.int64)
    length = sequences.shape[1]
    first = spans(pairs["start_a"].to_numpy(), pairs["end_a"].to_numpy(), length=length)
    second = spans(pairs["start_b"].to_numpy(), pairs["end_b"].to_numpy(), length=length)
    widths = (pairs["end_b"] - pairs["start_b"]).to_numpy(dtype=np.int64)
    starts = control_places(rows, widths, taken, seed=seed)
    other = spans(starts, np.where(starts < 0, starts, starts + widths), length=length)
    masks = np.stack([first, second, first | second, other, first | other], axis=1)
    needed, place = np.unique(rows, return_inverse=True)
    shuffles = region_shuffles(sequences[needed], draws=draws, seed=seed)[place]
    whole, without = effects_of(predict, sequences[rows], shuffles, masks)
    no_a, no_b, neither, no_c, neither_ac = np.moveaxis(without, 2, 0)
    control = np.where(starts < 0, np.nan, whole - no_a - no_c + neither_ac)
    return Interaction(no_b - neither, no_a - neither, whole - no_a - no_b + neither, control)


def expected_interaction(
    first: np.ndarray, second: np.ndarray, distance: np.ndarray, others: Sequence[tuple[np.ndarray, ...]]
) -> Expected:
    """Predict what two instances would do beyond the sum if they were any two instances.

    Networks saturate, and log counts of overlapping effects do not add up: pairs without any grammar interact.
    For each pair of other elements the interaction is fitted (least squares, no intercept) as a multiple of the
    product of what the two add alone, once for instances up to 40 bp apart and once for the rest. The median of
    these multiples is what is expected of any pair: a few pairs with a grammar do not move it.

    The multiples of pairs without a grammar differ, for some elements saturate sooner than others. Their variance
    about the median, each weighted by how well it is known (w, its sum of squared products), has a part that is
    due to the few instances of each; the rest is what the multiple of one more pair may be off by (method of
    moments, as DerSimonian & Laird 1986). To it comes the variance of the median, pi / 2 / K of the whole for
    K = (sum w)^2 / sum w^2 pairs.

    Parameters
    ----------
    first, second, distance : ndarray
        float64 (n,), what A and B add alone, and bp between them.
    others : sequence of (first, second, distance, interaction)
        One for each pair of other elements.

    Returns
    -------
    Expected
        Unknown (NaN) for instances, close or further apart, for which there are fewer than three other pairs.
    """
    values, deviation, degrees = np.full(len(first), np.nan), 0.0, np.inf
    for close in (True, False):
        here = (np.abs(distance) <= _CLOSE) == close
        factors, weights, noise = [], [], []
        for one, two, apart, interaction in others:
            rows = (np.abs(apart) <= _CLOSE) == close
            product = (one * two)[rows]
            if rows.sum() >= _FEWEST and (product**2).sum() > 0:
                weights.append((product**2).sum())
                factors.append((interaction[rows] * product).sum() / weights[-1])
                noise.append(((interaction[rows] - factors[-1] * product) ** 2).sum() / (rows.sum() - 1))
        if len(factors) >= _FEWEST_OTHERS and here.any():
            factor, weight = np.median(factors), np.array(weights) / np.sum(weights)
            sampling = np.sum(noise) / np.sum(weights)  # the weighted mean of the multiples' own variances
            values[here] = factor * (first * second)[here]
            number = max(1 / (weight**2).sum(), 1 + 1e-6)
            variance = (weight * (np.array(factors) - factor) ** 2).sum() * number / (number - 1)
            # A pair that saturates soon does so at every distance: the two errors add up.
            product = abs((first * second)[here].sum())
            deviation += product * np.sqrt(max(variance - sampling, 0.0) + variance * np.pi / 2 / number)
            degrees = min(degrees, number - 1)
    return Expected(values, deviation / max(np.isfinite(values).sum(), 1), degrees)


def interaction_p(interaction: np.ndarray, expected: Expected, rows: np.ndarray) -> float:
    """Test whether a pair's mean interaction is that of any pair: two-sided.

    The difference of the means is divided by its standard error, which has two parts: instances vary (those of one
    region share sites and shuffles, so their deviations are added up before they are squared), and the expectation
    is uncertain (`Expected.deviation`). The ratio is compared with Student's t, its degrees of freedom by Welch and
    Satterthwaite.

    Parameters
    ----------
    interaction : ndarray
        float64 (n,), means over networks.
    expected : Expected
    rows : ndarray
        int (n,), the region of each.

    Returns
    -------
    float
        NaN with fewer than two regions of which the expectation is known; where nothing varies 1 for no difference,
        and 0 for any.
    """
    difference = interaction - expected.values
    known = np.isfinite(difference)
    difference, n = difference[known], int(known.sum())
    _, place = np.unique(rows[known], return_inverse=True)
    deviations = np.bincount(place, difference - difference.mean()) if n else np.zeros(0)
    regions = len(deviations)
    if regions < 2:
        return float("nan")
    within, between = (deviations**2).sum() / n**2 * regions / (regions - 1), expected.deviation**2
    if within + between == 0:
        return float(difference.mean() == 0)
    degrees = (within + between) ** 2 / (within**2 / (regions - 1) + between**2 / expected.degrees)
    return float(2 * student.sf(abs(difference.mean()) / np.sqrt(within + between), degrees))


def additivity_p(interaction: np.ndarray, control: np.ndarray, rows: np.ndarray) -> float:
    """Test whether a pair's interaction is that of one of its instances with bases of no hit: two-sided.

    Student's t of the differences, averaged over the instances of each region: those share sites and shuffles.

    Parameters
    ----------
    interaction, control : ndarray
        float64 (n,), means over networks; a control is NaN where there was no room for it.
    rows : ndarray
        int (n,), the region of each.

    Returns
    -------
    float
        NaN with fewer than two regions; where nothing varies 1 for no difference, and 0 for any.
    """
    difference = interaction - control
    known = np.isfinite(difference)
    _, place = np.unique(rows[known], return_inverse=True)
    means = np.bincount(place, difference[known]) / np.bincount(place)
    if len(means) < 2:
        return float("nan")
    error = means.std(ddof=1) / np.sqrt(len(means))
    if error == 0:
        return float(means.mean() == 0)
    return float(2 * student.sf(abs(means.mean()) / error, len(means) - 1))


def choose_pairs(pairs: pd.DataFrame, most: int, *, preferred: np.ndarray, seed: int) -> np.ndarray:
    """Choose at most `most` pairs, up to half of them among the preferred; the rest of the room goes to whom needs it.

    Parameters
    ----------
    pairs : DataFrame
    most : int
    preferred : ndarray
        bool (n,).
    seed : int

    Returns
    -------
    ndarray
        int64, positions in increasing order.
    """
    rng = np.random.default_rng([seed, 7])
    order = rng.permutation(len(pairs))
    inside, outside = order[preferred[order]], order[~preferred[order]]
    n_inside = min(len(inside), max(most // 2, most - len(outside)))
    return np.sort(np.concatenate([inside[:n_inside], outside[: most - n_inside]]))
