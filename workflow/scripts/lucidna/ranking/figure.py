"""The picture of the ranking: prediction against interpretability, with intervals and the Pareto front."""

from __future__ import annotations

import os

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
    figure = Figure(figsize=(1.2 + 4.3 * columns + 2.6, 0.6 + 3.9 * rows), layout="constrained")
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
        _draw_fold(ax, part, looks)
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
    return figure


def _draw_fold(ax: Axes, part: pd.DataFrame, looks: dict[str, tuple[str, str]]) -> None:
    known = part["prediction"].notna()
    x, far = _places(part)
    if not known.any():
        ax.set_xticks([])
    y = part["score"].to_numpy(dtype=float)
    for place, row in enumerate(part.itertuples(index=False)):
        colour, marker, face, alpha = GREY, "<" if far[place] else "x", GREY, 0.9
        if row.control == "none":
            colour, marker = looks[row.family]
            out = row.status in ("vetoed", "gated")
            colour, face, alpha = (GREY, "none", 0.8) if out else (colour, colour, 1.0)
        wide = None if far[place] else _reach(x[place], row.prediction_lo, row.prediction_hi)
        high = _reach(y[place], row.score_lo, row.score_hi)
        bars = {"fmt": "none", "ecolor": colour, "elinewidth": 0.8, "alpha": 0.5}
        ax.errorbar(x[place], y[place], xerr=wide, yerr=high, **bars)
        ax.plot(x[place], y[place], marker, color=colour, markerfacecolor=face, markersize=6.5, alpha=alpha)
        if row.chosen:
            ax.plot(x[place], y[place], "o", markerfacecolor="none", markeredgecolor="black", markersize=12)
    front = part[part["front"]].sort_values("prediction")
    if known.any() and len(front) > 1:
        ax.plot(front["prediction"], front["score"], "--", color="black", linewidth=0.9, zorder=0)
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
    return np.where(far, low - 0.5 * span, x), far


def _reach(value: float, lo: float, hi: float) -> np.ndarray | None:
    """Return the arms of an error bar, (2, 1), or None; a percentile interval can miss its value."""
    if not (np.isfinite(lo) and np.isfinite(hi)):
        return None
    return np.array([[max(value - lo, 0)], [max(hi - value, 0)]])


def _legend(shown: pd.DataFrame, looks: dict[str, tuple[str, str]]) -> list[Line2D]:
    def entry(label: str, marker: str, **style) -> Line2D:
        return Line2D([], [], linestyle="none", marker=marker, label=label, **style)

    handles = [entry(family, marker, color=colour) for family, (colour, marker) in looks.items()]
    if shown["chosen"].any():
        handles.append(entry("chosen", "o", markerfacecolor="none", markeredgecolor="black", markersize=11))
    if shown["status"].isin(["vetoed", "gated"]).any():
        handles.append(entry("vetoed or gated (grey, open)", "o", markerfacecolor="none", markeredgecolor=GREY))
    if (shown["control"] != "none").any():
        handles.append(entry("control", "x", color=GREY))
        if any(_places(part)[1].any() for _, part in shown.groupby("fold")):
            handles.append(entry("control, further left", "<", color=GREY))
    if shown["front"].any():
        handles.append(Line2D([], [], linestyle="--", color="black", linewidth=0.9, label="Pareto front"))
    return handles
