"""Figures of hits: scores of hits and decoys, and the false discovery rate that was promised against the one seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from lucidna.report import svg
from lucidna.report.numbers import percent
from lucidna.truth.instances import instance_recovery

LEVELS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
_BINS = 30
_Z = 1.959964  # of a 95 % interval


class Observed(NamedTuple):
    """The false discovery rate seen among the hits up to one q-value."""

    nominal: float
    n_hits: int
    observed: float
    low: float
    high: float


def wilson(n_false: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927); NaN for a share of nothing."""
    if n == 0:
        return math.nan, math.nan
    share, z2 = n_false / n, _Z**2 / n
    centre = (share + z2 / 2) / (1 + z2)
    half = math.sqrt(z2 * share * (1 - share) + z2**2 / 4) / (1 + z2)
    return max(0.0, centre - half), min(1.0, centre + half)


def observed_fdr(
    hits: pd.DataFrame,
    instances: pd.DataFrame,
    windows: pd.DataFrame,
    *,
    pattern_motif: dict[str, list[str]] | None,
    levels: Sequence[float] = LEVELS,
) -> list[Observed]:
    """Count the false hits up to each q-value; a level without a hit is left out.

    Parameters
    ----------
    hits : DataFrame
        chrom, start, end, pattern, q_value.
    instances, windows, pattern_motif
        As for `truth.instance_recovery`.
    levels : sequence of float
    """
    found = []
    for level in levels:
        kept = hits[hits["q_value"] <= level]
        if kept.empty:
            continue
        precision = instance_recovery(kept, instances, pattern_motif=pattern_motif, within=windows)["precision"]
        n_false = round((1 - precision) * len(kept))
        found.append(Observed(level, len(kept), 1 - precision, *wilson(n_false, len(kept))))
    return found


def calibration(
    hits: pd.DataFrame,
    instances: pd.DataFrame,
    windows: pd.DataFrame,
    pattern_motif: dict[str, list[str]] | None,
    *,
    place: str,
) -> list[tuple[str, str]]:
    """Return title and SVG of the false discovery rate of the hits, promised and seen; nothing without q-values."""
    if "q_value" not in hits:
        return []
    picture = calibration_figure(observed_fdr(hits, instances, windows, pattern_motif=pattern_motif))
    title = f"False discovery rate of the hits: promised and seen, with the 95 % interval ({place})"
    return [(title, picture)] if picture else []


def calibration_figure(points: Sequence[Observed], *, width: float = 460, height: float = 380) -> str:
    """Draw observed against nominal false discovery rates, and the line on which they are equal; empty without any."""
    if not points:
        return ""
    left, right, top, bottom = 62.0, width - 14, 12.0, height - 46
    high = max(max(point.nominal for point in points), max(point.high for point in points)) * 1.06
    x_scale, y_scale = svg.Scale(0, high, left, right), svg.Scale(0, high, bottom, top)
    parts = [
        svg.x_axis(x_scale, y=bottom, top=top, label="largest q-value", wanted=5),
        svg.y_axis(y_scale, x=left, right=right, label="share of false hits"),
        svg.line(left, bottom, x_scale(high), y_scale(high), "boundary"),
    ]
    for point in points:
        x, low, top_end = x_scale(point.nominal), y_scale(point.low), y_scale(point.high)
        body = svg.line(x, low, x, top_end, "whisker")
        body += "".join(svg.line(x - 5, y, x + 5, y, "whisker cap") for y in (low, top_end))
        body += svg.marker("circle", x, y_scale(point.observed), 4.5)
        lines = (
            f"q ≤ {point.nominal:g}: {point.n_hits:,} hits",
            f"{percent(point.observed, 1)} false [{percent(point.low, 1)}, {percent(point.high, 1)}]",
        )
        parts.append(svg.pointable(body, lines=lines, css="c0"))
    return svg.canvas("".join(parts), width=width, height=height, title="observed against nominal false discovery rate")


def score_figure(
    hits: pd.DataFrame | None, decoys: pd.DataFrame | None, *, width: float = 460, height: float = 240
) -> str:
    """Draw how many hits, and how many decoys (dashed, per draw), have each correlation; empty where unknown."""
    if hits is None or decoys is None or hits.empty or "correlation" not in hits or "correlation" not in decoys:
        return ""
    draws = int(decoys["draw"].max()) + 1 if len(decoys) else 1
    values = svg.finite(pd.concat([hits["correlation"], decoys["correlation"]]))
    if not values.size:
        return ""
    edges = np.linspace(float(values.min()), max(float(values.max()), float(values.min()) + 1e-6), _BINS + 1)
    counts = [np.histogram(table["correlation"], bins=edges)[0] for table in (hits, decoys)]
    counts = [counts[0].astype(float), counts[1] / draws]
    left, right, top, bottom = 62.0, width - 14, 12.0, height - 46
    x_scale = svg.Scale(edges[0], edges[-1], left, right)
    y_scale = svg.Scale(0, max(1.0, *(float(each.max()) for each in counts)) * 1.05, bottom, top)
    parts = [
        svg.x_axis(x_scale, y=bottom, top=top, label="likeness of the map to the pattern (cosine)", wanted=5),
        svg.y_axis(y_scale, x=left, right=right, label="hits", wanted=4),
    ]
    for label, each, style, colour in (("regions", counts[0], "solid", 0), ("shuffled", counts[1], "dashed", 1)):
        xs = np.repeat([x_scale(edge) for edge in edges], 2)[1:-1]
        ys = np.repeat([y_scale(value) for value in each], 2)
        drawn = svg.path(xs, ys, css=f"curve {style}")
        parts.append(svg.pointable(drawn, lines=(label, f"{each.sum():,.0f} hits"), css=f"c{colour}"))
    return svg.canvas("".join(parts), width=width, height=height, title="scores of hits and of decoys")


def amount_figure(hits: pd.DataFrame | None, *, width: float = 460, height: float = 240, most: float = 0.3) -> str:
    """Draw the number of hits up to each q-value, and how many of them are expected to be false (dashed)."""
    if hits is None or hits.empty or "q_value" not in hits:
        return ""
    q_values = np.sort(svg.finite(hits["q_value"]))
    q_values = q_values[q_values <= most]
    if not q_values.size:
        return ""
    grid = np.linspace(0, most, 61)
    amount = np.searchsorted(q_values, grid, side="right")
    # The rate is that of the last hit: between two hits no more of them become false.
    false = amount * np.concatenate([[0.0], q_values])[amount]
    left, right, top, bottom = 62.0, width - 14, 12.0, height - 46
    x_scale = svg.Scale(0, most, left, right)
    y_scale = svg.Scale(0, max(1, int(amount.max())) * 1.05, bottom, top)
    parts = [
        svg.x_axis(x_scale, y=bottom, top=top, label="largest q-value", wanted=5),
        svg.y_axis(y_scale, x=left, right=right, label="hits", wanted=4),
    ]
    for label, values, style in (("hits", amount, "solid"), ("expected to be false", false, "dashed")):
        drawn = svg.path([x_scale(x) for x in grid], [y_scale(y) for y in values], css=f"curve {style}")
        lines = (label, f"q ≤ 0.1: {np.interp(0.1, grid, values):,.0f}")
        parts.append(svg.pointable(drawn, lines=lines, css="c0"))
    return svg.canvas("".join(parts), width=width, height=height, title="hits up to each q-value")
