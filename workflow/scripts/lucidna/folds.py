"""Split regions into training, validation and test sets by chromosome, or sequences by group.

The settings of a fold are expanded without any data (`expand_folds`), because the workflow is planned before
any region is read; the rows are assigned later (`assign`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from lucidna.errors import UserError, nearest

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("train", "valid", "test")

#: Rows of a fold that lists its training chromosomes and not theirs: in no split.
UNUSED = "unused"

#: Peaks that the ranking needs in each fold's validation split: its intervals are drawn over them.
FEWEST_VALID = 20


def expand_folds(folds: Mapping) -> dict[str, dict]:
    """Name every fold of a config and what defines it; reads no data.

    Parameters
    ----------
    folds : mapping
        `{name: {"valid": [...], "test": [...], "train": [...] (optional)}}`, or `{"auto": k}` for k folds
        named fold0, fold1, ...; folds that are expanded already stay as they are.

    Returns
    -------
    dict[str, dict]
        name -> the lists as given, or `{"auto": k, "index": i}`.

    Raises
    ------
    UserError
        For k below 3, a fold without valid or test, or a name that is in two splits of a fold.
    """
    k = folds.get("auto")
    if k is not None and not isinstance(k, Mapping):
        if set(folds) != {"auto"}:
            other = next(name for name in folds if name != "auto")
            raise UserError(f"config key 'folds' has both 'auto' and '{other}': keep one of the two forms")
        if isinstance(k, bool) or not isinstance(k, int) or k < 3:
            raise UserError(
                f"config key 'folds.auto' is {k!r}: give a whole number of at least 3, so that each fold has "
                "regions to train, validate and test on"
            )
        return {f"fold{index}": {"auto": k, "index": index} for index in range(k)}
    expanded = {}
    for fold, parts in folds.items():
        if "auto" in parts:
            expanded[fold] = dict(parts)
            continue
        for split in ("valid", "test"):
            if not parts.get(split):
                raise UserError(f"config key 'folds.{fold}' has no '{split}': list its chromosomes or groups")
        expanded[fold] = {split: [str(name) for name in parts[split]] for split in SPLITS if parts.get(split)}
        _refuse_overlap(fold, expanded[fold])
    if not expanded:
        raise UserError("config key 'folds' is empty: name a fold, or give {auto: k}")
    return expanded


def assign(
    rows: pd.DataFrame,
    folds: Mapping,
    sizes: Mapping[str, int] | None = None,
    *,
    seed: int = 0,
    fewest_valid: int = 1,
) -> dict[str, np.ndarray]:
    """Assign every row to a split in every fold.

    Parameters
    ----------
    rows : DataFrame
        Regions with columns chrom and role; or, with `sizes` None, sequences, which are split by their column
        group (by a random draw of single sequences where they have none).
    folds : mapping
        As for `expand_folds`, or some of the folds it returned.
    sizes : mapping, optional
        Chromosomes of the genome (names count, lengths do not).
    seed : int
        Seed of the random draw for sequences without groups.
    fewest_valid : int
        Peaks that a validation split must have; the other splits need one.

    Returns
    -------
    dict[str, ndarray]
        fold -> (n_rows,) of "train", "valid", "test" or "unused".

    Raises
    ------
    UserError
        For an unknown name, a fold with too few peaks in one of its splits, or more automatic folds than names.

    Notes
    -----
    Automatic folds: names in falling order of their row count each join the group that is smallest so far.
    Fold i tests on group i, validates on group i + 1 (the last fold: on group 0) and trains on the others.
    """
    expanded = expand_folds(folds)
    ks = {parts["auto"] for parts in expanded.values() if "auto" in parts}
    if sizes is not None:
        unit, labels, known = "chromosome", rows["chrom"].to_numpy(str), list(sizes)
    elif "group" in rows.columns:
        unit, labels = "group", rows["group"].to_numpy(str)
        known = list(dict.fromkeys(labels.tolist()))
    elif len(ks) == 1:
        (k,) = ks
        unit, labels = "random group", (np.random.default_rng(seed).permutation(len(rows)) % k).astype(str)
        known = [str(group) for group in range(k)]
    else:
        raise UserError(
            "config key 'folds' lists groups, but the sequences have none: name their column in "
            "sequences.group, or use {auto: k}"
        )

    groups = {k: balanced_groups(labels, known, k, unit=unit) for k in ks}
    peak_labels = labels[rows["role"].to_numpy(str) == "peak"]
    splits = {}
    for fold, parts in expanded.items():
        if "auto" in parts:
            k, index = parts["auto"], parts["index"]
            parts = {"test": groups[k][index], "valid": groups[k][(index + 1) % k]}
        _refuse_unknown(fold, parts, known, unit)
        _refuse_few(fold, parts, peak_labels, known, unit, fewest_valid)
        splits[fold] = _split(labels, parts)
    return splits


def balanced_groups(labels: np.ndarray, known: list[str], k: int, *, unit: str = "chromosome") -> list[list[str]]:
    """Share names among k groups so that the groups have nearly equal numbers of rows.

    Parameters
    ----------
    labels : ndarray of str, (n_rows,)
        The name of every row.
    known : list of str
        All names in their order, which breaks ties.
    k : int
        Number of groups.
    unit : str
        What a name is, for the message.

    Returns
    -------
    list of list of str
        The names of each group; names without rows are in none.

    Raises
    ------
    UserError
        When fewer than k names have rows.
    """
    names, counts = np.unique(labels, return_counts=True)
    count = dict(zip(names.tolist(), counts.tolist(), strict=True))
    present = [name for name in known if name in count]
    if len(present) < k:
        raise UserError(
            f"config key 'folds.auto' is {k}, but only {len(present)} {unit}s have regions "
            f"({_some(present)}): give a smaller number or name the folds yourself"
        )
    groups: list[list[str]] = [[] for _ in range(k)]
    totals = [0] * k
    for name in sorted(present, key=lambda name: -count[name]):
        smallest = totals.index(min(totals))
        groups[smallest].append(name)
        totals[smallest] += count[name]
    return groups


def _split(labels: np.ndarray, parts: Mapping[str, list[str]]) -> np.ndarray:
    split = np.full(labels.shape, UNUSED if "train" in parts else "train", dtype="<U6")
    for name, members in parts.items():
        split[np.isin(labels, members)] = name
    return split


def _refuse_overlap(fold: str, parts: Mapping[str, list[str]]) -> None:
    owner: dict[str, str] = {}
    for split, names in parts.items():
        for name in names:
            if owner.get(name, split) != split:
                raise UserError(
                    f"config key 'folds.{fold}' has '{name}' in both {owner[name]} and {split}: keep it in one of them"
                )
            owner[name] = split


def _refuse_few(
    fold: str, parts: Mapping[str, list[str]], peak_labels: np.ndarray, known: list[str], unit: str, fewest_valid: int
) -> None:
    split_of_peak = _split(peak_labels, parts)
    for split in SPLITS:
        n, fewest = int((split_of_peak == split).sum()), fewest_valid if split == "valid" else 1
        if n >= fewest:
            continue
        names = f" ({_some(parts[split])})" if split in parts else ""
        reason = f" and the ranking needs {fewest} or more" if fewest > 1 else ""
        have = set(peak_labels.tolist())
        have = [name for name in known if name in have]
        raise UserError(
            f"fold '{fold}' has {n} peaks in its {split} split{names}{reason}: give it, in config key 'folds', "
            f"{'more' if n else 'one'} of the {len(have)} {unit}s with peaks ({_some(have)})"
        )


def _refuse_unknown(fold: str, parts: Mapping[str, list[str]], known: list[str], unit: str) -> None:
    # Imported here because it brings numba along, which the planning of the workflow can do without.
    from lucidna.genome import other_spelling

    lookup = set(known)
    for split, names in parts.items():
        for name in names:
            if name in lookup:
                continue
            guess = (other_spelling(name, known) if unit == "chromosome" else None) or nearest(name, known)
            hint = f"did you mean '{guess}'?" if guess else f"there are {_some(known)}"
            raise UserError(f"config key 'folds.{fold}.{split}' has '{name}', which is no {unit} of the data: {hint}")


def _some(names: list[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
