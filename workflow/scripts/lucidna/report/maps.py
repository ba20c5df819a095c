"""Read a few example maps from attribution files, and draw them with what is uncertain about them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lucidna.attribution.hdf5 import ROWS_PER_BLOCK, AttributionFile
from lucidna.motifs.logo import logo_svg
from lucidna.report import svg


@dataclass(frozen=True)
class MapFile:
    """What an attribution file says about all of its regions (the maps themselves stay on disk).

    Attributes
    ----------
    region_id : list of str, length N
    prediction, delta : ndarray, shape (N,)
        Mean prediction of the members; convergence delta, NaN where the method has none.
    attributes : dict
        The file's attributes; JSON texts are decoded.
    """

    path: Path
    method: str
    region_id: list[str]
    prediction: np.ndarray
    delta: np.ndarray
    length: int
    attributes: dict


@dataclass(frozen=True)
class Example:
    """One region's map by one method, cropped.

    Attributes
    ----------
    projected : ndarray, shape (4, w)
        Contribution of the observed base; the other rows are zero.
    spread, sign_agreement : ndarray, shape (w,)
        Standard deviation over the members (NaN for a single one), and the fraction of members that have the
        sign of the mean.
    """

    method: str
    projected: np.ndarray
    spread: np.ndarray
    sign_agreement: np.ndarray
    members: int


def open_map(path: Path) -> MapFile:
    """Read everything but the maps of an attribution file."""
    with AttributionFile(path) as file:
        return MapFile(
            path=Path(path),
            method=str(file.attributes.get("method") or Path(path).name.split(".")[0]),
            region_id=file.region_ids,
            prediction=file.prediction,
            delta=file.convergence_delta,
            length=file.length,
            attributes=file.attributes,
        )


def read_windows(map_path: Path) -> dict[str, tuple[str, int]]:
    """Read chromosome and start of each input window from the BED file beside an attribution file.

    Returns
    -------
    dict[str, tuple[str, int]]
        Region id -> (chromosome, start); empty when there is no such file.
    """
    path = map_path.with_name(map_path.name.replace(".attributions.h5", ".regions.bed"))
    windows = {}
    if path.is_file():
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                chrom, start, _, name = line.rstrip("\n").split("\t")[:4]
                windows[name] = (chrom, int(start))
    return windows


def pick_regions(first: MapFile, others: list[MapFile], *, examples: int) -> list[tuple[str, str]]:
    """Choose regions at even quantiles of the prediction, from the highest to the lowest.

    Regions that all methods cover are preferred. Where no prediction is known, the quantiles are those of the summed
    absolute contribution.

    Returns
    -------
    list of (str, str)
        Region id and why it was chosen ("highest prediction", "median", "75th percentile" ...).
    """
    known = np.isfinite(first.prediction).any()
    values = first.prediction if known else map_strengths(first.path)
    what = "prediction" if known else "contribution"
    shared = set(first.region_id).intersection(*(other.region_id for other in others))
    usable = [
        (float(value), name)
        for value, name in zip(values, first.region_id, strict=True)
        if math.isfinite(value) and (name in shared or not shared)
    ]
    usable.sort()
    picked: dict[str, str] = {}
    for quantile in np.linspace(1.0, 0.0, max(1, examples)) if usable else []:
        name = usable[round(quantile * (len(usable) - 1))][1]
        words = {1.0: f"highest {what}", 0.5: f"median {what}", 0.0: f"lowest {what}"}
        picked.setdefault(
            name, words.get(float(quantile), f"{what} at the {ordinal(round(100 * quantile))} percentile")
        )
    return list(picked.items())


def map_strengths(path: Path) -> np.ndarray:
    """Return the summed absolute contribution of each region of an attribution file, float64 (N,)."""
    with AttributionFile(path) as file:
        blocks = [slice(start, start + ROWS_PER_BLOCK) for start in range(0, len(file), ROWS_PER_BLOCK)]
        sums = [np.abs(file.read(rows).projected).sum(axis=1, dtype=np.float64) for rows in blocks]
    return np.concatenate([np.empty(0), *sums])


def ordinal(value: int) -> str:
    """Write 1st, 2nd, 3rd, 4th ..."""
    if value % 100 in (11, 12, 13):
        return f"{value}th"
    return f"{value}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(value % 10, 'th') }"


def strongest_window(tracks: list[np.ndarray], *, width: int) -> int:
    """Return the start of the window with the largest share of absolute contribution.

    Of the neighbouring windows that hold nearly as much, the middle one is taken: what matters is not cut off
    at an edge.

    Parameters
    ----------
    tracks : list of ndarray, shape (L,)
        Projected maps of one region, one per method; each counts the same whatever its unit.
    width : int
        Width of the window in bp; at most L.
    """
    total = np.zeros(len(tracks[0]))
    for track in tracks:
        weight = np.abs(np.asarray(track, dtype=float))
        total += weight / (weight.sum() or 1.0)
    sums = np.convolve(total, np.ones(width), mode="valid")
    first = last = best = int(np.argmax(np.round(sums, 9)))
    enough = sums >= 0.97 * sums[best]
    while first > 0 and enough[first - 1]:
        first -= 1
    while last < len(sums) - 1 and enough[last + 1]:
        last += 1
    return (first + last) // 2


def read_examples(files: list[MapFile], region: str, *, width: int) -> tuple[list[Example], int]:
    """Read the maps of one region from every file that has it, cropped to the strongest window.

    Returns
    -------
    list of Example, int
        One example per method; start of the crop within the input window, in bp.
    """
    raw = []
    for file in files:
        if region not in file.region_id:
            continue
        row = file.region_id.index(region)
        with AttributionFile(file.path) as handle:
            block = handle.read(slice(row, row + 1))
        members = file.attributes.get("candidates")
        projected = block.maps[0] * block.onehot[0]
        count = len(members) if isinstance(members, list) else 0
        raw.append((file.method, projected, block.spread[0], block.sign_agreement[0], count))
    if not raw:
        return [], 0
    width = min(width, raw[0][1].shape[1])
    start = strongest_window([projected.sum(axis=0) for _, projected, *_ in raw], width=width)
    crop = slice(start, start + width)
    return [
        Example(method, projected[:, crop], spread[crop], sign[crop], members)
        for method, projected, spread, sign, members in raw
    ], start


def draw_examples(
    examples: list[Example], *, axis_start: int, axis_label: str, summit: int | None, width: float = 960
) -> str:
    """Draw the maps of one region, one method below the other, on the same positions.

    Each method has a logo of the mean map, a band of the mean plus and minus the spread of the members, and
    a strip that is darker where more members agree on the sign.

    Parameters
    ----------
    axis_start : int
        Coordinate of the first position shown.
    summit : int, optional
        Coordinate to be marked.
    """
    left, right = 78.0, width - 26
    length = examples[0].projected.shape[1]
    scale = svg.Scale(axis_start - 0.5, axis_start + length - 0.5, left, right)
    step = (right - left) / length
    logo_height, band_height, rise = 62.0, 38.0, 124.0
    parts = []
    for index, example in enumerate(examples):
        top = 20 + index * rise
        logo = logo_svg(example.projected, height=logo_height, width=right - left)
        for line, text in enumerate(example.method.split("_")):
            parts.append(svg.words(left - 10, top + logo_height / 2 + 4 + 13 * line, text, "row-label", anchor="end"))
        parts.append(f'<g transform="translate({svg.fixed(left)} {svg.fixed(top)})">{logo}</g>')
        parts.append(_band(example, left=left, step=step, top=top + logo_height + 4, height=band_height))
        strip_top = top + logo_height + band_height + 6
        for position, agreement in enumerate(example.sign_agreement):
            # Half of the members agree by chance: the strip starts there.
            strength = min(1.0, max(0.0, 2 * float(agreement) - 1)) if math.isfinite(agreement) else 0.0
            if strength > 0.02:
                parts.append(svg.rectangle(left + step * position, strip_top, step, 5, "strip", opacity=strength))
    bottom = 20 + rise * len(examples) - 6
    if summit is not None and scale.low <= summit <= scale.high:
        parts.append(svg.line(scale(summit), 16, scale(summit), bottom, "boundary"))
        parts.append(svg.words(scale(summit), 11, "summit", "tick", anchor="middle"))
    parts.append(svg.x_axis(scale, y=bottom, top=bottom, label=axis_label, wanted=8, grid=False))
    return svg.canvas("".join(parts), width=width, height=bottom + 42, title=f"Contributions at {axis_label}")


def _band(example: Example, *, left: float, step: float, top: float, height: float) -> str:
    mean = example.projected.sum(axis=0).astype(float)
    spread = np.nan_to_num(example.spread.astype(float))
    low, high = float(min(0, (mean - spread).min())), float(max(0, (mean + spread).max()))
    scale = svg.Scale(low, high if high > low else low + 1.0, top + height, top)
    xs = [left + step * (index + 0.5) for index in range(len(mean))]
    upper, lower = [scale(v) for v in mean + spread], [scale(v) for v in mean - spread]
    right = left + step * len(mean)
    parts = [svg.line(left, scale(0), right, scale(0), "grid")]
    if np.any(spread > 0):
        parts.append(svg.path(xs + xs[::-1], upper + lower[::-1], css="band", close=True))
        parts.append(svg.words(left - 10, top + height / 2 + 4, "mean ± s.d.", "tick", anchor="end"))
    parts.append(svg.path(xs, [scale(v) for v in mean], css="curve mean"))
    return "".join(parts)
