"""Write numbers, intervals, times, sizes and notices as short text for people."""

from __future__ import annotations

import math
import re
from typing import Any

MISSING = "–"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def as_float(value: Any) -> float:
    """Return `value` as a float; NaN for anything that is not a number (None, text, NaN)."""
    if value is None or isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _plain(value: float, decimals: int) -> str:
    text = f"{value:,.{max(0, decimals)}f}"
    if text.startswith("-"):
        # "-0.00" is zero; a true minus sign aligns with figures.
        text = text[1:] if not text.strip("-0.,") else "−" + text[1:]
    return text


def number(value: Any, digits: int = 3) -> str:
    """Write a number with `digits` significant digits.

    Integers get thousands separators; values below 0.001 and above 10 million become powers of ten; what is
    not a number becomes a dash.
    """
    as_number = as_float(value)
    if math.isnan(as_number):
        return MISSING
    if math.isinf(as_number):
        return "∞" if as_number > 0 else "−∞"
    if as_number == 0:
        return "0"
    if as_number == round(as_number) and abs(as_number) < 1e7 and not isinstance(value, float):
        return _plain(as_number, 0)
    exponent = math.floor(math.log10(abs(as_number)))
    if exponent < -3 or exponent >= 7:
        mantissa = _plain(as_number / 10.0**exponent, digits - 1)
        return f"{mantissa}×10{str(exponent).translate(_SUPERSCRIPT)}"
    return _plain(as_number, digits - 1 - exponent)


def measure(value: Any) -> str:
    """Write a metric or a criterion with three decimals, so that a column can be compared at a glance."""
    as_number = as_float(value)
    if not math.isfinite(as_number) or abs(as_number) >= 10 or 0 < abs(as_number) < 5e-4:
        return number(value)
    return _plain(as_number, 3)


def count(value: Any) -> str:
    """Write a count with thousands separators, or a dash."""
    as_number = as_float(value)
    return MISSING if math.isnan(as_number) else f"{round(as_number):,}"


def decimals_for(value: Any, low: Any, high: Any) -> int | None:
    """Return how many decimals the width of an interval supports; None when there is no interval.

    Two digits of the width are shown; without any width there are three decimals.
    """
    middle, low, high = as_float(value), as_float(low), as_float(high)
    if not (math.isfinite(middle) and math.isfinite(low) and math.isfinite(high)):
        return None
    if high <= low:
        return 3
    return min(6, max(0, 1 - math.floor(math.log10(high - low))))


def interval(value: Any, low: Any, high: Any, *, decimals: int | None = None) -> str:
    """Write ``value [low, high]``; without an interval the value stands alone.

    Parameters
    ----------
    decimals : int, optional
        Default: as many as the width of the interval supports.
    """
    middle, low, high = as_float(value), as_float(low), as_float(high)
    own = decimals_for(middle, low, high)
    if math.isnan(middle):
        return MISSING
    if own is None:
        return measure(middle) if decimals is None else _plain(middle, decimals)
    decimals = own if decimals is None else decimals
    return f"{_plain(middle, decimals)} [{_plain(low, decimals)}, {_plain(high, decimals)}]"


def percent(value: Any, decimals: int = 0) -> str:
    """Write a fraction as a percentage, or a dash."""
    as_number = as_float(value)
    return MISSING if math.isnan(as_number) else f"{_plain(100 * as_number, decimals)} %"


def duration(seconds: Any) -> str:
    """Write a time in seconds as ``4.2 s``, ``3 min 10 s`` or ``2 h 05 min``."""
    value = as_float(seconds)
    if math.isnan(value):
        return MISSING
    if value < 60:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def mebibytes(value: Any) -> str:
    """Write a size in MiB as ``512 MiB`` or ``1.5 GiB``."""
    as_number = as_float(value)
    if math.isnan(as_number):
        return MISSING
    return f"{as_number / 1024:.1f} GiB" if as_number >= 1024 else f"{as_number:.0f} MiB"


def sentence(text: str) -> str:
    """Begin a text with a capital, unless with a key or file's name, and end it with a full stop."""
    text = text.strip()
    named = re.match(r"[\w/]*[._/]\w", text)
    return (
        (text[:1] if named else text[:1].upper())
        + text[1:]
        + ("" if text.endswith((".", "!", "?", ":")) or not text else ".")
    )
