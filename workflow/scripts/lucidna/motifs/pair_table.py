"""The table of pairs of elements: together, how far apart, and with what effect beyond the sum."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from lucidna.motifs.ablation import Predict
from lucidna.motifs.effect_tables import EffectSettings, spread_over_networks, taken_bases
from lucidna.motifs.interaction import (
    Interaction,
    additivity_p,
    choose_pairs,
    double_ablation,
    expected_interaction,
    interaction_p,
)
from lucidna.motifs.multiple_testing import benjamini_hochberg
from lucidna.motifs.pairs import Spacing, at_home, co_occurrence, pairs_of, spacing

PAIRS_COLUMNS = [
    *("element_a", "element_b", "regions_a", "regions_b", "regions_both", "expected_both"),
    *("co_occurrence_p", "co_occurrence_q", "pairs", "distance", "strands", "at_distance", "expected_at_distance"),
    *("spacing_p", "spacing_q", "ablated", "interaction", "interaction_sd", "interaction_control"),
    *("additivity_p", "additivity_q", "interaction_expected", "interaction_p", "interaction_q"),
    *("at_distance_interaction", "elsewhere_interaction", "evidence"),
]
_COMPOSITE, _SPACING, _MORE = "composite", "spacing", "more than expected"
BOTH_EVIDENCE = (f"{_SPACING}, {_MORE}", f"{_COMPOSITE}, {_MORE}")
"""What is said of a pair that both its arrangement and its effect speak for."""
_FEWEST_HITS = 20  # of a pattern that pairs are sought for
_MOST_PATTERNS = 12  # of which pairs are sought
_FEWEST_PAIRS = 10  # instances whose double ablation is tested
_NEAR = 2  # bp around the preferred distance
_MOST_DRAWS = 20_000  # rearrangements, some ten seconds of them: enough for 66 pairs at q = .0066
_SPACED = 4  # times as many instances are ablated of pairs with a spacing: they are few, and the ones that matter


class _Ablated(NamedTuple):
    """The double ablations of one pair of elements: their regions, their distances, which are arranged as preferred."""

    found: Interaction
    rows: np.ndarray
    distance: np.ndarray
    preferred: np.ndarray

    def means(self) -> tuple[np.ndarray, ...]:
        """Return, as means over networks, what A and B add alone; the distance; and the interaction."""
        first, second, pairs = (values.mean(axis=0) for values in self.found[:3])
        return first, second, self.distance, pairs


def pairs_table(
    predict: Predict,
    sequences: np.ndarray,
    placed: pd.DataFrame,
    patterns: Sequence[str],
    settings: EffectSettings,
    notices: list[str],
    *,
    fdr: float,
    seed: int,
    separate: np.ndarray | None = None,
    composites: Collection[frozenset[str]] = (),
) -> pd.DataFrame:
    """Look at every pair of credible patterns that have hits enough.

    Parameters
    ----------
    predict : callable
    sequences : ndarray
        uint8 (N, L).
    placed : DataFrame
        Hits within their windows: row, start, end, strand, pattern; optionally locus and palindrome
        (`pairs.pairs_of`), and alone (`elements.element_hits`).
    patterns : sequence of str
        The credible ones.
    settings : EffectSettings
    notices : list of str
        Gets a sentence when patterns are left out, or pairs cannot be tested.
    fdr, seed
    separate : ndarray, optional
        bool (N,), regions of which no two overlap (`pairs.separate_regions`): in these regions a, regions b and regions
        both are counted. All when not given.
    composites : collection of frozenset, optional
        Pairs of elements that are parts of one pattern (`elements.together`).

    Returns
    -------
    DataFrame
        `PAIRS_COLUMNS`: what `pairs.co_occurrence` and `pairs.spacing` say (with q-values over all pairs), and of
        the double ablation of `ablated` pairs of instances the mean over instances and networks, its spread over
        networks, that of the control, p and q of the difference from the control (`interaction.additivity_p`: whether
        there is a non-additive part at all; mostly there is, for networks saturate), what is expected of any two
        instances that do as much alone, as the other pairs at the same distance show
        (`interaction.expected_interaction`), p and q of the difference from it (`interaction.interaction_p`), and the
        means at the preferred distance and elsewhere. Of a pair with a spacing (q <= fdr) four times as many are
        ablated.

        strands is "either" where one of the elements is a palindrome. What is expected is not known (NaN, nor p) where
        fewer than three other pairs tell.

        evidence is what speaks for a pair: "spacing", and "more than expected" of any two such instances, each
        where q <= fdr; more is further in the direction, up or down, of what the two do in all. Less than
        expected speaks for none: two elements that saturate sooner than others do that
        without knowing of each other. Neither do two elements that share more regions than expected:
        what makes a region of one kind may hold both.

        "composite" stands in the place of "spacing" where the two are parts of one pattern and fewer than 20 hits of
        one of them are by a pattern that shows it alone. How often it is together with the other, and at which
        distance, is given by the composite patterns then, and neither is tested (no p, no q).
    """
    placed = placed.reset_index(drop=True)
    placed["home"] = at_home(placed, length=sequences.shape[1])
    counted = np.arange(len(sequences)) if separate is None else np.flatnonzero(separate)
    groups = _sought(placed, patterns, notices)
    if 0 < settings.max_pairs < _FEWEST_PAIRS:
        notices.append(
            f"motifs.effects.max_pairs is {settings.max_pairs}: no pair is ablated, for fewer than {_FEWEST_PAIRS} "
            "instances say nothing"
        )
    rows, arrangements = _arrange(
        placed, groups, counted, length=sequences.shape[1], composites=composites, fdr=fdr, seed=seed
    )
    spacing_q = benjamini_hochberg(np.array([row["spacing_p"] for row in rows], dtype=float))
    usual = settings.max_pairs if settings.max_pairs >= _FEWEST_PAIRS else 0
    arranged_so = [q_value <= fdr or row["evidence"] for q_value, row in zip(spacing_q, rows, strict=True)]
    most = [usual * (_SPACED if arranged else 1) for arranged in arranged_so]
    taken = taken_bases(sequences, placed)
    ablated = [
        _ablate(predict, sequences, groups[a], groups[b], arranged, taken, settings, most=number, seed=seed)
        for (a, b), arranged, number in zip(itertools.combinations(groups, 2), arrangements, most, strict=True)
    ]
    more = []
    for number, row in enumerate(rows):
        columns, direction = _interaction(ablated, number)
        row |= columns
        more.append(direction > 0)
    unknown = sum(row["ablated"] > 0 and np.isnan(row["interaction_p"]) for row in rows)
    if unknown:
        notices.append(
            f"whether {unknown} of {len(rows)} pairs do more than any two is not tested: fewer than three other pairs "
            "show what any two instances do beyond the sum"
        )
    table = pd.DataFrame(rows).reindex(columns=PAIRS_COLUMNS)
    table["spacing_q"] = spacing_q
    for name in ("co_occurrence", "additivity", "interaction"):
        table[f"{name}_q"] = benjamini_hochberg(table[f"{name}_p"].to_numpy(dtype=float))
    table["evidence"] = [
        _evidence(row, fdr, more=each) for row, each in zip(table.to_dict("records"), more, strict=True)
    ]
    return table.astype({"distance": "Int64"})  # empty where there is no pair, which would make it a float


def _sought(placed: pd.DataFrame, patterns: Sequence[str], notices: list[str]) -> dict[str, pd.DataFrame]:
    """Return the hits of the patterns that pairs are sought of, in the order of `patterns`."""
    counts = placed.loc[placed["home"], "pattern"].value_counts()
    enough = [name for name in patterns if counts.get(name, 0) >= _FEWEST_HITS]
    if len(enough) > _MOST_PATTERNS:
        notices.append(f"pairs were sought of the {_MOST_PATTERNS} patterns with most hits, of {len(enough)}")
    if placed.shape[0] and len(enough) < 2:
        have = "pattern has" if len(enough) == 1 else "patterns have"
        notices.append(f"no pairs: {len(enough)} supported {have} {_FEWEST_HITS} hits or more")
    most = sorted(enough, key=lambda name: -counts[name])[:_MOST_PATTERNS]
    return {name: placed[placed["pattern"] == name] for name in enough if name in most}


def _arrange(
    placed: pd.DataFrame,
    groups: Mapping[str, pd.DataFrame],
    counted: np.ndarray,
    *,
    length: int,
    composites: Collection[frozenset[str]],
    fdr: float,
    seed: int,
) -> tuple[list[dict], list[Spacing]]:
    """Say of every pair how often its elements are together, and how far apart: columns, and the arrangements."""
    present = {name: np.isin(counted, group["row"]) for name, group in groups.items()}
    # A single pair of elements among all must be able to have q <= fdr.
    most_draws = min(_MOST_DRAWS, math.ceil(2 * math.comb(len(groups), 2) / fdr))
    rows, arrangements = [], []
    for first, second in itertools.combinations(groups, 2):
        together = co_occurrence(present[first], present[second])
        given = {first, second} in composites and any(_hardly_alone(groups[name]) for name in (first, second))
        others = placed[placed["pattern"] != second]
        arranged = spacing(
            groups[first], groups[second], others=others, length=length, most_draws=most_draws, seed=seed
        )
        row = {
            "element_a": first,
            "element_b": second,
            "regions_a": int(present[first].sum()),
            "regions_b": int(present[second].sum()),
            "regions_both": together.both,
            "expected_both": together.expected,
            "co_occurrence_p": float("nan") if given else together.p_value,
            "pairs": arranged.n_pairs,
            "distance": arranged.distance,
            "strands": _strands(arranged, groups[first], groups[second]),
            "at_distance": arranged.at_distance,
            "expected_at_distance": arranged.expected,
            "spacing_p": float("nan") if given else arranged.p_value,
            "evidence": _COMPOSITE if given else "",
        }
        rows.append(row)
        arrangements.append(arranged)
    return rows, arrangements


def _hardly_alone(group: pd.DataFrame) -> bool:
    """Say whether an element is hardly ever found by a pattern of its own."""
    return "alone" in group and int((group["alone"] & group["home"]).sum()) < _FEWEST_HITS


def _ablate(
    predict: Predict,
    sequences: np.ndarray,
    first: pd.DataFrame,
    second: pd.DataFrame,
    arranged: Spacing,
    taken: np.ndarray,
    settings: EffectSettings,
    *,
    most: int,
    seed: int,
) -> _Ablated | None:
    """Ablate at most `most` of the pairs of instances of two elements; None when there are too few."""
    pairs = pairs_of(first, second)
    near = (pairs["distance"] - arranged.distance).abs() <= _NEAR
    preferred = (near & (pairs["same_strand"] == arranged.same_strand)).to_numpy()
    kept = choose_pairs(pairs, most, preferred=preferred, seed=seed)
    if len(kept) < _FEWEST_PAIRS:
        return None
    pairs = pairs.iloc[kept]
    table = pd.DataFrame({"row": pairs["row"].to_numpy()})
    for name, group, index in (("a", first, pairs["a"]), ("b", second, pairs["b"])):
        table[f"start_{name}"], table[f"end_{name}"] = (group.loc[index, edge].to_numpy() for edge in ("start", "end"))
    found = double_ablation(predict, sequences, table, taken, draws=settings.draws, seed=seed)
    return _Ablated(found, pairs["row"].to_numpy(), pairs["distance"].to_numpy(dtype=float), preferred[kept])


def _strands(arranged: Spacing, *groups: pd.DataFrame) -> str:
    if not arranged.n_pairs:
        return ""
    if any("palindrome" in group and group["palindrome"].any() for group in groups):
        return "either"
    return "same" if arranged.same_strand else "opposite"


def _interaction(ablated: Sequence[_Ablated | None], number: int) -> tuple[Mapping[str, float], float]:
    """Return the columns of the double ablation of one pair of elements, and by how much it is more than expected.

    More is further in the direction, up or down, of what the two do in all.
    """
    own = ablated[number]
    if own is None:
        return {"ablated": 0}, float("nan")
    others = [other.means() for i, other in enumerate(ablated) if other is not None and i != number]
    first, second, distance, mean = own.means()
    expected = expected_interaction(first, second, distance, others)
    by_network, control = own.found.pairs.mean(axis=1), own.found.control.mean(axis=0)
    direction = float(np.sign((first + second + mean).mean()) * _mean(mean - expected.values))
    columns = {
        "ablated": len(mean),
        "interaction": mean.mean(),
        "interaction_sd": spread_over_networks(by_network[:, None])[0],
        "interaction_control": _mean(control),
        "additivity_p": additivity_p(mean, control, own.rows),
        "interaction_expected": _mean(expected.values),
        "interaction_p": interaction_p(mean, expected, own.rows),
        "at_distance_interaction": _mean(mean[own.preferred]),
        "elsewhere_interaction": _mean(mean[~own.preferred]),
    }
    return columns, direction


def _evidence(row: Mapping, fdr: float, *, more: bool) -> str:
    said = [row["evidence"]] if row["evidence"] else [_SPACING] if row["spacing_q"] <= fdr else []
    if row["interaction_q"] <= fdr and more:
        said.append(_MORE)
    return ", ".join(said)


def _mean(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else float("nan")
