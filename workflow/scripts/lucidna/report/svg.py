"""The parts that every figure is made of: scales, ticks, axes, markers.

Figures take their colours from the page's style sheet (classes ``c0`` to ``c7``), so they follow the light
and the dark theme; families differ in colour and in shape, so that no meaning rests on colour alone.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

N_COLOURS = 8
SHAPES = ("circle", "square", "triangle", "diamond", "down", "hexagon", "plus", "star")


def escape(text: object) -> str:
    """Escape text for element content and attribute values."""
    return html.escape(str(text), quote=True)


def fixed(value: float) -> str:
    """Write a coordinate with at most two decimals (short files, same bytes on every machine)."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


@dataclass(frozen=True)
class Scale:
    """A linear map from data to pixels.

    Attributes
    ----------
    low, high : float
        Data limits, low < high.
    start, end : float
        Pixels of `low` and `high` (start > end for a vertical axis).
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the pixel of `value`."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, wanted: int = 5) -> list[float]:
        """Return round values inside the limits, about `wanted` of them."""
        return nice_ticks(self.low, self.high, wanted)


def finite(values: Iterable[float]) -> np.ndarray:
    """Return the finite ones among `values` as float64."""
    array = np.asarray([math.nan if value is None else value for value in values], dtype=float)
    return array[np.isfinite(array)]


def limits(values: Iterable[float], *, margin: float = 0.06, include: Sequence[float] = ()) -> tuple[float, float]:
    """Return limits that hold all finite values, with a margin; (0, 1) when there are none."""
    array = np.concatenate([finite(values), np.asarray(include, dtype=float)])
    if array.size == 0:
        return 0.0, 1.0
    low, high = float(array.min()), float(array.max())
    if high <= low:
        pad = abs(low) * 0.1 or 0.5
        return low - pad, high + pad
    return low - margin * (high - low), high + margin * (high - low)


def nice_ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Return multiples of 1, 2 or 5 times a power of ten between `low` and `high`."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return [low]
    raw = span / max(1, wanted)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if raw <= factor * power * (1 + 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(index * step, 12) + 0.0 for index in range(first, last + 1)]


def tick_text(value: float) -> str:
    """Write the value of a tick."""
    if value != 0 and (abs(value) >= 1e6 or abs(value) < 1e-4):
        return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e").replace("-", "−")
    text = f"{value:,.4f}".rstrip("0").rstrip(".")
    return text.replace("-", "−")


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    """Draw a straight line."""
    return f'<line class="{css}" x1="{fixed(x1)}" y1="{fixed(y1)}" x2="{fixed(x2)}" y2="{fixed(y2)}"/>'


def rectangle(x: float, y: float, width: float, height: float, css: str, *, opacity: float | None = None) -> str:
    """Draw a rectangle; sizes below zero become zero."""
    see_through = "" if opacity is None else f' fill-opacity="{fixed(opacity)}"'
    size = f'width="{fixed(max(0.0, width))}" height="{fixed(max(0.0, height))}"'
    return f'<rect class="{css}" x="{fixed(x)}" y="{fixed(y)}" {size}{see_through}/>'


def words(x: float, y: float, text: object, css: str, *, anchor: str = "start", place: str = "") -> str:
    """Write text at a pixel; `place` is a transform that replaces the coordinates."""
    where = f'transform="{place}"' if place else f'x="{fixed(x)}" y="{fixed(y)}"'
    return f'<text class="{css}" {where} text-anchor="{anchor}">{escape(text)}</text>'


def x_axis(
    scale: Scale, *, y: float, top: float, label: str, wanted: int = 6, grid: bool = True, whole: bool = False
) -> str:
    """Draw a horizontal axis at pixel `y`, its grid up to `top` and its label below; `whole`: only whole numbers."""
    parts = []
    for tick in scale.ticks(wanted):
        if whole and tick != round(tick):
            continue
        x = scale(tick)
        if grid:
            parts.append(line(x, top, x, y, "grid"))
        parts.append(words(x, y + 15, tick_text(tick), "tick", anchor="middle"))
    left, right = sorted((scale.start, scale.end))
    parts.append(line(left, y, right, y, "axis"))
    if label:
        parts.append(words((left + right) / 2, y + 34, label, "label", anchor="middle"))
    return "".join(parts)


def y_axis(scale: Scale, *, x: float, right: float, label: str, wanted: int = 5, grid: bool = True) -> str:
    """Draw a vertical axis at pixel `x`, its grid up to `right` and its label rotated on the left."""
    parts = []
    for tick in scale.ticks(wanted):
        y = scale(tick)
        if grid:
            parts.append(line(x, y, right, y, "grid"))
        parts.append(words(x - 7, y + 4, tick_text(tick), "tick", anchor="end"))
    top, bottom = sorted((scale.start, scale.end))
    parts.append(line(x, top, x, bottom, "axis"))
    if label:
        place = f"translate({fixed(x - 44)} {fixed((top + bottom) / 2)}) rotate(-90)"
        parts.append(words(0, 0, label, "label", anchor="middle", place=place))
    return "".join(parts)


def marker(shape: str, x: float, y: float, size: float = 5.0) -> str:
    """Draw a marker of the named shape centred at a pixel; its colour comes from the class of its group."""
    if shape == "circle":
        return f'<circle class="mark" cx="{fixed(x)}" cy="{fixed(y)}" r="{fixed(size)}"/>'
    r = size * 1.15
    corners = {
        "square": [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
        "triangle": [(0, -1.15), (1, 0.75), (-1, 0.75)],
        "diamond": [(0, -1.25), (1, 0), (0, 1.25), (-1, 0)],
        "down": [(0, 1.15), (1, -0.75), (-1, -0.75)],
        "hexagon": [(math.cos(math.pi * k / 3), math.sin(math.pi * k / 3)) for k in range(6)],
        "plus": [(-0.4, -1.1), (0.4, -1.1), (0.4, -0.4), (1.1, -0.4), (1.1, 0.4), (0.4, 0.4), (0.4, 1.1),
                 (-0.4, 1.1), (-0.4, 0.4), (-1.1, 0.4), (-1.1, -0.4), (-0.4, -0.4)],
        "star": [(math.sin(math.pi * k / 5) * (1.3 if k % 2 == 0 else 0.55),
                  -math.cos(math.pi * k / 5) * (1.3 if k % 2 == 0 else 0.55)) for k in range(10)],
        "cross": [(-1, -0.7), (-0.7, -1), (0, -0.3), (0.7, -1), (1, -0.7), (0.3, 0), (1, 0.7), (0.7, 1),
                  (0, 0.3), (-0.7, 1), (-1, 0.7), (-0.3, 0)],
    }[shape]  # fmt: skip
    points = " ".join(f"{fixed(x + r * dx)},{fixed(y + r * dy)}" for dx, dy in corners)
    return f'<polygon class="mark" points="{points}"/>'


def path(xs: Sequence[float], ys: Sequence[float], *, css: str, close: bool = False) -> str:
    """Draw a line through pixels; a point that is not finite breaks it."""
    commands, pen_down = [], False
    for x, y in zip(xs, ys, strict=True):
        if not (math.isfinite(x) and math.isfinite(y)):
            pen_down = False
            continue
        commands.append(f"{'L' if pen_down else 'M'}{fixed(x)} {fixed(y)}")
        pen_down = True
    if not commands:
        return ""
    return f'<path class="{css}" d="{"".join(commands)}{"Z" if close else ""}"/>'


def canvas(body: str, *, width: float, height: float, title: str, css: str = "figure") -> str:
    """Wrap drawing commands in an ``<svg>`` that scales with the page and names itself to a screen reader."""
    return (
        f'<svg class="{css}" viewBox="0 0 {fixed(width)} {fixed(height)}" width="{fixed(width)}" '
        f'height="{fixed(height)}" role="group" aria-label="{escape(title)}">{body}</svg>'
    )


def pointable(body: str, *, lines: Sequence[str], css: str, key: str = "") -> str:
    """Wrap a mark so that it can be pointed at, or reached with the keyboard, and says what it is.

    Parameters
    ----------
    lines
        What the page's tip and a screen reader say, one line each; the first is the heading.
    key
        Id shared with the rows of tables that speak of the same thing.
    """
    text = escape("\n".join(lines))
    link = f' data-key="{escape(key)}"' if key else ""
    return f'<g class="point {css}" tabindex="0" role="img" aria-label="{text}"{link}>{body}</g>'
