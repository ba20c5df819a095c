"""Which candidates may be chosen at all: the gate on prediction, and the veto on maps without signal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

QUANTILE_MINIMUM = 20
"""Fewer candidates than this have no meaningful bottom 5 %: only the comparison with the controls vetoes."""

VETO_LOWEST = ("c_cos", "c_auc", "sl_con")
"""Criteria of which the lowest share of a large population is vetoed."""
VETO_AGAINST = {"A*": ("c_cos", "c_auc", "c_local", "c_second"), "B": ("sl_con",)}
"""What must lie above that of every control, by rule. A map that is large at every observed base has a high cosine
with any good map and an AUROC of one half; a window at fixed positions agrees with the others and knows nothing of a
region; the sites of one motif agree with them and leave the others' sites out. Without a consensus the recurrence of
seqlets is what separates a trained network from a control best."""
VETO_CHANCE = {"A*": {"c_cos": 0.0, "c_auc": 0.5, "c_local": 0.0}, "B": {}}
"""What maps without anything in common give, by rule: a candidate whose interval reaches it agrees with the others no
better than chance, whatever else is in the population. Maps of other regions keep what all regions have in common,
and lose what c_local measures. (c_second has no such level: where each region has one site, nothing is left beside it.)
By rule B the level is each network's own, see `recurrence.permuted_null`."""
MOST_ZERO = 0.1
"""Largest share of regions in which a map may be zero everywhere: such a network says nothing of these, and what it
says of the others is compared as if it had been measured on all. A region at which every unit is saturated may have a
gradient that vanishes, one in ten may not."""
VETO_ABOVE = {"c_isolation": 3.5}
"""Criteria of which a large value is a sign of artefacts -> how many robust standard deviations above the median of
a large population are vetoed."""


GROUNDS = {
    "does not exceed chance": "prediction no better than chance",
    "its prediction is constant": "a constant prediction",
    "what the best candidate": "prediction below what the best reaches at the least, less the margin",
    "zero everywhere in": f"maps that are zero in more than {MOST_ZERO:.0%} of the regions",
    "no better than chance": "{} no better than chance",
    "a control's upper end": "{} not above that of a control",
    "in the lowest": "{} in the lowest {} of those that pass the gate",
    "values stand alone": "{} far above that of all others",
}
"""What tells the grounds of a reason apart -> the ground in a few words, with the criterion and the share."""
WORDS = {
    "c_cos": "consensus cosine",
    "c_auc": "consensus AUROC",
    "c_local": "local agreement",
    "c_second": "consensus AUROC beside its strongest sites",
    "c_isolation": "isolation of its largest values",
    "sl_con": "seqlet recurrence",
}


CHANCE_WORDS = {
    "sl_con": "its seqlets come back in other sequences, against its own map with shuffled positions,",
    "c_local": "what differs between its regions agrees with the others",
    "": "it agrees with the others",
}
"""What is no better than chance, by criterion."""


def grounds_of(reason: str) -> list[str]:
    """Return the grounds of a reason of the gate or the veto, in a few words each; none for other reasons."""
    found = []
    for part in reason.split("; "):
        criterion = next((words for name, words in WORDS.items() if part.startswith(f"its {name} ")), "criterion")
        share = part.partition("in the lowest ")[2].partition(" ")[0]
        found += [words.format(criterion, share) for phrase, words in GROUNDS.items() if phrase in part]
    return found


def decimals_apart(first: float, second: float, *, least: int = 3, most: int = 9) -> int:
    """Return the fewest decimals, at least `least`, with which two different numbers are written differently."""
    return next((n for n in range(least, most + 1) if f"{first:.{n}f}" != f"{second:.{n}f}"), least)


def gate_reasons(
    value: np.ndarray,
    lo: np.ndarray,
    *,
    candidate: np.ndarray,
    constant: np.ndarray | None = None,
    margin: float = 0.0,
    metric: str = "prediction",
) -> list[str | None]:
    """Say which candidates predict worse than the best of their fold does at the least.

    A candidate passes when its validation metric, plus `margin`, reaches the lower end of the best
    candidate's interval.

    Parameters
    ----------
    value, lo
        (n,) validation metric (higher is better) and the lower end of its interval; NaN where it is not known,
        which gates nobody. Without an interval (`lo` NaN for the best) the metric itself is compared, and only when
        `margin` is above 0.
    candidate
        (n,) bool, False for controls: they are not gated, and the best is never a control.
    constant
        (n,) bool, whose predictions are known and give no metric; none by default.
    margin
        Loss that is accepted, in units of the metric.
    metric
        Its name, for the reasons.

    Returns
    -------
    list of a reason, or None for a candidate that passes, for each of the n.
    """
    value, lo = np.asarray(value, dtype=np.float64), np.asarray(lo, dtype=np.float64)
    reasons: list[str | None] = [None] * len(value)
    if constant is not None:
        for index in np.flatnonzero(candidate & constant):
            reasons[index] = f"its validation {metric} is not a number: its prediction is constant"
    usable = np.flatnonzero(candidate & np.isfinite(value))
    if len(usable) == 0:
        return reasons
    best = usable[np.argmax(value[usable])]
    bare = not np.isfinite(lo[best])
    if bare and margin <= 0:
        return reasons
    limit = (value[best] if bare else min(lo[best], value[best])) - margin
    for index in np.flatnonzero(candidate):
        if value[index] < limit:
            n = decimals_apart(value[index], limit)
            reasons[index] = (
                f"its validation {metric} {value[index]:.{n}f} is below {limit:.{n}f}, "
                f"what the best candidate ({value[best]:.{n}f}) reaches at the least"
                + (f" less the margin {margin:g}" if margin > 0 else "")
            )
    return reasons


def at_chance(hi: np.ndarray, value: np.ndarray, *, chance: float) -> np.ndarray:
    """Mark networks whose metric is at its upper end no better than chance; bool (n,), False where it is NaN."""
    upper = np.where(np.isfinite(hi), hi, value)
    return upper <= chance


def veto_reasons(
    scores: dict[str, np.ndarray],
    lower: dict[str, np.ndarray],
    upper: dict[str, np.ndarray],
    *,
    candidate: np.ndarray,
    against_controls: Sequence[str],
    chance: Mapping[str, float | np.ndarray] | None = None,
    zero: np.ndarray | None = None,
    n_regions: int = 0,
    control: np.ndarray | None = None,
    quantile: float = 0.05,
) -> list[str | None]:
    """Say which candidates' maps are no better than chance or a control's, or at the bottom of a large population.

    Parameters
    ----------
    scores
        criterion -> (n,) values: at least those of `VETO_LOWEST`; NaN where it could not be measured.
    lower, upper
        criterion -> (n,) ends of the intervals.
    candidate
        (n,) bool: whose maps are judged, and what the lowest share is one of.
    control
        (n,) bool; by default all but the candidates.
    against_controls
        Criteria of which the candidate's whole interval must lie above that of every control. A candidate
        whose value alone lies above can be noise: it passes one control in ten times.
    chance
        criterion -> level, one for all or (n,), above which the whole interval must lie too; what is NaN vetoes
        nothing. Who does not reach it is not compared with the controls by the same criterion.
    zero, n_regions
        (n,) number of regions in which each network's map is zero everywhere, of how many; none by default.
    quantile
        With 20 or more candidates, those in this lowest share of a criterion of `VETO_LOWEST` are vetoed too, and
        those far above the others in a criterion of `VETO_ABOVE`; 0 turns both off. With fewer, the lowest share
        would always be the single worst candidate, however good it is.

    Returns
    -------
    list of a reason, or None for a candidate that passes, for each of the n.
    """
    reasons: list[list[str]] = [[] for _ in range(len(candidate))]
    members = np.flatnonzero(candidate)
    controls = np.flatnonzero(~candidate if control is None else control)
    if zero is not None:
        for index in members[zero[members] > MOST_ZERO * n_regions]:
            reasons[index].append(
                f"its maps are zero everywhere in {zero[index]} of {n_regions} regions, more than {MOST_ZERO:.0%}"
            )
    by_chance: dict[str, np.ndarray] = {}
    for name, level in (chance or {}).items():
        levels = np.broadcast_to(np.asarray(level, dtype=np.float64), lower[name].shape)
        by_chance[name] = lower[name] <= levels
        for index in members[by_chance[name][members]]:
            n = decimals_apart(lower[name][index], levels[index])
            reasons[index].append(
                f"its {name} {scores[name][index]:.{n}f} (lower end {lower[name][index]:.{n}f}) "
                f"is not above {levels[index]:.{n}f}: {CHANCE_WORDS.get(name, CHANCE_WORDS[''])} no better than chance"
            )
    for name in against_controls:
        ends = upper[name][controls]
        if not np.isfinite(ends).any():
            continue
        limit = float(np.nanmax(ends))
        for index in members:
            if lower[name][index] <= limit and not (name in by_chance and by_chance[name][index]):
                n = decimals_apart(lower[name][index], limit)
                reasons[index].append(
                    f"its {name} {scores[name][index]:.{n}f} (lower end {lower[name][index]:.{n}f}) "
                    f"is not above {limit:.{n}f}, a control's upper end"
                )
    if quantile > 0 and len(members) >= QUANTILE_MINIMUM:
        for name in VETO_LOWEST:
            values = scores[name][members]
            if not np.isfinite(values).any():
                continue
            limit = float(np.nanquantile(values, quantile))
            for index in members[values <= limit]:
                reasons[index].append(
                    f"its {name} {scores[name][index]:.3f} is in the lowest {quantile:.0%} of all that pass the gate"
                )
        for name, most in VETO_ABOVE.items():
            limit = upper_limit(scores[name][members], most)
            for index in members[lower[name][members] > limit]:
                reasons[index].append(
                    f"its {name} {scores[name][index]:.3f} (lower end {lower[name][index]:.3f}) is above {limit:.3f}, "
                    "far from that of all others: its largest values stand alone"
                )
    return ["; ".join(found) if found else None for found in reasons]


def upper_limit(values: np.ndarray, most: float) -> float:
    """Median of (n,) plus `most` robust standard deviations (1.4826 median absolute deviations); inf without values."""
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return float("inf")
    median = np.median(values)
    return float(median + most * 1.4826 * np.median(np.abs(values - median)))
