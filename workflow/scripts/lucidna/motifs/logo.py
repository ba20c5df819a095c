"""Draw sequence logos as self-contained SVG."""

from __future__ import annotations

from functools import cache

import numpy as np

_COLOURS = ("#109648", "#255c99", "#f7b32b", "#d62839")  # A C G T, as logomaker's and most browsers' logos
_SMALLEST = 0.25  # letters lower than this are not drawn, px
_READABLE = 2.0  # letters lower than this are drawn as a block, px


def logo_svg(
    matrix: np.ndarray,
    *,
    height: float = 80,
    width: float | None = None,
    limits: tuple[float, float] | None = None,
    title: str = "",
) -> str:
    """Draw a (4, w) matrix: each value is the height of its letter, negative ones go down.

    Letters are stacked from the smallest to the largest, so that the largest is farthest from the base line.

    Parameters
    ----------
    matrix : ndarray, shape (4, w)
        A CWM, a projected map as (4, L), a PPM, or a PPM times its information content; rows A, C, G, T.
    height, width : float
        Size in px; the default width is 14 px per column, at most 1000.
    limits : tuple of float, optional
        Lowest and highest value shown, for logos that are to be compared; taken from the matrix by default.
    title : str
        Text for screen readers and for the pointer.

    Returns
    -------
    str
        An `<svg>` element with letters as paths: no font, script or style sheet is needed.

    Raises
    ------
    ValueError
        When the matrix is not (4, w) with w > 0, or holds NaN.
    """
    matrix = np.asarray(matrix, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != 4 or matrix.shape[1] == 0 or not np.isfinite(matrix).all():
        raise ValueError(f"a logo needs finite values of shape (4, w), got shape {matrix.shape}")
    columns = matrix.shape[1]
    width = min(14.0 * columns, 1000.0) if width is None else float(width)
    low, high = limits or (np.minimum(matrix, 0).sum(axis=0).min(), np.maximum(matrix, 0).sum(axis=0).max())
    low, high = min(low, 0.0), max(high, 0.0)
    unit = height / (high - low) if high > low else 0.0  # px per unit of the matrix
    baseline, step = height + low * unit, width / columns
    paths = [[], [], [], []]
    for column in range(columns):
        values = matrix[:, column]
        for sign in (1, -1):
            y = baseline
            for base in np.argsort(np.abs(values), kind="stable"):
                size = sign * values[base] * unit
                if size <= 0:
                    continue
                top = y - size if sign > 0 else y
                if size >= _SMALLEST:
                    paths[base].append(_letter(base, column * step, top, step, size, flipped=sign < 0))
                y -= sign * size
    body = "".join(f'<path fill="{c}" d="{"".join(p)}"/>' for c, p in zip(_COLOURS, paths, strict=True) if p)
    line = f'<path stroke="#999" stroke-width="0.5" d="M0 {_number(baseline)}H{_number(width)}"/>'
    label = f"<title>{_escape(title)}</title>" if title else ""
    w, h = _number(width), _number(height)
    size = f'width="{w}" height="{h}" viewBox="0 0 {w} {h}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}>{label}{line}{body}</svg>'


def information_matrix(ppm: np.ndarray) -> np.ndarray:
    """Scale base frequencies (4, w) by the information content of their column (bits), for a classic logo."""
    ppm = np.asarray(ppm, dtype=np.float64)
    bits = 2.0 + np.where(ppm > 0, ppm * np.log2(np.maximum(ppm, 1e-300)), 0.0).sum(axis=0)
    return ppm * bits


@cache
def _glyphs() -> tuple[tuple[tuple[str, np.ndarray], ...], ...]:
    """Outline A, C, G and T in the unit square, y down: for each the (command, points (k, 2)) in order."""
    # Imported here: fonts take a second to load, and not every user of this package draws.
    from matplotlib.font_manager import FontProperties
    from matplotlib.path import Path
    from matplotlib.textpath import TextPath

    names = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C", Path.CLOSEPOLY: "Z"}
    letters = []
    for letter in "ACGT":
        outline = TextPath((0, 0), letter, size=100, prop=FontProperties(family="DejaVu Sans", weight="bold"))
        box = outline.get_extents()
        pieces = []
        for points, code in outline.iter_segments(curves=True, simplify=False):
            points = np.asarray(points).reshape(-1, 2)
            unit = (points - [box.x0, box.y0]) / [box.width, box.height]
            closed = code == Path.CLOSEPOLY
            pieces.append((names[int(code)], np.zeros((0, 2)) if closed else unit * [1, -1] + [0, 1]))
        letters.append(tuple(pieces))
    return tuple(letters)


def _letter(base: int, x: float, y: float, width: float, height: float, *, flipped: bool) -> str:
    if height < _READABLE:
        return f"M{_number(x)} {_number(y)}h{_number(width)}v{_number(height)}h-{_number(width)}Z"
    left, across = x + 0.03 * width, 0.94 * width
    parts = []
    for command, points in _glyphs()[base]:
        place = points * [1, -1] + [0, 1] if flipped else points
        place = place * [across, height] + [left, y]
        parts.append(command + " ".join(_number(value) for value in place.ravel()))
    return "".join(parts)


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
