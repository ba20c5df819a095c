"""Bring maps from several files to the same regions, and rank them."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lucidna.errors import UserError
from lucidna.external.average import write_average
from lucidna.external.mapfiles import MapFile
from lucidna.external.scores import read_scores
from lucidna.ranking.control_share import BIAS
from lucidna.ranking.inputs import read_networks
from lucidna.ranking.rank import rank_networks
from lucidna.ranking.tables import Ranking
from lucidna.sequence import one_hot_numpy

log = logging.getLogger(__name__)


def rank_maps(
    entries: Mapping[str, Mapping[str, Any]],
    *,
    scores: Mapping[str, str] | None = None,
    regions: int = 500,
    seed: int = 0,
    scratch: str | Path | None = None,
    average: str | Path | None = None,
    **settings: Any,
) -> Ranking:
    """Rank candidates of which nothing but maps is known.

    Parameters
    ----------
    entries : mapping
        name -> entry of `external` of kind maps, with its defaults. Those of the control "bias" are not ranked:
        their maps are the `control_maps` of `rank_candidates`.
    scores : mapping, optional
        "table" (path) and "metric", see `scores.read_scores`.
    regions : int
        Regions that are compared; drawn from those of the maps where these are more.
    seed : int
        Of the draw, the bootstraps and the nulls.
    scratch : path, optional
        Folder for temporary files, of the size of all compared maps; the system's by default.
    average : path, optional
        Where the average of the chosen candidates' maps is written, over all regions of their files and not only
        those that are compared, see `average.write_average`.
    **settings
        Of `ranking.rank.rank_networks`: objective, top, margin, quantile, consistency, bootstraps.

    Returns
    -------
    Ranking
        As `rank_candidates` gives it; each candidate is its own family unless its entry says otherwise.

    Raises
    ------
    UserError
        Fewer than 2 candidates or 20 regions; files that cannot be read; maps of other regions or in another
        order; maps that are NaN, all zero or given twice; a table of scores that does not go with them.
    """
    ranked = [name for name, entry in entries.items() if entry["control"] != BIAS]
    if len(ranked) < 2:
        raise UserError(f"{len(ranked)} candidate cannot be ranked: give at least 2, better 5 or more")
    values, intervals = None, False
    if scores is not None:
        values, intervals = read_scores(scores["table"], ranked, metric=scores["metric"])
        values = {name: values.get(name, [np.nan]) for name in entries}
    files = {name: MapFile(entry, f"external.{name}") for name, entry in entries.items()}
    everything, names = _same_regions(files)
    rows = np.arange(len(everything))
    if len(rows) > regions:
        rows = np.sort(np.random.default_rng(seed).choice(len(rows), size=regions, replace=False))
    codes = everything[rows]
    projected = [name for name, file in files.items() if file.contributions == "projected"]
    onehot = one_hot_numpy(codes)
    with tempfile.TemporaryDirectory(prefix=".maps.", dir=scratch, ignore_cleanup_errors=True) as folder:
        arrays = {}
        for number, (name, file) in enumerate(files.items()):
            maps = file.maps(rows, codes)
            # One map that lacks the other bases' contributions cannot agree with those that have them.
            path = Path(folder) / f"{number}.npy"
            np.save(path, maps * onehot if projected else maps)
            arrays[name] = np.load(path, mmap_mode="r")
            log.info("read %d of %d: %s", number + 1, len(files), name)
        networks = read_networks(
            arrays,
            onehot,
            scores=values,
            metric=scores["metric"] if scores else "prediction",
            families={name: entry["family"] or name for name, entry in entries.items()},
            controls={name: entry["control"] for name, entry in entries.items()},
            votes={name: entry["run"] or name for name, entry in entries.items()},
            region_ids=None if names is None else [names[row] for row in rows],
        )
        networks = replace(networks, notices=tuple(_notices(projected, values is not None, intervals, settings)))
        ranking = rank_networks(networks, metric=scores["metric"] if scores else "prediction", seed=seed, **settings)
    if average is not None:
        write_average(average, {name: files[name] for name in ranking.verdict["chosen"]}, everything, names)
    for notice in ranking.verdict["notices"]:
        log.warning("%s", notice)
    return ranking


def _same_regions(files: Mapping[str, MapFile]) -> tuple[np.ndarray, list[str] | None]:
    """Check that all maps are of the same regions in the same order.

    Returns
    -------
    codes : uint8 (N, L).
    ids : N names, or None.
    """
    (first, reference), *others = files.items()
    codes = reference.codes()
    named = (first, reference.ids) if reference.ids is not None else None
    for name, file in others:
        where = f"config key 'external.{name}'"
        if (file.n_regions, file.length) != codes.shape:
            raise UserError(
                f"{where} has maps of {file.n_regions} regions of {file.length} bp and external.{first} of "
                f"{codes.shape[0]} of {codes.shape[1]} bp: give maps of the same regions"
            )
        if named is not None and file.ids is not None:
            _same_rows(np.array(file.ids), np.array(named[1]), where, named[0], "id")
        elif file.ids is not None:
            named = (name, file.ids)
        _same_rows(_row_names(file.codes()), _row_names(codes), where, first, "sequence")
    return codes, None if named is None else named[1]


def _row_names(codes: np.ndarray) -> np.ndarray:
    """Return each row of (N, L) as one string of bytes."""
    return np.ascontiguousarray(codes).view(f"V{codes.shape[1]}")[:, 0]


def _same_rows(mine: np.ndarray, theirs: np.ndarray, where: str, other: str, what: str) -> None:
    differ = np.flatnonzero(mine != theirs)
    if not len(differ):
        return
    same_set = sorted(mine.tolist()) == sorted(theirs.tolist())
    problem = (
        "has the same regions in another order"
        if same_set
        else f"has another {what} in {len(differ)} of {len(mine)} rows"
    )
    raise UserError(
        f"{where} {problem} than external.{other}, first in row {differ[0] + 1}: "
        f"{'bring them into one order' if same_set else 'give maps of the same regions'}"
    )


def _notices(projected: list[str], scored: bool, intervals: bool, settings: Mapping[str, Any]) -> list[str]:
    notices = []
    if projected:
        names = ", ".join(projected[:5]) + (f" and {len(projected) - 5} more" if len(projected) > 5 else "")
        notices.append(
            f"The maps of {names} are projected, so all maps were compared at the bases of the sequences only."
        )
    if not scored:
        notices.append("There are no prediction scores: the ranking is by maps alone.")
    elif not intervals and not settings.get("margin"):
        notices.append("The prediction scores have no interval and ranking.gate.margin is 0: they gate nothing.")
    return notices
