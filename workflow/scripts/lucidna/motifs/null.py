"""Tell motifs from what the same procedure finds in null maps: of shuffled sequences, and of permuted positions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lucidna.motifs.align import similarity
from lucidna.motifs.decoys import target_decoy_q
from lucidna.motifs.patterns import Discovery, Pattern
from lucidna.ppm import information

SUPPORTED = "supported"
SUPPORTED_EMPTY = "supported (null found none)"
SUPPORTED_PART = "supported (part of another)"
WEAK = "weak"
AS_NULL = "as in the null"
UNTESTED = "not tested"
SUPPORTING = (SUPPORTED, SUPPORTED_EMPTY, SUPPORTED_PART)
CREDIBLE = (*SUPPORTING, UNTESTED)
"""Labels of patterns whose hits count. Where a null was run no pattern is untested."""

_SAME_MOTIF = 0.8  # cosine of two CWM cores at their best alignment
LEAST_SEQLETS = 20  # smallest cluster that TF-MoDISco keeps
_LEAST_BITS = 6.0  # of a cluster of noise: 4.9 in the median of 53, 7.4 at most (benchmarks/pattern_statistics.py)

COLUMNS = [
    *("pattern", "statistic", "n_null", "null_draws", "shuffled_draws", "null_empty", "null_max", "ratio"),
    *("p_value", "least_p", "q_value", "least_q", "seqlet_q", "label"),
]


def evidence(pattern: Pattern, *, n_regions: float) -> float:
    """Return what a pattern has of a motif: support x information x mean contribution.

    Seqlets per region, times the bits of the core, times the |mean contribution| of a seqlet's core (output units). No
    factor alone separates a motif from noise. A chance cluster can have strong seqlets (TF-MoDISco always takes at
    least the strongest 3 % of windows) or many, but the windows that it averages are unlike each other: few bits,
    and contributions that cancel out in the core. Of the statistics compared in
    benchmarks/results/pattern_statistics.tsv, on maps made without a network, mean contribution, support x
    information and this product separated all planted motifs from noise (AUROC and AUPR 1). Mean contribution put
    none of the 15 planted motifs at twice the largest pattern of the nulls; the two products put 13 there, and
    neither a pattern of noise. Between these two the comparison does not decide. The contribution is kept, for a
    pattern that does nothing to the prediction is no motif of it.
    """
    contribution = abs(float(pattern.seqlets["contribution"].mean()))
    return pattern.n_seqlets / n_regions * float(information(pattern.ppm[:, pattern.core]).sum()) * contribution


def calibrate(
    real: Discovery, nulls: Sequence[Discovery], *, permuted: Sequence[Discovery] = (), margin: float = 2.0
) -> pd.DataFrame:
    """Compare each pattern with those found, by the same settings, in null maps.

    The statistic is `evidence`. A pattern is challenged by the null patterns of its own sign, of all draws of both
    kinds, except those that are a copy (cosine >= 0.8) of another real pattern and not of this one:
    shuffled sequences hold chance instances of common motifs, which say nothing against a different, rarer
    motif. It is challenged, too, by the least pattern that the null could have had: 20 seqlets (TF-MoDISco
    drops smaller clusters) of 6 bits and of the median strength in shuffled sequences. Thus a barely formed pattern
    is not believed for the sole reason that the null, by luck, formed none. A draw of shuffled sequences with too few
    seqlets to be searched could have had no pattern larger than all of its seqlets in one: that challenges, too.

    Parameters
    ----------
    real : Discovery
    nulls : sequence of Discovery
        One per draw of shuffled sequences; empty when no null was run.
    permuted : sequence of Discovery
        One per draw of the real maps with their positions permuted. Their windows are as strong as the motifs
        whose contributions they scatter, so they set no bar by strength and count no seqlets.
    margin : float
        How many times the largest challenger a pattern must reach to be called supported. Of two draws of
        pure noise one always holds the larger pattern, so a rule without a margin would support some pattern
        of noise in every second run; the best patterns of two null runs differed by up to 1.59 times
        (benchmarks/results/pattern_statistics.tsv).

    Returns
    -------
    DataFrame
        One line per real pattern, in their order:

        statistic
            Bits x units of the model's output, per region.
        n_null
            Number of null patterns that challenge it.
        null_draws, shuffled_draws, null_empty
            Number of draws that were searched for its sign (`was_searched`), of those that are of shuffled sequences,
            and of those that hold no pattern that challenges it.
        null_max, ratio
            The largest challenger (at least the least pattern above), and statistic / null_max; NaN and
            infinite when the null has no seqlet of this sign.
        p_value, least_p
            (1 + null values as large as the statistic) / (1 + null values), for the draws of either kind by
            themselves, and the larger of the two; least_p is what it would be without a null value as large. The null
            values are the statistics of the null patterns that challenge it and, for every draw that was searched and
            has none, a 0: the same search gave nothing there. A draw with too few seqlets to be searched says nothing.
            The kinds are not pooled: patterns of permuted maps are often smaller than those of noise, and many of them
            would make p small for a pattern that shuffled sequences give too. With few draws least_p is large and
            p says little. NaN where no null was searched.
        q_value, least_q
            Share of false patterns among those of this sign with a statistic at least as large, estimated by target
            and decoy (`decoys.target_decoy_q`, a searched draw in place of a region): ((1 + null patterns) / draws)
            / real patterns, the least over all lower bars, at most 1; for either kind by itself, and the larger of
            the two. A draw of fewer regions than the real run counts for as much less. The rate holds on average over
            runs if a real run has no more patterns of noise than a null run, and their numbers vary as counts of
            independent things do; where all noise comes in few bursts (12 patterns in a quarter of the runs), two
            draws promise half of what is false. Runs of noise against two draws of the same had a q <= .2 in 4 of
            336 comparisons (benchmarks/results/pattern_rates.tsv). All null patterns of the sign count, but for the
            copies of a real pattern that is `margin` times larger than all its copies: chance instances of a motif.
            (What recurs as noise in every run copies a real pattern, too, but not by so much less.) q asks for no small
            p-values: where two draws give nothing like ten real patterns, it is .05. least_q is what it would be for
            the least of the patterns if no null pattern were as large. NaN where no null was searched.
        seqlet_q
            Share of false seqlets among those of this sign at least as strong as the pattern's median seqlet:
            ((1 + null seqlets) / null regions) / (real seqlets / real regions), at most 1. Only seqlets that
            ended in a pattern are counted on both sides.
        label
            "supported": ratio >= margin; "supported (null found none)": the same, but no null pattern
            challenges it. "weak": above the null's largest, but not by the margin. "as in the null": not
            above it. "not tested": no null was run. Without shuffled sequences, at least half as many as there are
            regions (`enough_shuffled`), no pattern is more than weak: permuted maps lose the smoothness of real ones
            along with the motifs, and clusters of smooth noise reach 2.7 times the largest pattern of three draws.
            Nor is a pattern of a sign of which shuffled sequences had no seqlet at all.
    """
    draws, enough = [*nulls, *permuted], enough_shuffled(real, nulls)
    copies = _copies(real, draws)
    values = np.array(
        [evidence(rival, n_regions=_searched(null, rival.sign)) for null in draws for rival in null.patterns]
    )
    signs = np.array([rival.sign for null in draws for rival in null.patterns], dtype=str)
    draw_of = np.array([draw for draw, null in enumerate(draws) for _ in null.patterns], dtype=np.int64)
    statistics = np.array([evidence(pattern, n_regions=_searched(real, pattern.sign)) for pattern in real.patterns])
    largest_copy = np.where(copies, values, 0.0).max(axis=1, initial=0.0)
    chance = (copies & (statistics >= margin * largest_copy)[:, None]).any(axis=0)
    rates = _q_values(real, (nulls, permuted), statistics, np.where(chance, -np.inf, values))
    rows = []
    for i, (pattern, value) in enumerate(zip(real.patterns, statistics, strict=True)):
        if not draws:
            rows.append((pattern.name, value, 0, 0, 0, 0, *[np.nan] * 7, UNTESTED))
            continue
        searched = [draw for draw, null in enumerate(draws) if was_searched(null, pattern.sign)]
        challenging = (signs == pattern.sign) & (copies[i] | ~copies.any(axis=0))
        rivals = values[challenging]
        empty = len(searched) - len(np.unique(draw_of[challenging]))
        largest = max([0.0, *(_least(null, pattern.sign) for null in nulls), *rivals.tolist()])
        ratio = value / largest if largest > 0 else np.inf
        tests = [(np.nan, np.nan)]
        for kind in (range(len(nulls)), range(len(nulls), len(draws))):
            if drawn := [draw for draw in searched if draw in kind]:
                tests.append(_p_value(value, rivals, draw_of[challenging], drawn))
        n_shuffled = sum(draw < len(nulls) for draw in searched)
        seen = n_shuffled > 0 or any(_least(null, pattern.sign) > 0 for null in nulls)
        label = _label(ratio, margin, has_rivals=len(rivals) > 0, shuffled=enough and seen)
        seqlet_q = _seqlet_q(pattern, real, nulls) if nulls else np.nan
        largest = largest if largest > 0 else np.nan
        counted = len(rivals), len(searched), n_shuffled, empty
        rows.append((pattern.name, value, *counted, largest, ratio, *np.fmax.reduce(tests), *rates[i], seqlet_q, label))
    return pd.DataFrame(rows, columns=COLUMNS)


def _p_value(value: float, rivals: np.ndarray, draw_of: np.ndarray, drawn: Sequence[int]) -> tuple[float, float]:
    """Return p of a statistic among the null values of some draws, and the least p that they allow."""
    own = np.isin(draw_of, drawn)
    rivals, draw_of = rivals[own], draw_of[own]
    empty = len(drawn) - len(np.unique(draw_of))
    # A draw without a pattern has the value 0, which no pattern's statistic falls below.
    as_large = int((rivals >= value).sum()) + (empty if value <= 0 else 0)
    return (1 + as_large) / (1 + len(rivals) + empty), 1 / (1 + len(rivals) + empty)


def _q_values(
    real: Discovery, kinds: Sequence[Sequence[Discovery]], statistics: np.ndarray, values: np.ndarray
) -> np.ndarray:
    """Return q of every real pattern and the least q possible, (n, 2); `values` are of all null patterns in turn."""
    rates = np.full((len(real.patterns), 2), np.nan)
    first = 0
    for nulls in kinds:
        rivals = [rival for null in nulls for rival in null.patterns]
        own, first = values[first : first + len(rivals)], first + len(rivals)
        for sign in ("pos", "neg"):
            alike = np.flatnonzero([pattern.sign == sign for pattern in real.patterns])
            searched = [null.facts["n_regions"] for null in nulls if was_searched(null, sign)]
            if len(alike) and searched:
                # A larger null has more patterns of noise, not fewer: it stays one draw, which is the safe side.
                draws = sum(min(1.0, n_regions / real.facts["n_regions"]) for n_regions in searched)
                decoys = own[np.array([rival.sign == sign for rival in rivals], dtype=bool)]
                q_values = target_decoy_q(statistics[alike], decoys, n_target_regions=1, n_decoy_regions=draws)
                least = np.full(len(alike), min(1.0, 1 / (draws * len(alike))))
                rates[alike] = np.fmax(rates[alike], np.stack([q_values, least], axis=1))
    return rates


def was_searched(null: Discovery, sign: str) -> bool:
    """Whether a run had seqlets enough of a sign ("pos" or "neg") for TF-MoDISco to group them."""
    return null.facts[f"{sign}_seqlets_used"] > 0


def enough_shuffled(real: Discovery, nulls: Sequence[Discovery]) -> bool:
    """Whether the shuffled sequences of all draws are at least half as many as the regions."""
    return 2 * sum(null.facts["n_regions"] for null in nulls) >= real.facts["n_regions"] and len(nulls) > 0


def null_notices(tested: pd.DataFrame, *, shuffled: int, permuted: int, fdr: float, enough: bool = True) -> list[str]:
    """Say what the nulls that were run cannot show.

    Parameters
    ----------
    tested : DataFrame
        Of `calibrate`.
    shuffled, permuted : int
        Draws of each kind.
    enough : bool
        `enough_shuffled`.
    fdr : float
        The q-value that counts.
    """
    if not shuffled and not permuted:
        return ["no null was run: no pattern is tested, and all count as supported"]
    notices = []
    if not shuffled:
        notices.append(
            "without maps of shuffled sequences no pattern is called more than weak: permuted maps do not show what "
            "smooth noise gives"
        )
    elif not enough:
        notices.append(
            "there are maps of fewer than half as many shuffled sequences as regions, too few to say what noise gives: "
            "no pattern is called more than weak"
        )
    unsearched = int((tested["shuffled_draws"] == 0).sum()) if shuffled else 0
    if unsearched:
        notices.append(
            f"shuffled sequences had too few seqlets of the sign of {unsearched} pattern{'s' * (unsearched > 1)} to be "
            "searched: all of their seqlets as one pattern is what is compared; more regions or seqlets give them more"
        )
    finest = tested["least_q"].min()
    if finest > fdr:
        notices.append(
            f"with so few patterns, and draws of the null, no pattern can have a q-value below {finest:.2f}: labels "
            "rest on the ratio to the null's largest; more draws of both kinds (motifs.null_draws, permuted_draws) "
            "make q-values finer"
        )
    return notices


def _searched(discovery: Discovery, sign: str) -> float:
    """Count the regions whose seqlets were used: fewer than all when the cap on seqlets bound."""
    seen, used = discovery.facts[f"{sign}_seqlets_seen"], discovery.facts[f"{sign}_seqlets_used"]
    share = used / seen if seen and used else 1.0
    return max(discovery.facts["n_regions"] * share, 1.0)


def _copies(real: Discovery, nulls: Sequence[Discovery]) -> np.ndarray:
    """Tell which null patterns (columns, all draws) are the motif of which real pattern (rows): bool."""
    rivals = [rival for null in nulls for rival in null.patterns]
    copies = np.zeros((len(real.patterns), len(rivals)), dtype=bool)
    for i, pattern in enumerate(real.patterns):
        for j, rival in enumerate(rivals):
            if rival.sign == pattern.sign:
                cores = pattern.cwm[:, pattern.core], rival.cwm[:, rival.core]
                copies[i, j] = similarity(*cores) >= _SAME_MOTIF
    return copies


def _seqlet_q(pattern: Pattern, real: Discovery, nulls: Sequence[Discovery]) -> float:
    strength = pattern.seqlets["contribution"].abs().median()

    def rate(discoveries: Sequence[Discovery], extra: int) -> float:
        found = sum(
            int((other.seqlets["contribution"].abs() >= strength).sum())
            for discovery in discoveries
            for other in discovery.patterns
            if other.sign == pattern.sign
        )
        return (found + extra) / sum(_searched(discovery, pattern.sign) for discovery in discoveries)

    return min(1.0, rate(nulls, 1) / rate([real], 0))


def _least(null: Discovery, sign: str) -> float:
    """Return the evidence of the least pattern that a null could have had; of the largest, if it was not searched."""
    seqlets = LEAST_SEQLETS if was_searched(null, sign) else null.facts[f"{sign}_seqlets_seen"]
    return seqlets / _searched(null, sign) * _LEAST_BITS * null.facts[f"{sign}_seqlet_strength"]


def _label(ratio: float, margin: float, *, has_rivals: bool, shuffled: bool) -> str:
    if ratio >= margin and shuffled:
        return SUPPORTED if has_rivals else SUPPORTED_EMPTY
    return WEAK if ratio > 1 else AS_NULL
