"""Make the maps of each member of an ensemble alone, one file per member."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from lucidna.attribution.run import attribute
from lucidna.dataset import Dataset

SUFFIX = ".attributions.h5"


def attribute_each(
    members: Mapping[str, str | Path],
    load: Callable[[Path], nn.Module],
    dataset: Dataset,
    out_dir: str | Path,
    **settings: Any,
) -> dict[str, dict[str, Any]]:
    """Write the maps of each network to its own file; one network is in memory at a time.

    Parameters
    ----------
    members : mapping
        Candidate id -> folder of its weights.
    load : callable
        Returns the network of a folder.
    dataset : Dataset
    out_dir : path
        Made when absent; holds `<candidate>.attributions.h5` and `<candidate>.regions.bed`.
    **settings
        Of `attribution.run.attribute`.

    Returns
    -------
    dict
        Candidate id -> what `attribute` returns.
    """
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    return {
        name: attribute(
            [(name, load(Path(folder)))],
            dataset,
            out_h5=out_dir / f"{name}{SUFFIX}",
            out_bed=out_dir / f"{name}.regions.bed",
            **settings,
        )
        for name, folder in members.items()
    }
