"""Read attribution files (ChromBPNet's HDF5 layout) block by block, and the regions of their rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from lucidna.errors import UserError

_BLOCK = 2048  # rows read at a time


@dataclass(frozen=True)
class MapFile:
    """What is known of an attribution file before its arrays are read.

    Attributes
    ----------
    path : Path
    n_regions : int
        Number of rows N.
    length : int
        Length L of the maps, bp.
    scale : float
        The constant by which the stored maps were multiplied; contributions are divided by it.
    region_ids : list of str
        One per row; the row numbers as text when the file has none.
    """

    path: Path
    n_regions: int
    length: int
    scale: float
    region_ids: list[str]


def open_maps(path: str | Path) -> MapFile:
    """Check the layout of an attribution file and describe it.

    Parameters
    ----------
    path : path
        HDF5 with `/raw/seq` int8 (N, 4, L) one-hot and `/shap/seq` float16 (N, 4, L) hypothetical
        contributions; `/region_id` and the attribute `map_scale` are optional.

    Raises
    ------
    UserError
        When the file is missing, is not HDF5, lacks an array or has arrays of different shapes.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no attribution file '{path}': run the attribution stage first")
    try:
        handle = h5py.File(path, "r")
    except OSError as error:
        raise UserError(f"{path} is not a readable HDF5 file ({error}): write it anew") from error
    with handle:
        for name in ("raw/seq", "shap/seq"):
            if name not in handle:
                raise UserError(f"{path} has no dataset '/{name}': attribution files follow ChromBPNet's layout")
        shape, other = handle["raw/seq"].shape, handle["shap/seq"].shape
        if len(shape) != 3 or shape[1] != 4 or shape != other:
            raise UserError(f"{path}: /raw/seq is {shape} and /shap/seq {other}: both must be (regions, 4, length)")
        if "region_id" in handle:
            region_ids = handle["region_id"].asstr()[:].tolist()
        else:
            region_ids = [str(row) for row in range(shape[0])]
        if len(region_ids) != shape[0]:
            raise UserError(f"{path}: {len(region_ids)} region ids for {shape[0]} maps: write it anew")
        scale = float(handle.attrs.get("map_scale", 1.0))
    return MapFile(path=path, n_regions=shape[0], length=shape[2], scale=scale, region_ids=region_ids)


def map_blocks(
    maps: MapFile, *, start: int = 0, stop: int | None = None
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield (first row, one-hot int8 (n, 4, L), hypothetical maps as stored (n, 4, L)) block by block.

    Raises
    ------
    UserError
        When a map holds NaN or an infinity; the region is named.
    """
    stop = maps.n_regions if stop is None else stop
    with h5py.File(maps.path, "r") as handle:
        for first in range(start, stop, _BLOCK):
            rows = slice(first, min(first + _BLOCK, stop))
            hypothetical = handle["shap/seq"][rows]
            bad = np.flatnonzero(~np.isfinite(hypothetical).all(axis=(1, 2)))
            if len(bad):
                region = maps.region_ids[first + int(bad[0])]
                raise UserError(f"{maps.path}: the map of region '{region}' holds NaN or infinity: compute it anew")
            yield first, handle["raw/seq"][rows], hypothetical


def is_zero(maps: MapFile) -> bool:
    """Say whether there are maps and every hypothetical contribution in them is 0."""
    return maps.n_regions > 0 and not any(hypothetical.any() for _, _, hypothetical in map_blocks(maps))


def read_predictions(maps: MapFile) -> np.ndarray:
    """Return the predictions beside the maps, float64 (N,); none where the file has none."""
    with h5py.File(maps.path, "r") as handle:
        return handle["prediction"][:].astype(np.float64) if "prediction" in handle else np.zeros(0)


def project(one_hot: np.ndarray, hypothetical: np.ndarray) -> np.ndarray:
    """Return the projected map float32 (n, L): the contribution of the base that is there, 0 at N."""
    return (hypothetical.astype(np.float32) * one_hot).sum(axis=1)


def read_regions(path: str | Path, maps: MapFile) -> pd.DataFrame:
    """Read the narrowPeak file that belongs to an attribution file.

    Parameters
    ----------
    path : path
        One line per row of the maps, in the same order: chrom, start, end (the input window), name (region
        id), ...
    maps : MapFile

    Returns
    -------
    DataFrame
        Columns chrom, start, end, region_id. Sequences without a place on a genome (chrom ".") are named by
        their id.

    Raises
    ------
    UserError
        When the file is missing or malformed, or its lines are not the rows of the maps.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no regions file '{path}': run the attribution stage first")
    rows = []
    with path.open(encoding="utf-8") as handle:
        for number, line in enumerate(handle, start=1):
            fields = line.rstrip("\n").split("\t")
            try:
                rows.append((fields[0], int(fields[1]), int(fields[2]), fields[3]))
            except (IndexError, ValueError):
                raise UserError(f"{path}, line {number}: not a narrowPeak line: '{line.strip()[:60]}'") from None
    frame = pd.DataFrame(rows, columns=["chrom", "start", "end", "region_id"])
    if len(frame) != maps.n_regions:
        raise UserError(f"{path} has {len(frame)} lines but {maps.path} has {maps.n_regions} maps: write both anew")
    wrong = np.flatnonzero((frame["end"] - frame["start"]).to_numpy() != maps.length)
    if len(wrong):
        width = frame["end"][wrong[0]] - frame["start"][wrong[0]]
        raise UserError(
            f"{path}, line {wrong[0] + 1}: {width} bp wide, but the maps are {maps.length} bp: write it anew"
        )
    numbered = maps.region_ids == [str(row) for row in range(maps.n_regions)]
    differs = (
        [] if numbered else np.flatnonzero(frame["region_id"].to_numpy() != np.array(maps.region_ids, dtype=object))
    )
    if len(differs):
        line = int(differs[0])
        raise UserError(
            f"{path}, line {line + 1}: region '{frame['region_id'][line]}', but row {line} of {maps.path} is "
            f"'{maps.region_ids[line]}': the two must have the same order"
        )
    placeless = frame["chrom"] == "."
    frame["chrom"] = frame["chrom"].where(~placeless, frame["region_id"])
    return frame
