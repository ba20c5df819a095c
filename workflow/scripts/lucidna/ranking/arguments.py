"""What the settings of a ranking can be, said in one sentence where they are not."""

from __future__ import annotations

import math
from numbers import Integral, Real

from lucidna.errors import UserError, nearest
from lucidna.ranking.prediction import METRIC_ENDS

MOST_QUANTILE = 0.5
FEWEST_BOOTSTRAPS = 50
LIKE = 0.85
"""How much the name of a metric of one's own may be spelt like a known one."""


def check_settings(*, top: int, bootstraps: int, margin: float, quantile: float, seed: int, metric: str) -> None:
    """Check the settings of `rank.rank_networks` that have no check of their own.

    Raises
    ------
    UserError
        A number of the wrong type or out of its range; a metric whose name is nearly that of a known one.
    """
    if not is_whole(top, 1):
        raise UserError(f"top is {top!r}: the delivered set needs at least 1 candidate, in whole numbers")
    if not is_whole(bootstraps, FEWEST_BOOTSTRAPS):
        raise UserError(
            f"bootstraps is {bootstraps!r}: intervals need at least {FEWEST_BOOTSTRAPS} samples, better 500"
        )
    if not is_number(margin, 0):
        raise UserError(f"margin is {margin!r}: give a finite number of 0 or more, in units of the metric")
    if not is_number(quantile, 0, MOST_QUANTILE):
        raise UserError(
            f"quantile is {quantile!r}: give the share that is vetoed, between 0 (none) and {MOST_QUANTILE:g}"
        )
    if not is_whole(seed, 0):
        raise UserError(f"seed is {seed!r}: give a whole number of 0 or more")
    _check_metric(metric)


def _check_metric(metric: str) -> None:
    """Refuse what is meant to be a known metric: under another name its scale and its chance are not known."""
    if not isinstance(metric, str) or not metric:
        raise UserError(f"metric is {metric!r}: give its name, {' or '.join(METRIC_ENDS)} or one of your own")
    hint = nearest(metric.lower(), METRIC_ENDS, cutoff=LIKE)
    if metric not in METRIC_ENDS and hint:
        raise UserError(
            f"metric is '{metric}': did you mean '{hint}', whose scale is known? (a metric of your own needs a name "
            "less like it)"
        )


def is_whole(value: object, low: int, high: int | None = None) -> bool:
    """Whether a value is a whole number, not a truth value, from `low` to `high`."""
    return (
        isinstance(value, Integral) and not isinstance(value, bool) and value >= low and (high is None or value <= high)
    )


def is_number(value: object, low: float, high: float = math.inf) -> bool:
    """Whether a value is a finite number, not a truth value, from `low` to `high`."""
    return (
        isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value) and low <= float(value) <= high
    )
