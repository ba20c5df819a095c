"""Check what is said of networks that are to be ranked: their kinds, scores and other labels, the regions' names."""

from __future__ import annotations

from collections.abc import Mapping, Set

import numpy as np

from lucidna.errors import UserError, nearest
from lucidna.ranking.control_share import BIAS
from lucidna.ranking.prediction import problem_of_score

KINDS = ("none", "control", "label_shuffled", "random_weights", BIAS)
"""What a network can be: a candidate, a control of one's own, or of a kind that is known."""


def labels_of(given, names: list[str], what: str, default: list) -> list:
    """One label per network from a sequence in the same order, or a dictionary by id."""
    if given is None:
        return default
    if isinstance(given, Mapping):
        _same_ids(given, names, what)
        return [given[name] for name in names]
    given = list(given)
    if len(given) != len(names):
        raise UserError(f"{what} has {len(given)} entries for {len(names)} networks: give one for each")
    return given


def _same_ids(given: Mapping, names: list[str], what: str) -> None:
    for name in given:
        if name not in names:
            hint = nearest(str(name), names)
            raise UserError(
                f"{what} names '{name}', which is not among the networks: "
                + (
                    f"did you mean '{hint}'?"
                    if hint
                    else f"they are {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}"
                )
            )
    missing = [name for name in names if name not in given]
    if missing:
        raise UserError(f"{what} has no entry for network '{missing[0]}': give one for each")


def control_labels(controls, names: list[str]):
    """Turn a collection of the controls' ids into one label per network."""
    if controls is None:
        return None
    if isinstance(controls, np.ndarray):
        controls = controls.tolist()
    if isinstance(controls, Mapping):
        return {name: controls.get(name, "none") for name in names} | dict(controls)
    entries = [controls] if isinstance(controls, str) else list(controls)
    words = bool(entries) and all(isinstance(entry, str) for entry in entries)
    # As many words as networks, none of them an id, are the kinds of all of them.
    if words and (isinstance(controls, Set) or len(entries) != len(names) or any(name in names for name in entries)):
        return dict.fromkeys(names, "none") | dict.fromkeys(entries, "control")
    return entries if entries else None


def kind_of(name: str, value: str | bool | np.bool_) -> str:
    """Return one of `KINDS` for what the controls say of a network; UserError for anything else."""
    if isinstance(value, bool | np.bool_):
        return "control" if value else "none"
    if not isinstance(value, str) or value not in KINDS:
        hint = nearest(str(value), KINDS)
        raise UserError(
            f"controls has {value!r} for network '{name}': "
            + (f"did you mean '{hint}'?" if hint else f"use a truth value, or {', '.join(KINDS)}")
        )
    return str(value)


def scores_of(scores, names: list[str], metric: str) -> np.ndarray:
    """Return (n, 3): value, lower and upper end; NaN where not given."""
    out = np.full((len(names), 3), np.nan)
    if scores is None:
        return out
    for index, entry in enumerate(labels_of(scores, names, "scores", [])):
        try:
            numbers = np.atleast_1d(np.asarray(entry, dtype=np.float64))
        except (TypeError, ValueError) as error:
            raise UserError(f"the score of network '{names[index]}' is {entry!r}: give a number") from error
        if numbers.shape not in ((1,), (3,)):
            raise UserError(
                f"the score of network '{names[index]}' has {numbers.size} numbers: "
                "give one, or value, lower and upper end"
            )
        if np.isinf(numbers).any():
            raise UserError(f"the score of network '{names[index]}' is infinite: give a finite one, or NaN if unknown")
        problem = problem_of_score(metric, *numbers)
        if problem:
            raise UserError(f"the score of network '{names[index]}' is {problem}")
        out[index, : len(numbers)] = numbers
    return out


def region_names_of(region_ids, fold: str, n_regions: int, *, several: bool) -> list[str]:
    """Return the checked names of the regions of a fold; none where none are given."""
    if region_ids is None:
        return []
    if isinstance(region_ids, Mapping):
        if fold not in region_ids:
            raise UserError(f"there are no region ids for fold '{fold}': add them under this name")
        region_ids = region_ids[fold]
    elif several:
        raise UserError("region ids are one list and the sequences a dictionary: give a dictionary fold -> ids")
    region_ids = list(region_ids)
    if len(region_ids) != n_regions:
        raise UserError(f"there are {len(region_ids)} region ids for {n_regions} sequences: give one for each")
    if len(set(region_ids)) != len(region_ids):
        raise UserError("a region id occurs more than once: every region is compared once")
    return [str(name) for name in region_ids]
