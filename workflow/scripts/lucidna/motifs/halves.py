"""Motifs that TF-MoDISco shows only beside another one, as patterns of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from lucidna.motifs.composite import LEAST_SHARE
from lucidna.motifs.elements import MARK, elements
from lucidna.motifs.null import SUPPORTED_PART, SUPPORTING
from lucidna.motifs.patterns import Pattern, read_discovery


def lone_halves(patterns: Sequence[Pattern]) -> tuple[list[Pattern], dict[str, list[str]]]:
    """Make a pattern of every element that no pattern shows alone.

    Where two motifs mostly stand side by side, one of them may have no pattern but composites. Its lone sites are no
    instances of these, and no other pattern calls them. An element counts from a fifth of its composite's squared
    contributions, and with contributions of the composite's sign: what a network ignores is no motif of it.

    Parameters
    ----------
    patterns : sequence of Pattern

    Returns
    -------
    halves : list of Pattern
        Named as the element ("pos_patterns.pattern_3:2" is the second part of pattern 3, the largest composite that
        has it): that composite with its contributions and frequencies outside the half taken away. Its seqlets are
        the composite's, each with the mean contribution of the half.
    wholes : dict
        Name of a half -> the composites that hold it.
    """
    parts, table = elements(patterns)
    known = {pattern.name: pattern for pattern in patterns}
    found, wholes = [], {}
    for element, group in table.groupby("element", sort=False):
        if element in known:
            continue
        name, number = str(element).rsplit(MARK, 1)
        whole, part = known[name], parts[name][int(number) - 1]
        columns = np.arange(whole.ppm.shape[1])
        own = (columns >= whole.start + part.start) & (columns < whole.start + part.end)
        cwm = np.where(own, whole.cwm, 0.0)
        share = (cwm**2).sum() / (whole.cwm[:, whole.core] ** 2).sum()
        if share < LEAST_SHARE or (cwm.sum() > 0) != (whole.sign == "pos"):
            continue
        half = replace(
            whole,
            name=str(element),
            ppm=np.where(own, whole.ppm, 0.25),
            cwm=cwm,
            hcwm=np.where(own, whole.hcwm, 0.0),
            seqlets=whole.seqlets.assign(contribution=cwm.sum()),
            start=whole.start + part.start,
            end=whole.start + part.end,
        )
        found.append(half)
        wholes[half.name] = list(dict.fromkeys(group["pattern"]))
    return found, wholes


def half_notices(wholes: Mapping[str, Sequence[str]]) -> list[str]:
    """Say of each half what it is."""
    return [
        f"{name}: a motif that only composites show; its lone sites are sought with a half of {name.rsplit(MARK, 1)[0]}"
        for name in wholes
    ]


def is_half(name: str) -> bool:
    """Say whether a pattern's name is that of a half (`lone_halves`)."""
    return MARK in name


def read_with_halves(path: str | Path, *, trim: float = 0.3) -> list[Pattern]:
    """Read the patterns of a run of TF-MoDISco, and after them the halves that only composites show."""
    patterns = read_discovery(path, trim=trim).patterns
    return patterns + lone_halves(patterns)[0]


def label_halves(tested: pd.DataFrame, wholes: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Add the halves to what the comparison with the null says of the patterns.

    Parameters
    ----------
    tested : DataFrame
        Of `part.add_parts`.
    wholes : mapping
        Of `lone_halves`.

    Returns
    -------
    DataFrame
        The same, and a line per half: `part_of` names its composites; the label is that of a part where one of them is
        supported, else the first one's. Statistics, p- and q-values are empty.
    """
    labels = dict(zip(tested["pattern"], tested["label"], strict=True))
    rows = []
    for half, names in wholes.items():
        supported = any(labels[name] in SUPPORTING for name in names)
        label = SUPPORTED_PART if supported else labels[names[0]]
        rows.append({"pattern": half, "label": label, "part_of": ", ".join(names)})
    if not rows:
        return tested
    whole = {name: "Int64" for name, kind in tested.dtypes.items() if kind.kind == "i"}  # stay whole beside empty ones
    return pd.concat([tested.astype(whole), pd.DataFrame(rows)], ignore_index=True)
