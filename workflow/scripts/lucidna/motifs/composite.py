"""Name patterns that are two motifs side by side, and the patterns or database motifs that are their halves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from lucidna.meme import Motif
from lucidna.motifs.match import match, second_name
from lucidna.motifs.patterns import Pattern

COLUMNS = ["pattern", "composite_of", "half_of"]

_ALIKE = 0.85  # cosine of a half and the columns of the pattern under it
_EXPLAINED = 0.7  # share of the pattern's squared contributions that both halves cover together
LEAST_SHARE = 0.2  # share of them that each half covers
_GAP = 0.25  # a column below this share of the largest lies between halves
_LEAST_WIDTH = 4  # bp of a half
_HALVES = re.compile(r"(.+)[+-] \+ (.+)[+-] spacing -?\d+")  # as `_text` writes them


class Half(NamedTuple):
    """A pattern at its place in a larger one.

    Attributes
    ----------
    name : str
    start, end : int
        Columns of the larger core, half-open.
    strand : str
    share : float
        Share of the larger one's squared contributions in these columns.
    """

    name: str
    start: int
    end: int
    strand: str
    share: float


def composites(patterns: Sequence[Pattern], motifs: Sequence[Motif] = (), *, q_cut: float = 0.1) -> pd.DataFrame:
    """Say which patterns are composite, of what, and which are halves.

    A pattern is a composite of two others (or of one, twice) of its sign when both lie in it without sharing a
    column, each alike to the columns under it (cosine of CWM cores >= 0.85), and together cover 70 % of its
    squared contributions, each at least 20 %: a pattern that adds less to another is a copy of it. Halves that
    are composites themselves are used only where there are no others.

    Otherwise a pattern with a gap (columns below a quarter of the largest) is a composite of two database motifs when
    the parts beside its widest gap match one each with q <= q_cut, and no single motif matches the
    pattern over both parts.

    Parameters
    ----------
    patterns : sequence of Pattern
    motifs : sequence of Motif
        The database; empty for none.
    q_cut : float
        Largest q-value of a match.

    Returns
    -------
    DataFrame
        One line per pattern: pattern, composite_of (as "A+ + B- spacing 5": names with strands in the order of
        the pattern, and the bp between the cores), half_of (names of the composites that hold it, by commas); empty
        text where there is none.
    """
    halves = {pattern.name: _two_patterns(pattern, patterns) for pattern in patterns}
    # A composite of a composite says less than one of its parts.
    made = {name for name, pair in halves.items() if pair}
    for pattern in patterns:
        if halves[pattern.name]:
            rest = [other for other in patterns if other.name not in made]
            halves[pattern.name] = _two_patterns(pattern, rest) or halves[pattern.name]
    text = {name: _text(pair) for name, pair in halves.items()}
    plain = [pattern for pattern in patterns if not halves[pattern.name]]
    text |= {name: _text(pair) for name, pair in _two_motifs(plain, motifs, q_cut=q_cut).items()}
    rows = []
    for pattern in patterns:
        wholes = [name for name, pair in halves.items() if pattern.name in {half.name for half in pair}]
        rows.append((pattern.name, text[pattern.name], ", ".join(wholes)))
    return pd.DataFrame(rows, columns=COLUMNS, dtype=object)


def composite_names(table: pd.DataFrame, names: Mapping[str, str], motifs: Sequence[Motif] = ()) -> dict[str, str]:
    """Return names of the composite patterns: those of both halves, as "OCT4+SOX2".

    Compared as a whole with a database, a composite is like one of its halves and would carry its name alone.

    Parameters
    ----------
    table : DataFrame
        From `composites`.
    names : mapping
        Pattern -> its name; a half that has none is called "pattern_3".
    motifs : sequence of Motif
        The database.
    """
    known = {motif.name: second_name(motif.name, motif.alternative) for motif in motifs} | dict(names)
    made = {}
    for pattern, text in table[["pattern", "composite_of"]].itertuples(index=False):
        if halves := _HALVES.fullmatch(text):
            made[pattern] = "+".join(known.get(half) or half.rsplit(".", 1)[-1] for half in halves.groups())
    return made


def _two_patterns(pattern: Pattern, others: Sequence[Pattern]) -> tuple[Half, ...]:
    """Return the two patterns of which one is made, in their order; empty when it is not."""
    whole = pattern.cwm[:, pattern.core]
    places = [
        half
        for other in others
        if other.name != pattern.name and other.sign == pattern.sign
        for half in _places(whole, other)
    ]
    best: tuple[Half, ...] = ()
    for first in places:
        for second in places:
            covered = first.share + second.share
            if first.end <= second.start and covered >= max(_EXPLAINED, sum(half.share for half in best) + 1e-9):
                best = (first, second)
    return best


def _places(whole: np.ndarray, other: Pattern) -> list[Half]:
    """Return where a smaller core lies in a larger one, on either strand."""
    core = other.cwm[:, other.core]
    width = core.shape[1]
    if width < _LEAST_WIDTH:
        return []
    return [Half(other.name, start, start + width, strand, share) for start, strand, share in lies_in(whole, core)]


def lies_in(whole: np.ndarray, part: np.ndarray) -> Iterator[tuple[int, str, float]]:
    """Yield where contributions lie in larger ones, on either strand.

    Parameters
    ----------
    whole, part : ndarray
        Contribution weight matrices, (4, w); of a part that is wider nothing is yielded.

    Yields
    ------
    start : int
        First column of `whole` that the part lies on.
    strand : str
    share : float
        Share of the squares of `whole` in these columns: at least 0.2, with a cosine of at least 0.85.
    """
    total, width = (whole**2).sum(), part.shape[1]
    for strand, matrix in (("+", part), ("-", part[::-1, ::-1])):
        for start in range(whole.shape[1] - width + 1):
            under = whole[:, start : start + width]
            share = (under**2).sum() / total
            norm = np.linalg.norm(under) * np.linalg.norm(matrix)
            if share >= LEAST_SHARE and (under * matrix).sum() >= _ALIKE * norm:
                yield start, strand, share


def _two_motifs(patterns: Sequence[Pattern], motifs: Sequence[Motif], *, q_cut: float) -> dict[str, tuple[Half, ...]]:
    """Return the database motifs that the parts beside a pattern's widest gap match; patterns without are left out."""
    split = {pattern.name: parts for pattern in patterns if (parts := _parts(pattern))}
    if not split or not motifs:
        return {}
    known = {pattern.name: pattern for pattern in patterns}
    queries = []
    for name, parts in split.items():
        queries.append(known[name])
        for number, (start, end) in enumerate(parts):
            core = {"start": known[name].start + start, "end": known[name].start + end}
            queries.append(Pattern(**{**vars(known[name]), **core, "name": f"{name}/{number}"}))
    table = match(queries, motifs, top=1, q_cut=q_cut).set_index("pattern")
    found = {}
    for name, parts in split.items():
        ends = [f"{name}/{number}" for number in range(2)]
        if not set(ends) <= set(table.index):
            continue
        least = parts[1][0] + _LEAST_WIDTH - parts[0][1]  # columns a motif must span to lie on both parts
        if name in table.index and table.loc[name, "overlap"] >= least + _LEAST_WIDTH:
            continue
        found[name] = tuple(
            Half(table.loc[part, "motif"], start, end, table.loc[part, "strand"], 0.0)
            for part, (start, end) in zip(ends, parts, strict=True)
        )
    return found


def _parts(pattern: Pattern) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Split a core at its widest gap into (start, end) of both parts; None without a gap between parts of 4 bp."""
    size = np.abs(pattern.cwm[:, pattern.core]).sum(axis=0)
    strong = np.flatnonzero(size >= _GAP * size.max())
    gaps = np.diff(strong)
    if not len(gaps) or gaps.max() < 2:
        return None
    widest = int(gaps.argmax())
    parts = (int(strong[0]), int(strong[widest]) + 1), (int(strong[widest + 1]), int(strong[-1]) + 1)
    return parts if min(end - start for start, end in parts) >= _LEAST_WIDTH else None


def _text(halves: tuple[Half, ...]) -> str:
    if not halves:
        return ""
    first, second = halves
    return f"{first.name}{first.strand} + {second.name}{second.strand} spacing {second.start - first.end}"
