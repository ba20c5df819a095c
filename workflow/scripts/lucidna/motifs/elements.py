"""Take composite patterns apart, so that pairs of motifs can be counted whichever pattern shows them.

TF-MoDISco gives two motifs that often stand side by side as one pattern, one for each spacing, and a motif with many
instances as several patterns. For what is together with what, both hide the motifs: an element is a motif
whatever patterns it is in.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from lucidna.motifs.align import align, similarity
from lucidna.motifs.patterns import Pattern, consensus
from lucidna.ppm import information

_BITS, _GAP = 0.6, 2  # least information of a column, and most poorer columns inside a block
_LEAST_BITS = 8.0  # of a block that can stand alone
_SAME = 0.8  # cosine from which two blocks are one element
_NEAR = 3  # bp between the begins of two hits that are one instance

MARK = ":"
"""Between the name of a composite and the number of its part, in the name of an element that no pattern shows alone."""
COLUMNS = ["element", "consensus", "pattern", "start", "end", "strand"]


class Part(NamedTuple):
    """An element within the core of a pattern.

    Attributes
    ----------
    element : str
    start, end : int
        Columns of the core that the element covers; they may reach beyond it.
    reverse : bool
        Whether the pattern shows the element's reverse complement.
    palindrome : bool
        Whether the element is its own reverse complement, so that the strand says nothing.
    """

    element: str
    start: int
    end: int
    reverse: bool
    palindrome: bool = False


def blocks(ppm: np.ndarray) -> list[tuple[int, int]]:
    """Find the runs of informative columns that could stand alone; one run of all columns when there is none.

    Parameters
    ----------
    ppm : ndarray, shape (4, w)

    Returns
    -------
    list of (start, end)
        Half-open.
    """
    bits = information(ppm)
    strong = np.flatnonzero(bits >= _BITS)
    if not len(strong):
        return [(0, ppm.shape[1])]
    breaks = np.flatnonzero(np.diff(strong) > _GAP + 1) + 1
    runs = [(int(run[0]), int(run[-1]) + 1) for run in np.split(strong, breaks)]
    kept = [(start, end) for start, end in runs if bits[start:end].sum() >= _LEAST_BITS]
    return kept or [(int(strong[0]), int(strong[-1]) + 1)]


def elements(patterns: Sequence[Pattern]) -> tuple[dict[str, list[Part]], pd.DataFrame]:
    """Name the elements that patterns are made of.

    A pattern with several blocks is taken apart when another pattern, unlike it as a whole, holds one of its blocks
    too: then the block is a motif by itself. A bipartite motif with one spacing stays whole. Blocks that are alike
    on either strand are one element, named after the largest of the patterns that show it alone, or
    "pattern:2" for the second block of the largest composite when none does.

    Parameters
    ----------
    patterns : sequence of Pattern

    Returns
    -------
    parts : dict
        Pattern -> its parts, from left to right.
    table : DataFrame
        One line per part: element, consensus (of the element), pattern, start, end (columns of the pattern's
        core), strand.
    """
    cores = {pattern.name: pattern.ppm[:, pattern.core] for pattern in patterns}
    found = {name: blocks(core) for name, core in cores.items()}
    cut = {name: (found[name] if _is_composite(name, cores, found) else [_span(found[name])]) for name in found}
    sizes = {pattern.name: pattern.n_seqlets for pattern in patterns}
    signs = {pattern.name: pattern.sign for pattern in patterns}
    order = [(len(runs) > 1, -sizes[name], name, number) for name, runs in cut.items() for number in range(len(runs))]
    known: dict[str, tuple[str, np.ndarray]] = {}
    parts: dict[str, dict[int, Part]] = {name: {} for name in cut}
    for several, _, name, number in sorted(order):
        start, end = cut[name][number]
        block = cores[name][:, start:end]
        rivals = [
            (align(_weighted(block), _weighted(other)), element)
            for element, (sign, other) in known.items()
            if sign == signs[name]
        ]
        (cosine, offset, reverse), element = max(rivals, default=((-1.0, 0, False), ""))
        if cosine < _SAME:
            element, offset, reverse = f"{name}{MARK}{number + 1}" if several else name, 0, False
            known[element] = (signs[name], block)
        whole = known[element][1]
        place = start + offset
        parts[name][number] = Part(element, place, place + whole.shape[1], reverse, is_palindrome(whole))
    ordered = {name: [own[number] for number in sorted(own)] for name, own in parts.items()}
    rows = [
        (part.element, consensus(known[part.element][1]), name, part.start, part.end, "-" if part.reverse else "+")
        for name, own in ordered.items()
        for part in own
    ]
    return ordered, pd.DataFrame(rows, columns=COLUMNS)


def _span(runs: list[tuple[int, int]]) -> tuple[int, int]:
    return runs[0][0], runs[-1][1]


def _is_composite(name: str, cores: dict[str, np.ndarray], found: dict[str, list[tuple[int, int]]]) -> bool:
    """Say whether a pattern of several blocks shares one of them with a pattern unlike the whole."""
    if len(found[name]) < 2:
        return False
    whole = _weighted(cores[name])
    for other, runs in found.items():
        if other == name or similarity(whole, _weighted(cores[other])) >= _SAME:
            continue
        for start, end in found[name]:
            block = whole[:, start:end]
            if any(similarity(_weighted(cores[other][:, a:b]), block) >= _SAME for a, b in runs):
                return True
    return False


def _weighted(ppm: np.ndarray) -> np.ndarray:
    return (ppm - 0.25) * information(ppm)


def is_palindrome(ppm: np.ndarray) -> bool:
    """Say whether a block (4, w) is its own reverse complement, up to 3 bp more on one side than on the other."""
    one = _weighted(ppm)
    norm = float((one**2).sum())
    products = sum(np.correlate(a, b, mode="full") for a, b in zip(one, one[::-1, ::-1], strict=True))
    middle = ppm.shape[1] - 1
    near = products[max(middle - _NEAR, 0) : middle + _NEAR + 1]
    return norm > 0 and float(near.max()) / norm >= _SAME


def together(parts: Mapping[str, Sequence[Part]]) -> set[frozenset[str]]:
    """Return the pairs of elements that are parts of one pattern, of `elements`."""
    return {frozenset((a.element, b.element)) for own in parts.values() for a, b in itertools.combinations(own, 2)}


def least_cosine(core: np.ndarray, maps: np.ndarray, parts: Sequence[Part]) -> np.ndarray:
    """Return the cosine of maps (n, 4, w) with a core (4, w) on that of its elements which is least there: (n,).

    1 for a core that is one element; 0 where the map is 0 on an element.
    """
    least = np.ones(len(maps))
    for part in parts if len(parts) > 1 else ():
        columns = slice(max(part.start, 0), part.end)
        own, there = core[:, columns], maps[:, :, columns]
        norm = np.linalg.norm(there, axis=(1, 2)) * np.linalg.norm(own)
        products = (there * own).sum(axis=(1, 2))
        least = np.minimum(least, np.divide(products, norm, out=np.zeros(len(maps)), where=norm > 0))
    return least


def least_part(
    hits: pd.DataFrame,
    patterns: Sequence[Pattern],
    parts: dict[str, list[Part]],
    sequences: np.ndarray,
    projected: np.ndarray,
) -> np.ndarray:
    """Return the cosine of each hit's map with that element of its pattern that is least there.

    Parameters
    ----------
    hits : DataFrame
        row, start, end (of the core, within the map), strand, pattern.
    patterns : sequence of Pattern
    parts : dict
        From `elements`.
    sequences : ndarray
        One-hot, (N, 4, L).
    projected : ndarray
        Contributions of the bases that are there, (N, L).

    Returns
    -------
    ndarray, float64, shape (n,)
        1 for hits of a pattern that is one element; 0 where the map is 0 on an element.
    """
    least = np.ones(len(hits))
    places = hits.reset_index(drop=True).groupby("pattern", sort=False).indices
    for pattern in patterns:
        if pattern.name not in places or len(parts[pattern.name]) < 2:
            continue
        index, core = places[pattern.name], pattern.cwm[:, pattern.core]
        of = hits.iloc[index]
        row, width = of["row"].to_numpy(dtype=np.int64)[:, None], core.shape[1]
        at = of["start"].to_numpy(dtype=np.int64)[:, None] + np.arange(width)
        minus = (of["strand"] == "-").to_numpy()
        maps = sequences[row, :, at].transpose(0, 2, 1) * projected[row, at].astype(np.float64)[:, None]
        maps[minus] = maps[minus][:, ::-1, ::-1]
        least[index] = least_cosine(core, maps, parts[pattern.name])
    return least


def element_hits(hits: pd.DataFrame, parts: dict[str, list[Part]], *, length: int) -> pd.DataFrame:
    """Turn hits of patterns into hits of elements.

    Parameters
    ----------
    hits : DataFrame
        row, start, end (of the core, within the window), strand, pattern.
    parts : dict
        From `elements`.
    length : int
        bp of a window; an element that reaches beyond it is left out.

    Returns
    -------
    DataFrame
        row, start, end, strand, pattern (the element), palindrome, alone (whether a pattern shows it there by
        itself, not only as a part of a composite). Of hits that put one element at one place, up to 3 bp apart, on one
        strand, the first stays; those of a palindrome are all put on the forward strand.
    """
    frames = [pd.DataFrame(columns=["row", "start", "end", "strand", "pattern", "palindrome", "alone"])]
    for name, group in hits.groupby("pattern", sort=False):
        minus = (group["strand"] == "-").to_numpy()
        for part in parts.get(str(name), []):
            start = np.where(minus, group["end"] - part.end, group["start"] + part.start)
            frames.append(
                pd.DataFrame(
                    {
                        "row": group["row"].to_numpy(),
                        "start": start,
                        "end": start + part.end - part.start,
                        "strand": np.where((minus ^ part.reverse) & (not part.palindrome), "-", "+"),
                        "pattern": part.element,
                        "palindrome": part.palindrome,
                        "alone": len(parts[str(name)]) == 1,
                    }
                )
            )
    table = pd.concat([frame for frame in frames if len(frame)] or frames, ignore_index=True)
    table = table[(table["start"].astype(int) >= 0) & (table["end"].astype(int) <= length)]
    table = table.sort_values(["pattern", "row", "strand", "start"], kind="stable", ignore_index=True)
    same = (table[["pattern", "row", "strand"]] == table[["pattern", "row", "strand"]].shift()).all(axis=1)
    kept, last = np.ones(len(table), dtype=bool), -np.inf
    for index, (again, start) in enumerate(zip(same, table["start"].to_numpy(dtype=float), strict=True)):
        # Beside the last that stays, not the last that was seen: a chain of hits is not one instance.
        kept[index] = not (again and start - last <= _NEAR)
        last = start if kept[index] else last
    instance = np.cumsum(kept)
    alone = pd.Series(table["alone"].to_numpy(dtype=bool)).groupby(instance).transform("any")
    return table.assign(alone=alone.to_numpy(dtype=bool))[kept].reset_index(drop=True)
