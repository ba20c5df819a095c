"""Tell motifs from what the same procedure finds in the maps of shuffled sequences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lucidna.motifs.patterns import Discovery, Pattern, similarity

SUPPORTED = "supported"
SUPPORTED_EMPTY = "supported (null found none)"
WEAK = "weak"
AS_NULL = "as in the null"
UNTESTED = "not tested"

_SAME_MOTIF = 0.8  # cosine of two CWM cores at their best alignment
_LEAST_SEQLETS = 20  # smallest cluster that TF-MoDISco keeps

COLUMNS = ["pattern", "statistic", "n_null", "null_max", "ratio", "p_value", "q_value", "seqlet_q", "label"]


def explained(pattern: Pattern, *, n_regions: float) -> float:
    """Return how much contribution a pattern explains per region: seqlets x sum of |CWM core| / regions.

    Neither factor alone separates a motif from noise. A chance cluster can have strong seqlets (TF-MoDISco
    always takes at least the strongest 3 % of windows) but has few of them; and the more unlike windows are
    averaged, the flatter the CWM, while that of a motif stays as it is.
    """
    return pattern.n_seqlets * float(np.abs(pattern.cwm[:, pattern.core]).sum()) / n_regions


def calibrate(real: Discovery, nulls: Sequence[Discovery], *, margin: float = 2.0) -> pd.DataFrame:
    """Compare each pattern with those found, by the same settings, in maps of shuffled sequences.

    The statistic is `explained`. A pattern is challenged by the null patterns of its own sign, pooled over
    the draws, except those that are a copy (cosine >= 0.8) of another real pattern and not of this one:
    shuffled sequences hold chance instances of common motifs, which say nothing against a different, rarer
    motif. It is challenged, too, by the least pattern that the null could have had: 20 seqlets (TF-MoDISco
    drops smaller clusters) of the null's median strength, perfectly aligned. Thus a barely formed pattern is
    not believed for the sole reason that the null, by luck, formed none.

    Parameters
    ----------
    real : Discovery
    nulls : sequence of Discovery
        One per draw of shuffled sequences; empty when no null was run.
    margin : float
        How many times the largest challenger a pattern must reach to be called supported. Of two draws of
        pure noise one always holds the larger pattern, so a rule without a margin would support some pattern
        of noise in every second run; in 60 pairs of draws (white and smoothed noise, 600 regions) the ratio
        reached 1.35.

    Returns
    -------
    DataFrame
        One line per real pattern, in their order:

        statistic
            Contribution per region, units of the model's output.
        n_null
            Number of null patterns that challenge it.
        null_max, ratio
            The largest challenger (at least the least pattern above), and statistic / null_max; NaN and
            infinite when the null has no seqlet of this sign.
        p_value
            (1 + null patterns with a statistic as large) / (1 + n_null). It cannot be below 1 / (1 + n_null):
            with few null patterns a large p says little, and the label and the ratio carry the decision. NaN
            without null patterns.
        q_value
            Benjamini-Hochberg over all patterns of `real`.
        seqlet_q
            Share of false seqlets among those of this sign at least as strong as the pattern's median seqlet:
            ((1 + null seqlets) / null regions) / (real seqlets / real regions), at most 1. Only seqlets that
            ended in a pattern are counted on both sides.
        label
            "supported": ratio >= margin; "supported (null found none)": the same, but no null pattern
            challenges it. "weak": above the null's largest, but not by the margin. "as in the null": not
            above it. "not tested": no null was run.
    """
    copies = _copies(real, nulls)
    values = np.array(
        [explained(rival, n_regions=_searched(null, rival.sign)) for null in nulls for rival in null.patterns]
    )
    signs = np.array([rival.sign for null in nulls for rival in null.patterns], dtype=str)
    rows = []
    for i, pattern in enumerate(real.patterns):
        value = explained(pattern, n_regions=_searched(real, pattern.sign))
        if not nulls:
            rows.append((pattern.name, value, 0, np.nan, np.nan, np.nan, np.nan, np.nan, UNTESTED))
            continue
        rivals = values[(signs == pattern.sign) & (copies[i] | ~copies.any(axis=0))]
        largest = max([_least(null, pattern.sign) for null in nulls] + rivals.tolist())
        ratio = value / largest if largest > 0 else np.inf
        p_value = (1 + int((rivals >= value).sum())) / (1 + len(rivals)) if len(rivals) else np.nan
        label = _label(ratio, margin, has_rivals=len(rivals) > 0)
        seqlet_q = _seqlet_q(pattern, real, nulls)
        largest = largest if largest > 0 else np.nan
        rows.append((pattern.name, value, len(rivals), largest, ratio, p_value, np.nan, seqlet_q, label))
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["q_value"] = benjamini_hochberg(table["p_value"].to_numpy(dtype=float))
    return table


def benjamini_hochberg(p_values: np.ndarray) -> np.ndarray:
    """Return q-values (Benjamini & Hochberg 1995), same shape; NaN stays NaN and is not counted."""
    p_values = np.asarray(p_values, dtype=float)
    q_values = np.full(p_values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    raw = p_values[order] * len(order) / np.arange(1, len(order) + 1)
    q_values[order] = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1.0)
    return q_values


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
    return _LEAST_SEQLETS * null.facts[f"{sign}_seqlet_strength"] / _searched(null, sign)


def _label(ratio: float, margin: float, *, has_rivals: bool) -> str:
    if ratio >= margin:
        return SUPPORTED if has_rivals else SUPPORTED_EMPTY
    return WEAK if ratio > 1 else AS_NULL
