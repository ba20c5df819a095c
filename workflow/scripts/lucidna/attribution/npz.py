"""The maps once more as ohe.npz and attr.npz, which TF-MoDISco, Fi-NeMo and tangermeme read."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lucidna.attribution.hdf5 import ROWS_PER_BLOCK, AttributionFile
from lucidna.files import atomic_path


def write_npz(attributions: str | os.PathLike, onehot: str | os.PathLike, maps: str | os.PathLike) -> None:
    """Write the sequences and the hypothetical maps of an attribution file, (N, 4, L) each, as `arr_0`.

    Memory does not grow with the number of regions.

    Parameters
    ----------
    attributions : path
        Written by `hdf5.write_attributions`.
    onehot, maps : path
        The two files; int8, and float32 in units of the output.
    """
    with AttributionFile(attributions) as file:
        shape = (len(file), 4, file.length)
        _stream(onehot, shape, np.int8, lambda rows: file.read(rows).onehot)
        _stream(maps, shape, np.float32, lambda rows: file.read(rows).maps)


def _stream(path: str | os.PathLike, shape: tuple[int, ...], dtype: type, block: Callable[[slice], np.ndarray]) -> None:
    """Write an array of a shape into a compressed npz, some rows at a time."""
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    # A fixed date: the same maps give the same bytes.
    entry = zipfile.ZipInfo("arr_0.npy", date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    with (
        atomic_path(path) as temporary,
        zipfile.ZipFile(Path(temporary), "w") as archive,
        archive.open(entry, "w", force_zip64=True) as handle,
    ):
        np.lib.format.write_array_header_1_0(handle, header)
        for start in range(0, shape[0], ROWS_PER_BLOCK):
            rows = slice(start, min(start + ROWS_PER_BLOCK, shape[0]))
            handle.write(np.ascontiguousarray(block(rows), dtype=dtype).tobytes())
