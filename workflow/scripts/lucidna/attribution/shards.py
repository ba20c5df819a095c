"""Make the maps of a large set in several processes, and join them: the bytes are those of one process.

A share is a run of whole blocks (`plan.BLOCK` regions) of each member. Draws follow from the sequences, what a network
computes follows from the block, and the convergence gate judges block by block, so nothing depends on
how many shares there are. What runs over all regions, the average of the members, is done when they are joined.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from torch import nn

from lucidna.attribution.plan import Plan, plan_maps
from lucidna.attribution.run import explain_blocks, write_maps
from lucidna.attribution.tally import Part
from lucidna.dataset import Dataset
from lucidna.errors import UserError
from lucidna.files import atomic_path
from lucidna.processor import use_processor

_ARRAYS = ("rows", "maps", "prediction", "delta", "explained")


def attribute_shard(
    models: Sequence[tuple[str, nn.Module]],
    dataset: Dataset,
    out: str | Path,
    *,
    shard: int,
    shards: int,
    batch_size: int = 64,
    device: str = "cpu",
    threads: int | None = None,
    **settings: Any,
) -> None:
    """Write what every network says of one share of the regions.

    Parameters
    ----------
    models, dataset, batch_size, device, threads
        As for `run.attribute`.
    out : path
        HDF5; maps are float32, so it has 4 L x 4 bytes for every region and network.
    shard, shards : int
        Which share, from 0, and how many there are. More shares than blocks leave some empty.
    **settings
        Of `run.attribute`: method, task, head, arguments, regions, splits, null, average, seed.

    Raises
    ------
    UserError
        As `run.attribute`.
    """
    started = time.perf_counter()
    plan = plan_maps([name for name, _ in models], dataset, **settings)
    use_processor(threads)
    with atomic_path(out) as temporary, h5py.File(temporary, "w") as file:
        for number, (_, network) in enumerate(models):
            group = file.create_group(str(number))
            blocks = share_of(plan.blocks(number), shard, shards)
            if not blocks:
                continue
            parts = explain_blocks(plan, number, network, blocks, batch_size=batch_size, device=device)
            for place, part in enumerate(parts):
                _write_part(group.create_group(str(place)), part)
        file.attrs["plan"], file.attrs["shard"], file.attrs["shards"] = _text(plan), shard, shards
        file.attrs["seconds"] = time.perf_counter() - started


def join_shards(
    shards: Sequence[str | Path],
    members: Sequence[str],
    dataset: Dataset,
    *,
    out_h5: str | Path,
    out_bed: str | Path,
    **settings: Any,
) -> dict[str, Any]:
    """Write what `run.attribute` writes, from all shares.

    Parameters
    ----------
    shards : sequence of path
        Written by `attribute_shard`, in any order.
    members : sequence of str
        Candidate ids.
    dataset, out_h5, out_bed, **settings
        As for `run.attribute`.

    Returns
    -------
    dict
        As `run.attribute`; the seconds are those of all shares and of the joining.

    Raises
    ------
    UserError
        A share that is missing, there twice, damaged, or of other regions, networks or settings.
    """
    started = time.perf_counter()
    plan = plan_maps(members, dataset, **settings)
    ordered, seconds = _in_order(shards, plan)

    def parts(number: int) -> Iterator[Part]:
        blocks = iter(plan.blocks(number))
        for path in ordered:
            with h5py.File(path, "r") as file:
                group = file[str(number)]
                for place in range(len(group)):
                    part = _read_part(group[str(place)])
                    if not np.array_equal(part.rows, next(blocks, None)):
                        raise UserError(f"{path} is not of the regions that are explained: delete it and run again")
                    yield part

    return write_maps(plan, parts, dataset, out_h5=out_h5, out_bed=out_bed, started=started - seconds)


def share_of(blocks: Sequence[np.ndarray], shard: int, shards: int) -> Sequence[np.ndarray]:
    """Return a share of the blocks: neighbours, and of all shares together each block once."""
    n = len(blocks)
    return blocks[n * shard // shards : n * (shard + 1) // shards]


def _text(plan: Plan) -> str:
    return json.dumps(plan.attributes, sort_keys=True)


def _in_order(paths: Sequence[str | Path], plan: Plan) -> tuple[list[Path], float]:
    """Return the shares in their order, and the seconds that they took."""
    found: dict[int, Path] = {}
    seconds, total = 0.0, None
    for path in map(Path, paths):
        try:
            with h5py.File(path, "r") as file:
                facts = {key: file.attrs[key] for key in ("plan", "shard", "shards", "seconds")}
        except (OSError, KeyError) as error:
            raise UserError(f"{path} is no share of the maps ({error}): delete it and run again") from error
        total = int(facts["shards"]) if total is None else total
        shard = int(facts["shard"])
        if facts["plan"] != _text(plan) or facts["shards"] != total or shard in found:
            raise UserError(f"{path} does not go with the other shares of these maps: delete it and run again")
        found[shard] = path
        seconds += float(facts["seconds"])
    if total is None or sorted(found) != list(range(total)):
        raise UserError(f"there are {len(found)} of {total or 'no'} shares of the maps: make those that are missing")
    return [found[shard] for shard in range(total)], seconds


def _write_part(group: h5py.Group, part: Part) -> None:
    for name in _ARRAYS:
        values = getattr(part, name)
        if values is not None:
            group.create_dataset(name, data=values)
    if part.angles is not None:
        group.attrs["angles"] = json.dumps(part.angles)


def _read_part(group: h5py.Group) -> Part:
    arrays = {name: group[name][()] for name in _ARRAYS if name in group}
    angles = json.loads(group.attrs["angles"]) if "angles" in group.attrs else None
    return Part(**arrays, angles=angles)
