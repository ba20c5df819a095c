"""What is explained, by whom and how: decided before any network runs, and the same in every process of a set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from lucidna import __version__
from lucidna.attribution.averaging import averaging
from lucidna.attribution.methods import check_name, method_arguments
from lucidna.attribution.nulls import null_sequences
from lucidna.attribution.output import HEADS
from lucidna.attribution.selection import REGIONS, select_regions
from lucidna.dataset import Dataset

BLOCK = 512
"""Regions whose maps are held in memory at once."""


@dataclass(frozen=True)
class Plan:
    """What is to be explained, and how.

    Attributes
    ----------
    attributes : dict
        Of the attribution file.
    settings : dict
        Arguments of the method.
    table : DataFrame
        The N regions.
    codes : array
        uint8 (N, L), their sequences, or shuffles of them.
    covered : array
        bool (members, N): who explains which region.
    task : int
        Number of the task.
    """

    attributes: dict[str, Any]
    settings: dict[str, Any]
    table: pd.DataFrame
    codes: np.ndarray
    covered: np.ndarray
    task: int

    @property
    def members(self) -> list[str]:
        """The candidates' ids."""
        return self.attributes["candidates"]

    def blocks(self, number: int) -> list[np.ndarray]:
        """Cut the regions of a member into blocks of `BLOCK`, whoever explains them."""
        rows = np.flatnonzero(self.covered[number])
        return [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]


def plan_maps(
    members: Sequence[str],
    dataset: Dataset,
    *,
    method: str,
    task: str,
    head: str,
    arguments: Mapping[str, Any] | None = None,
    regions: str = "all",
    splits: Mapping[str, np.ndarray] | None = None,
    null: int | None = None,
    average: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Plan:
    """Check the arguments of `attribute` and choose the regions; without members there is none."""
    settings = method_arguments(method, arguments)
    average = averaging(average, length=dataset.info["window"]["input"])
    check_name(task, dataset.info["tasks"], "task")
    check_name(head, HEADS[dataset.info["target"]], f"head of target {dataset.info['target']}")
    check_name(regions, REGIONS, "choice of regions")
    rows, covered = np.zeros(0, dtype=np.int64), np.zeros((0, 0), dtype=bool)
    if members:
        rows, covered = select_regions(
            (dataset.rows["role"] == "peak").to_numpy(),
            members,
            regions=regions,
            splits=splits,
            max_regions=settings["max_regions"],
            seed=seed,
        )
    codes = np.asarray(dataset.codes(rows))
    attributes = {
        "method": method,
        "parameters": {**settings, "seed": seed, "regions": regions, "null": null, "average": average},
        "candidates": list(members),
        "task": task,
        "head": head,
        "versions": versions(),
        "dataset_digest": dataset.info["digest"],
    }
    return Plan(
        attributes=attributes,
        settings=settings,
        table=dataset.rows.iloc[rows],
        codes=codes if null is None or not members else null_sequences(codes, draw=null, seed=seed),
        covered=covered,
        task=dataset.info["tasks"].index(task),
    )


def versions() -> dict[str, str]:
    """Return the versions of what determines a map's numbers."""
    return {"lucidna": __version__, **{name: version(name) for name in ("torch", "tangermeme", "numpy")}}
