"""The figures of the page, as functions from numbers to SVG text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lucidna.report import svg
from lucidna.report.numbers import number

#: Half the width of the cap of a whisker, px: wider than a mark, so that an interval of no width shows too.
CAP = 8.0


@dataclass(frozen=True)
class Point:
    """One mark of a scatter plot; an interval that is unknown is (nan, nan).

    Attributes
    ----------
    colour, shape : int
        Which of the page's colours and which of `svg.SHAPES`.
    kind : str
        "candidate", "control", "vetoed" or "failed_gate": all but the first are drawn without a fill.
    lines : tuple of str
        What the tip says.
    """

    key: str
    x: float
    y: float
    x_interval: tuple[float, float] = (math.nan, math.nan)
    y_interval: tuple[float, float] = (math.nan, math.nan)
    colour: int = 0
    shape: int = 0
    kind: str = "candidate"
    chosen: bool = False
    lines: tuple[str, ...] = ()


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


def scatter(
    points: Sequence[Point],
    *,
    x_label: str,
    y_label: str,
    front: Sequence[tuple[float, float]] = (),
    width: float = 960,
    height: float = 480,
) -> str:
    """Draw points with crosses for their intervals and, as a staircase, the Pareto front.

    Parameters
    ----------
    front
        (x, y) of the points that no other surpasses in both directions.

    Returns
    -------
    str
        SVG; points can be reached with the keyboard.
    """
    left, right, top, bottom = 62.0, width - 16, 14.0, height - 46
    shown = [point for point in points if math.isfinite(point.x) and math.isfinite(point.y)]
    # Controls are far from what is compared: they do not set the scale, and are pinned to its border.
    framed = [point for point in shown if point.kind != "control"] or shown
    x_scale = svg.Scale(*svg.limits([v for p in framed for v in (p.x, *p.x_interval)]), left, right)
    y_scale = svg.Scale(*svg.limits([v for p in framed for v in (p.y, *p.y_interval)]), bottom, top)
    parts = [
        svg.x_axis(x_scale, y=bottom, top=top, label=x_label),
        svg.y_axis(y_scale, x=left, right=right, label=y_label),
        _staircase(front, x_scale, y_scale),
    ]
    # What was set aside lies below what is compared; the chosen come last, on top.
    order = {"control": 0, "vetoed": 1, "failed_gate": 1}
    for point in sorted(shown, key=lambda p: (order.get(p.kind, 2), p.chosen)):
        x, y = x_scale(point.x), y_scale(point.y)
        pinned = not (left <= x <= right and top <= y <= bottom)
        if pinned:
            x, y = min(max(x, left + 9), right - 9), min(max(y, top + 9), bottom - 9)
        body = []
        if not pinned:
            body += _whiskers(point, x_scale, y_scale)
        if point.chosen:
            body.append(f'<circle class="ring" cx="{svg.fixed(x)}" cy="{svg.fixed(y)}" r="10"/>')
        shape = "cross" if point.kind == "control" else svg.SHAPES[point.shape % len(svg.SHAPES)]
        body.append(svg.marker(shape, x, y, 5.5))
        css = f"c{point.colour % svg.N_COLOURS} {point.kind}"
        parts.append(svg.pointable("".join(body), lines=point.lines or (point.key,), css=css, key=point.key))
    return svg.canvas("".join(parts), width=width, height=height, title=f"{y_label} against {x_label}")


def _whiskers(point: Point, x_scale: svg.Scale, y_scale: svg.Scale) -> list[str]:
    """Draw the known intervals of a point; an end beyond the frame has no cap (a control's may be)."""
    x, y = x_scale(point.x), y_scale(point.y)
    drawn = []
    for ends, scale, across in ((point.x_interval, x_scale, False), (point.y_interval, y_scale, True)):
        if not all(map(math.isfinite, ends)):
            continue
        places = [scale(value) for value in ends]
        start, end = np.clip(places, min(scale.start, scale.end), max(scale.start, scale.end))
        drawn.append(svg.line(x, start, x, end, "whisker") if across else svg.line(start, y, end, y, "whisker"))
        for place, kept in zip(places, (start, end), strict=True):
            if place == kept and across:
                drawn.append(svg.line(x - CAP, place, x + CAP, place, "whisker cap"))
            elif place == kept:
                drawn.append(svg.line(place, y - CAP, place, y + CAP, "whisker cap"))
    return drawn


def _staircase(front: Sequence[tuple[float, float]], x_scale: svg.Scale, y_scale: svg.Scale) -> str:
    corners = sorted((x, y) for x, y in front if math.isfinite(x) and math.isfinite(y))
    if not corners:
        return ""
    xs, ys = [x_scale.start], [y_scale(corners[0][1])]
    for index, (x, y) in enumerate(corners):
        below = corners[index + 1][1] if index + 1 < len(corners) else y_scale.low
        xs += [x_scale(x), x_scale(x)]
        ys += [y_scale(y), y_scale(max(below, y_scale.low))]
    return svg.path(xs, ys, css="front")


def intervals(
    rows: Sequence[Point],
    *,
    x_label: str,
    width: float = 960,
    row_height: float = 22,
    low: float | None = None,
    whole: bool = False,
    notes: Sequence[str] = (),
    notes_label: str = "",
) -> str:
    """Draw one line per row: its label, the interval of x as a bar and x as a mark.

    Parameters
    ----------
    rows
        In the order of the chart, from the top; `key` is the label; y is not used.
    low
        Lower limit of the axis; default: the data's.
    whole
        Whether x counts something, so that only whole numbers are marked on the axis.
    notes, notes_label
        A short text for each row at its right end, and what they are, below.
    """
    left = 12.0 + 6.6 * min(44, max((len(row.key) for row in rows), default=10))
    right, top = width - (96 if notes else 16), 6.0
    bottom = top + row_height * len(rows)
    values = [v for row in rows for v in (row.x, *row.x_interval)]
    data_low, data_high = svg.limits(values, margin=0.04)
    x_scale = svg.Scale(data_low if low is None else min(low, data_high - 1e-9), data_high, left, right)
    parts = [svg.x_axis(x_scale, y=bottom, top=top, label=x_label, whole=whole)]
    for index, row in enumerate(rows):
        y = top + row_height * (index + 0.5)
        label = row.key if len(row.key) <= 44 else row.key[:43] + "…"
        body = [svg.rectangle(0, y - row_height / 2, width, row_height, "row-target")]
        body.append(svg.words(left - 8, y + 4, label, "row-label", anchor="end"))
        if all(map(math.isfinite, row.x_interval)):
            start, end = (x_scale(v) for v in row.x_interval)
            body.append(svg.rectangle(start - 1, y - 4.5, end - start + 2, 9, "bar"))
        if math.isfinite(row.x):
            shape = "cross" if row.kind == "control" else svg.SHAPES[row.shape % len(svg.SHAPES)]
            body.append(svg.marker(shape, x_scale(row.x), y, 4.5))
        if notes:
            body.append(svg.words(width - 16, y + 4, notes[index], "row-label", anchor="end"))
        css = f"c{row.colour % svg.N_COLOURS} {row.kind}"
        parts.append(svg.pointable("".join(body), lines=row.lines or (row.key,), css=css, key=row.key))
    if notes:
        parts.append(svg.words(width - 16, bottom + 15, notes_label, "tick", anchor="end"))
    return svg.canvas("".join(parts), width=width, height=bottom + 46, title=x_label)


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
