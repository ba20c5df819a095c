"""The attribution file: ChromBPNet's HDF5 layout, read by TF-MoDISco and Fi-NeMo, plus what it leaves out."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import h5py
import numpy as np
import pandas as pd

from lucidna.attribution.ensemble import project
from lucidna.errors import UserError
from lucidna.files import atomic_path

ROWS_PER_BLOCK = 256
_LARGEST_STORED = 16.0


class Block(NamedTuple):
    """Some rows of an attribution file, in units of the output.

    Attributes
    ----------
    onehot : array
        int8 (n, 4, L).
    maps : array
        Hypothetical contributions, float32 (n, 4, L).
    spread : array
        Standard deviation over members of the projected map, float32 (n, L), NaN for a single member.
    sign_agreement : array
        float32 (n, L), share of members with the sign of the mean.
    """

    onehot: np.ndarray
    maps: np.ndarray
    spread: np.ndarray
    sign_agreement: np.ndarray

    @property
    def projected(self) -> np.ndarray:
        """The contribution of the base that is there, float32 (n, L)."""
        return project(self.maps, self.onehot)


def float16_scale(largest: float) -> float:
    """Return the power of two by which maps are multiplied so that float16 holds them.

    The largest value comes to lie between 8 and 16. float16 then keeps its full 11 bits down to 4e-6 of it,
    and sums over a whole sequence do not overflow. A power of two loses nothing.

    Parameters
    ----------
    largest : float
        Largest absolute value of the maps.

    Returns
    -------
    float
        1 when all maps are zero.
    """
    if not largest > 0:
        return 1.0
    return 2.0 ** math.floor(math.log2(_LARGEST_STORED / largest))


def write_attributions(
    path: str | os.PathLike,
    block: Callable[[slice], Block],
    *,
    region_ids: Sequence[str],
    length: int,
    prediction: np.ndarray,
    convergence_delta: np.ndarray,
    map_scale: float,
    attributes: Mapping[str, Any],
) -> None:
    """Write an attribution file block by block; nothing stands under its name until it is whole.

    Without regions the file has the same datasets with no row in them.

    Parameters
    ----------
    path : path
        ``*.attributions.h5``.
    block : callable
        Returns the given rows.
    region_ids : sequence of str
        One per row.
    length : int
        L in bp.
    prediction, convergence_delta : array
        float32 (N,).
    map_scale : float
        What maps and spread are multiplied by in the file, from `float16_scale`.
    attributes : mapping
        Attributes of the file; strings and numbers as they are, everything else as JSON.
    """
    n = len(region_ids)
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        for key, value in {**attributes, "map_scale": float(map_scale)}.items():
            file.attrs[key] = value if isinstance(value, str | int | float) else json.dumps(value)
        sets = {
            "raw/seq": _dataset(file, "raw/seq", (n, 4, length), np.int8),
            "shap/seq": _dataset(file, "shap/seq", (n, 4, length), np.float16),
            "projected_shap/seq": _dataset(file, "projected_shap/seq", (n, 4, length), np.float16),
            "spread": _dataset(file, "spread", (n, length), np.float16),
            "sign_agreement": _dataset(file, "sign_agreement", (n, length), np.float16),
        }
        for start in range(0, n, ROWS_PER_BLOCK):
            rows = slice(start, min(start + ROWS_PER_BLOCK, n))
            part = block(rows)
            maps = part.maps * np.float32(map_scale)
            sets["raw/seq"][rows] = part.onehot
            sets["shap/seq"][rows] = maps
            sets["projected_shap/seq"][rows] = maps * part.onehot
            sets["spread"][rows] = part.spread * np.float32(map_scale)
            sets["sign_agreement"][rows] = part.sign_agreement
        file.create_dataset("region_id", data=list(region_ids), dtype=h5py.string_dtype("utf-8"))
        file.create_dataset("prediction", data=np.asarray(prediction, dtype=np.float32))
        file.create_dataset("convergence_delta", data=np.asarray(convergence_delta, dtype=np.float32))


def _dataset(file: h5py.File, name: str, shape: tuple[int, ...], dtype: type) -> h5py.Dataset:
    if shape[0] == 0:
        # HDF5 has no chunk that is smaller than one row.
        return file.create_dataset(name, shape, dtype=dtype)
    # Chunks of few rows: the readers take all rows of a central window, or a few whole rows.
    chunks = (min(shape[0], 16), *shape[1:])
    return file.create_dataset(
        name, shape, dtype=dtype, chunks=chunks, compression="gzip", compression_opts=4, shuffle=True
    )


class AttributionFile:
    """An open attribution file; use it in a ``with`` statement.

    Parameters
    ----------
    path : path
        Written by `write_attributions`.

    Attributes
    ----------
    region_ids : list of str
        One per row.
    length : int
        L in bp.
    prediction, convergence_delta : array
        float32 (N,).
    attributes : dict
        Method, parameters, candidates, task, head, versions, dataset_digest, map_scale; in a file without
        maps also note, which says why there are none.

    Raises
    ------
    UserError
        When the file is missing, is not one, or its parts have different numbers of rows.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        try:
            self._file = h5py.File(self.path, "r")
        except FileNotFoundError as error:
            raise UserError(f"{self.path} does not exist: run the attribution that writes it") from error
        except OSError as error:
            raise UserError(f"{self.path} is not an HDF5 file ({error}): delete it and run again") from error
        try:
            self._read_header()
        except (KeyError, UserError) as error:
            self._file.close()
            if isinstance(error, UserError):
                raise
            raise UserError(f"{self.path} is not an attribution file ({error}): delete it and run again") from error

    def _read_header(self) -> None:
        file = self._file
        self.region_ids = [name.decode("utf-8") for name in file["region_id"][:]]
        self.length = file["raw/seq"].shape[2]
        self.prediction = file["prediction"][:]
        self.convergence_delta = file["convergence_delta"][:]
        self.attributes = {key: _from_attribute(key, value) for key, value in file.attrs.items()}
        self._scale = np.float32(1.0 / file.attrs["map_scale"])
        for name in ("raw/seq", "shap/seq", "projected_shap/seq", "spread", "sign_agreement"):
            if len(file[name]) != len(self.region_ids):
                raise UserError(
                    f"{self.path}: {name} has {len(file[name])} rows and region_id has {len(self.region_ids)}"
                    ": delete the file and run again"
                )

    def __len__(self) -> int:
        return len(self.region_ids)

    def __enter__(self) -> AttributionFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def read(self, rows: slice | np.ndarray = slice(None)) -> Block:
        """Return some rows in units of the output; an index array must be increasing."""
        file = self._file
        return Block(
            onehot=file["raw/seq"][rows],
            maps=file["shap/seq"][rows].astype(np.float32) * self._scale,
            spread=file["spread"][rows].astype(np.float32) * self._scale,
            sign_agreement=file["sign_agreement"][rows].astype(np.float32),
        )

    def check(self, region_ids: Sequence[str]) -> None:
        """Refuse a file whose rows are not these regions in this order.

        Raises
        ------
        UserError
            With both counts and the first row that differs.
        """
        expected = list(region_ids)
        if expected == self.region_ids:
            return
        pairs = zip(self.region_ids, expected, strict=False)
        first = next((row for row, (a, b) in enumerate(pairs) if a != b), min(len(expected), len(self.region_ids)))
        raise UserError(
            f"{self.path} has {len(self.region_ids)} regions and {len(expected)} were expected; they differ "
            f"from row {first + 1} on: the file belongs to other data, delete it and run again"
        )


def _from_attribute(key: str, value: Any) -> Any:
    if isinstance(value, str) and value[:1] in "[{":
        return json.loads(value)
    return value.item() if isinstance(value, np.generic) else value


def write_regions_bed(path: str | os.PathLike, rows: pd.DataFrame, *, length: int) -> None:
    """Write the windows of an attribution file as 10-column narrowPeak, one line per row in the same order.

    The summit is the middle of the window, so a reader that centres on it cuts the same bases from the HDF5
    file. Sequences without a genome become chromosomes of their own, named by their id.

    Parameters
    ----------
    path : path
        The BED file.
    rows : DataFrame
        Columns region_id, chrom, summit.
    length : int
        L in bp.
    """
    nowhere = rows["chrom"].astype(str) == "."
    start = (rows["summit"].astype(int) - length // 2).where(~nowhere, 0)
    table = pd.DataFrame(
        {
            "chrom": rows["chrom"].astype(str).where(~nowhere, rows["region_id"]),
            "start": start,
            "end": start + length,
            "name": rows["region_id"],
            "score": 0,
            "strand": ".",
            "signal": 0,
            "p": -1,
            "q": -1,
            "summit": length // 2,
        }
    )
    with atomic_path(path) as temporary:
        table.to_csv(temporary, sep="\t", header=False, index=False)
