"""The figures of the page, as functions from numbers to SVG text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lucidna.report import svg
from lucidna.report.numbers import number


@dataclass(frozen=True)
class Curve:
    """One line of a small chart: y against x, with the page's colour and a style ("solid" or "dashed")."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    colour: int = 0
    style: str = "solid"
    key: str = ""


@dataclass(frozen=True)
class Chart:
    """A titled set of curves; `boundaries` are x positions where one training stage ends."""

    title: str
    curves: Sequence[Curve]
    boundaries: Sequence[float] = field(default_factory=tuple)


def small_charts(charts: Sequence[Chart], *, x_label: str, y_label: str, columns: int = 3, width: float = 960) -> str:
    """Draw several charts side by side on the same axes, so that they can be compared.

    x counts something (epochs). A curve of a single value is drawn as a dot.

    Returns
    -------
    str
        SVG; empty when no chart holds a finite value.
    """
    ys = svg.finite(v for chart in charts for curve in chart.curves for v in curve.y)
    xs = svg.finite(v for chart in charts for curve in chart.curves for v in curve.x)
    if ys.size == 0:
        return ""
    # One exploding epoch must not flatten every other curve.
    low, high = np.quantile(ys, 0.005), np.quantile(ys, 0.995)
    y_limits = svg.limits(ys[(ys >= low) & (ys <= high)])
    x_limits = svg.limits(xs, margin=0.02) if np.ptp(xs) > 0 else (xs[0] - 0.5, xs[0] + 0.5)
    columns = min(columns, len(charts))
    cell, rise = width / columns, 190.0
    parts = []
    for index, chart in enumerate(charts):
        row, column = divmod(index, columns)
        left, right = column * cell + 62, (column + 1) * cell - 12
        top, bottom = row * rise + 26, row * rise + 148
        x_scale = svg.Scale(*x_limits, left, right)
        y_scale = svg.Scale(*y_limits, bottom, top)
        parts.append(svg.words(left, top - 10, chart.title, "chart-title"))
        parts.append(svg.x_axis(x_scale, y=bottom, top=top, label="", wanted=4, grid=False, whole=True))
        parts.append(svg.y_axis(y_scale, x=left, right=right, label="", wanted=4))
        parts += [svg.line(x_scale(x), top, x_scale(x), bottom, "boundary") for x in chart.boundaries]
        for curve in chart.curves:
            heights = [float(np.clip(y_scale(v), top, bottom)) if math.isfinite(v) else math.nan for v in curve.y]
            drawn = svg.path([x_scale(v) for v in curve.x], heights, css=f"curve {curve.style}")
            if not drawn:
                continue
            if svg.finite(heights).size == 1:
                x, y = next((x, y) for x, y in zip(curve.x, heights, strict=True) if math.isfinite(y))
                drawn = svg.marker("circle", x_scale(x), y, 3.5)
            last = svg.finite(curve.y)[-1]
            lines = (curve.label, f"last {y_label} {number(float(last))}")
            css = f"c{curve.colour % svg.N_COLOURS}"
            parts.append(svg.pointable(drawn, lines=lines, css=css, key=curve.key))
        if row == (len(charts) - 1) // columns:
            parts.append(svg.words((left + right) / 2, bottom + 32, x_label, "label", anchor="middle"))
        if column == 0:
            place = f"translate({svg.fixed(left - 52)} {svg.fixed((top + bottom) / 2)}) rotate(-90)"
            parts.append(svg.words(0, 0, y_label, "label", anchor="middle", place=place))
    height = rise * math.ceil(len(charts) / columns) - 2
    return svg.canvas("".join(parts), width=width, height=height, title=f"{y_label} against {x_label}")


def histogram(
    values: Sequence[float],
    *,
    x_label: str,
    bins: int = 40,
    limits: tuple[float, float] | None = None,
    width: float = 460,
    height: float = 200,
) -> str:
    """Draw how many values fall into each of `bins` equal bins; empty text when there is no finite value."""
    data = svg.finite(values)
    if data.size == 0:
        return ""
    low, high = limits if limits is not None else svg.limits(data, margin=0.0)
    counts, edges = np.histogram(data, bins=bins, range=(low, high))
    left, right, top, bottom = 52.0, width - 10, 8.0, height - 44
    x_scale = svg.Scale(low, high, left, right)
    y_scale = svg.Scale(0, max(1, counts.max()) * 1.05, bottom, top)
    parts = [svg.y_axis(y_scale, x=left, right=right, label="", wanted=4)]
    for amount, start, end in zip(counts, edges[:-1], edges[1:], strict=True):
        if amount:
            x, y = x_scale(start), y_scale(amount)
            bar = svg.rectangle(x + 0.4, y, x_scale(end) - x - 0.8, bottom - y, "column c0")
            tip = (f"{number(float(start))} to {number(float(end))}", f"{amount:,}")
            parts.append(f'<g data-tip="{svg.escape(chr(10).join(tip))}">{bar}</g>')
    parts.append(svg.x_axis(x_scale, y=bottom, top=top, label=x_label, grid=False, wanted=5))
    return svg.canvas("".join(parts), width=width, height=height, title=f"Distribution of {x_label}")


def heatmap(
    matrix: np.ndarray,
    *,
    labels: Sequence[str],
    title: str,
    low: float = 0.0,
    high: float = 1.0,
    cell: float = 58,
) -> str:
    """Draw a square matrix as shaded cells, each with its value written in it.

    Parameters
    ----------
    matrix : ndarray, shape (n, n)
        NaN cells stay empty.
    labels : sequence of n str
    low, high
        Values of no shade and of full shade.
    """
    n = len(labels)
    side = 14.0 + 6.8 * max((len(label) for label in labels), default=4)
    # Names of several words stand in several lines above their column, which is narrower than they are.
    stacks = [label.split("_") for label in labels]
    top = 12.0 + 12 * max(map(len, stacks), default=1)
    parts = []
    for i in range(n):
        parts.append(svg.words(side - 8, top + cell * (i + 0.5) + 4, labels[i], "row-label", anchor="end"))
        for up, word in enumerate(reversed(stacks[i])):
            parts.append(svg.words(side + cell * (i + 0.5), top - 8 - 12 * up, word, "tick", anchor="middle"))
        for j in range(n):
            value = float(matrix[i, j])
            if not math.isfinite(value):
                continue
            strength = min(1.0, max(0.0, (value - low) / (high - low)))
            x, y = side + cell * j, top + cell * i
            parts.append(svg.rectangle(x + 1, y + 1, cell - 2, cell - 2, "cell", opacity=0.06 + 0.5 * strength))
            text = number(value, 2)
            parts.append(svg.words(x + cell / 2, y + cell / 2 + 4, text, "cell-text", anchor="middle"))
    size = top + cell * n + 6
    return svg.canvas("".join(parts), width=side + cell * n + 6, height=size, title=title)
