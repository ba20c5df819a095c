"""The picture of the ranking: prediction against interpretability, with intervals and the Pareto front."""

from __future__ import annotations

import os
import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lucidna.files import atomic_path
from lucidna.ranking.separation import in_fold

# Okabe and Ito's colours, told apart with every common colour vision; black and grey are kept for other uses.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#8c8c8c"
DARK = "#4a4a4a"
SET_ASIDE = ("vetoed", "gated")
MOST_REASONS = 12
LINE = 0.135
"""Height of a line of reasons, inches."""

METRICS = {"auroc": "validation AUROC", "pearson": "validation Pearson r"}


def write_pareto(path: str | os.PathLike, ranking: pd.DataFrame, *, metric: str = "prediction") -> None:
    """Draw the candidates of every fold by prediction and score, and write a PNG.

    Parameters
    ----------
    path
        Where to write.
    ranking
        `tables.Ranking.ranking`.
    metric
        Name of the measure of prediction, for the axis.
    """
    with atomic_path(path) as temporary:
        # The same picture must give the same bytes.
        draw_pareto(ranking, metric=metric).savefig(temporary, format="png", dpi=150, metadata={"Software": None})


def draw_pareto(ranking: pd.DataFrame, *, metric: str = "prediction") -> Figure:
    """Draw one panel per fold; parameters as in `write_pareto`."""
    shown = ranking[ranking["score"].notna()]
    folds = sorted(shown["fold"].unique()) or [""]
    columns = min(len(folds), 3)
    rows = -(-len(folds) // columns)
    width, height = 1.2 + 4.3 * columns + 2.6, 0.6 + 3.9 * rows
    aside = shown[shown["status"].isin(SET_ASIDE)].sort_values("status", ascending=False, kind="stable")
    numbers = {name: number + 1 for number, name in enumerate(aside["id"])}
    lines = _reasons(aside, numbers, characters=int(20 * width))
    foot = LINE * len(lines) + (0.15 if lines else 0)
    figure = Figure(figsize=(width, height + foot), layout="constrained")
    figure.get_layout_engine().set(rect=(0, foot / (height + foot), 1, height / (height + foot)))
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True)
    families = sorted(shown.loc[shown["control"] == "none", "family"].unique())
    looks = {
        family: (COLOURS[index % len(COLOURS)], MARKERS[(index // len(COLOURS) + index) % len(MARKERS)])
        for index, family in enumerate(families)
    }
    for number, ax in enumerate(axes.flat):
        if number >= len(folds):
            ax.set_visible(False)
            continue
        part = shown[shown["fold"] == folds[number]]
        _draw_fold(ax, part, looks, numbers)
        ax.set_xlabel(METRICS.get(metric, metric))
        if number % columns == 0:
            ax.set_ylabel("interpretability score\n(mean rank percentile)")
        if len(folds) > 1:
            ax.set_title(in_fold(folds[number], len(folds)).removeprefix(" in "), fontsize=10)
    if shown.empty:
        first = axes[0, 0]
        first.text(0.5, 0.5, "no candidate could be compared", ha="center", transform=first.transAxes)
        return figure
    figure.legend(handles=_legend(shown, looks), loc="outside right upper", fontsize=8, frameon=False)
    for place, line in enumerate(lines):
        at = 1 - (height + 0.08 + LINE * (place + 1)) / (height + foot)
        figure.text(0.15 / width, at, line, fontsize=6.5, color=DARK, va="bottom")
    return figure


def _reasons(aside: pd.DataFrame, numbers: dict[str, int], *, characters: int) -> list[str]:
    """Say, by the numbers at their marks, why candidates were set aside; the vetoed first."""
    lines = []
    for row in aside.head(MOST_REASONS).itertuples(index=False):
        text = f"{numbers[row.id]}  {row.id}, {row.status}: {row.reason}"
        lines += textwrap.wrap(text, characters, subsequent_indent="     ")
    if len(aside) > MOST_REASONS:
        lines.append(f"and {len(aside) - MOST_REASONS} more, whose reasons stand in ranking.tsv")
    return lines


def _draw_fold(ax: Axes, part: pd.DataFrame, looks: dict[str, tuple[str, str]], numbers: dict[str, int]) -> None:
    known = part["prediction"].notna()
    x, far = _places(part)
    if not known.any():
        ax.set_xticks([])
    y = part["score"].to_numpy(dtype=float)
    for place, row in enumerate(part.itertuples(index=False)):
        colour, marker, face = GREY, "<" if far[place] else "x", GREY
        if row.control == "none":
            colour, marker = looks[row.family]
            colour, face = (GREY, "white") if row.id in numbers else (colour, colour)
        wide = None if far[place] else _reach(x[place], row.prediction_lo, row.prediction_hi)
        high = _reach(y[place], row.score_lo, row.score_hi)
        # With caps an interval of no width at all still shows.
        bars = {"fmt": "none", "ecolor": colour, "elinewidth": 0.9, "capsize": 4.5, "capthick": 0.9, "alpha": 0.75}
        ax.errorbar(x[place], y[place], xerr=wide, yerr=high, zorder=2 if row.id in numbers else 2.5, **bars)
        ax.plot(x[place], y[place], marker, color=colour, markerfacecolor=face, markersize=6.5, zorder=3)
        if row.id in numbers:
            away = {"textcoords": "offset points", "xytext": (5, 4), "fontsize": 6.5, "color": DARK}
            ax.annotate(str(numbers[row.id]), (x[place], y[place]), **away)
        if row.chosen:
            ring = {"markerfacecolor": "none", "markeredgecolor": "black", "markersize": 12, "zorder": 3}
            ax.plot(x[place], y[place], "o", **ring)
    front = part[part["front"]].sort_values("prediction")
    if known.any() and len(front) > 1:
        ax.plot(front["prediction"], front["score"], "--", color="black", linewidth=0.9, zorder=1)
    ax.set_ylim(-0.04, 1.06)
    ax.grid(color="#e6e6e6", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def _places(part: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return where each network stands along the axis, and which controls stand at its edge.

    A control at chance would press all candidates into one corner of the picture.
    """
    value = part["prediction"].to_numpy(dtype=float)
    if not np.isfinite(value).any():
        # Without a metric the scores still show, in order, on an axis without numbers.
        return np.arange(len(part), dtype=float), np.zeros(len(part), dtype=bool)
    candidate = (part["control"] == "none").to_numpy()
    shown = value[candidate & np.isfinite(value)] if (candidate & np.isfinite(value)).any() else value
    low, span = np.nanmin(shown), max(np.nanmax(shown) - np.nanmin(shown), 0.02)
    x = np.where(np.isfinite(value), value, low)
    far = ~candidate & (x < low - span)
    # Left of all marks that stand where they are.
    edge = x[~far].min() if (~far).any() else low
    return np.where(far, edge - 0.25 * span, x), far


def _reach(value: float, lo: float, hi: float) -> np.ndarray | None:
    """Return the arms of an error bar, (2, 1), or None; a percentile interval can miss its value."""
    if not (np.isfinite(lo) and np.isfinite(hi)):
        return None
    return np.array([[max(value - lo, 0)], [max(hi - value, 0)]])


def _legend(shown: pd.DataFrame, looks: dict[str, tuple[str, str]]) -> list[Line2D]:
    def entry(label: str, marker: str, **style) -> Line2D:
        return Line2D([], [], linestyle="none", marker=marker, label=label, **style)

    handles = []
    competing = set(shown.loc[~shown["status"].isin((*SET_ASIDE, "control")), "family"])
    for family, (colour, marker) in looks.items():
        # A family of which nothing competes is drawn in grey, and so it stands here.
        style = {"color": colour} if family in competing else {"color": GREY, "markerfacecolor": "white"}
        handles.append(entry(family, marker, **style))
    if shown["chosen"].any():
        handles.append(entry("chosen", "o", markerfacecolor="none", markeredgecolor="black", markersize=11))
    if shown["status"].isin(SET_ASIDE).any():
        label = "vetoed or gated: grey, open;\nthe number leads to the reason"
        handles.append(entry(label, "o", markerfacecolor="white", markeredgecolor=GREY))
    if (shown["control"] != "none").any():
        handles.append(entry("control", "x", color=GREY))
        if any(_places(part)[1].any() for _, part in shown.groupby("fold")):
            handles.append(entry("control, further left", "<", color=GREY))
    if shown["front"].any():
        handles.append(Line2D([], [], linestyle="--", color="black", linewidth=0.9, label="Pareto front"))
    return handles
