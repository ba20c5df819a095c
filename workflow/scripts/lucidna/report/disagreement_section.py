"""Example regions in which the best, the median and the worst candidate disagree: their maps as logos."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping

import numpy as np
import pandas as pd

from lucidna.errors import UserError
from lucidna.motifs.logo import logo_svg
from lucidna.report import svg
from lucidna.report.collect import Experiment
from lucidna.report.maps import strongest_window
from lucidna.report.numbers import measure
from lucidna.sequence import one_hot_numpy

CROP = 100
RULE = (
    "The first, the middle and the last candidate of the order are compared. Of the half of the compared regions in "
    "which the best agrees most with the others' consensus, these are the regions in which the three maps differ most "
    "(largest mean of 1 − cosine over pairs). Maps have unit norm over the whole window, and the logos of a region "
    "one scale; the {width} bp with the strongest contributions are shown."
)


def section(experiment: Experiment, states: Mapping[str, str]) -> dict | None:
    """Collect the context: the rule, who is compared, and a figure for each region; None when there is nothing.

    Parameters
    ----------
    states : mapping
        Candidate -> its state in words.
    """
    table = experiment.table("rank", "disagreement.tsv")
    path = experiment.root / "rank" / "disagreement.npz"
    if table is None or table.empty or not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            ids, words = file["ids"].tolist(), file["words"].tolist()
            maps, codes = file["maps"], file["codes"]
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} does not hold maps ({error}): delete it and run again") from error
    if len(ids) < 2:
        return None
    projected = maps * one_hot_numpy(codes)[None]
    windows = region_windows(experiment.table("data", "rows.tsv"), codes.shape[1])
    width = min(CROP, codes.shape[1])
    examples = []
    for index, row in enumerate(table.head(experiment.examples).to_dict("records")):
        start = strongest_window([one.sum(axis=0) for one in projected[:, index]], width=width)
        region = str(row["region_id"])
        chrom, first = windows.get(region, ("", 0))
        first += start
        span = f"{first:,}-{first + width:,}"
        place = f"{chrom}:{span}" if chrom else f"region {region}, positions {first:,} to {first + width:,}"
        examples.append(
            {
                "region": region,
                "place": place,
                "words": said(row, words),
                "svg": draw(projected[:, index, :, start : start + width], words, axis_start=first, axis_label=place),
            }
        )
    return {
        "lead": RULE.format(width=width),
        "candidates": [(word, name, states.get(name, "")) for word, name in zip(words, ids, strict=True)],
        "examples": examples,
    }


def region_windows(rows: pd.DataFrame | None, length: int) -> dict[str, tuple[str, int]]:
    """Return region -> chromosome and start of its input window; sequences without a genome have none."""
    if rows is None or not {"region_id", "chrom", "summit"} <= set(rows):
        return {}
    return {
        str(region): (str(chrom), int(summit) - length // 2)
        for region, chrom, summit in zip(rows["region_id"], rows["chrom"], rows["summit"], strict=True)
        if pd.notna(summit) and str(chrom) not in (".", "", str(region))
    }


def said(row: dict, words: list[str]) -> str:
    """Write the cosines of the pairs of maps of a region."""
    pairs = [(first, second) for place, first in enumerate(words) for second in words[place + 1 :]]
    known = [(first, second, row.get(f"cos_{first}_{second}")) for first, second in pairs]
    return "cosine of " + ", ".join(f"{first} and {second} {measure(value)}" for first, second, value in known)


def draw(projected: np.ndarray, words: list[str], *, axis_start: int, axis_label: str, width: float = 960) -> str:
    """Draw the projected maps (candidates, 4, w) of one region below each other, on one scale."""
    left, right, logo_height, rise = 78.0, width - 26, 74.0, 88.0
    low = min(0.0, float(np.minimum(projected, 0).sum(axis=1).min()))
    high = max(0.0, float(np.maximum(projected, 0).sum(axis=1).max()))
    length = projected.shape[2]
    scale = svg.Scale(axis_start - 0.5, axis_start + length - 0.5, left, right)
    parts = []
    for index, (one, word) in enumerate(zip(projected, words, strict=True)):
        top = 8 + index * rise
        logo = logo_svg(one, height=logo_height, width=right - left, limits=(low, high), title=word)
        parts.append(svg.words(left - 10, top + logo_height / 2 + 4, word, "row-label", anchor="end"))
        parts.append(f'<g transform="translate({svg.fixed(left)} {svg.fixed(top)})">{logo}</g>')
    bottom = 8 + rise * len(words) - 4
    parts.append(svg.x_axis(scale, y=bottom, top=bottom, label=axis_label, wanted=8, grid=False))
    return svg.canvas("".join(parts), width=width, height=bottom + 42, title=f"Maps that disagree at {axis_label}")
