"""Figures whose marks are networks: points with their intervals, as SVG text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lucidna.report import svg

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
