"""Read attribution maps and their sequences from files in the layouts that the field's tools write."""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from lucidna.errors import UserError
from lucidna.files import read_tsv
from lucidna.ranking.prepare import codes_of, misplaced

H5_SEQUENCES = ("raw/seq", "input_seqs")
H5_MAPS = {
    "hypothetical": ("shap/seq", "hyp_scores"),
    "projected": ("projected_shap/seq",),
}
"""Datasets of ChromBPNet's layout, (N, 4, L), and of BPNet's, (N, L, 4)."""

_BLOCK = 512

_UNREADABLE = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error)


class MapFile:
    """The maps of one candidate: opened, their shapes checked, rows read when asked for.

    Parameters
    ----------
    entry : mapping
        An entry of `external` of kind maps, with its defaults.
    where : str
        Its config key, for messages.

    Attributes
    ----------
    n_regions, length : int
        N, and L in bp.
    ids : list of str or None
        Names of the N regions, where the file or the entry has them.
    contributions : str
        "hypothetical" or "projected".
    path : Path
        Of the maps.

    Raises
    ------
    UserError
        A file that is missing or not readable, an array that is not there or of another shape.
    """

    def __init__(self, entry: Mapping[str, Any], where: str):
        self.where, self.contributions = where, entry["contributions"]
        self.path = path = Path(entry["maps"])
        file = _open(path, where)
        self._maps = _array(file, path, where, entry["key"], H5_MAPS[self.contributions])
        if entry["onehot"] is None and not isinstance(file, h5py.File):
            raise UserError(f"config key '{where}' lacks 'onehot': name the file of the one-hot sequences of its maps")
        self._onehot_path = onehot_path = path if entry["onehot"] is None else Path(entry["onehot"])
        source = file if entry["onehot"] is None else _open(onehot_path, where)
        self._onehot = _array(source, onehot_path, where, entry["onehot_key"], H5_SEQUENCES)
        shape = _shape(self._onehot, onehot_path, where)
        flat = self.contributions == "projected" and self._maps.ndim == 2
        own = self._maps.shape if flat else _shape(self._maps, path, where)
        self.n_regions, _, self.length = shape
        if (own[0], own[-1]) != (self.n_regions, self.length):
            raise UserError(
                f"config key '{where}': {path} has maps of {own[0]} regions of {own[-1]} bp and {onehot_path} "
                f"sequences of {self.n_regions} regions of {self.length} bp: give the files of one run"
            )
        self._factor = np.float32(1.0 / _scale(file, path, where))
        self.ids = _ids(entry["ids"], file, where)
        if self.ids is not None and len(self.ids) != self.n_regions:
            raise UserError(
                f"config key '{where}': there are {len(self.ids)} region ids for maps of {self.n_regions} regions: "
                "give one for each, in the order of the maps"
            )

    def codes(self) -> np.ndarray:
        """Return the sequences of all regions, uint8 (N, L), A C G T N = 0 1 2 3 4."""
        blocks = [slice(start, start + _BLOCK) for start in range(0, self.n_regions, _BLOCK)]
        return np.concatenate([codes_of(self._sequences(rows)) for rows in blocks])

    def _sequences(self, rows: slice) -> np.ndarray:
        onehot = _length_last(_read(self._onehot, rows, self._onehot_path, self.where))
        if not (np.isin(onehot, (0, 1)).all() and (onehot.sum(axis=1) <= 1).all()):
            raise UserError(
                f"config key '{self.where}': its sequences are not one-hot: every position must hold a single 1, or "
                "zeros for N"
            )
        return onehot

    def maps(self, rows: np.ndarray | slice, codes: np.ndarray) -> np.ndarray:
        """Return the maps of some regions.

        Parameters
        ----------
        rows
            (n,), increasing, or a slice.
        codes
            uint8 (n, L), their sequences.

        Returns
        -------
        float32 (n, 4, L); of projected maps, zero at the bases that are not there.

        Raises
        ------
        UserError
            Maps that are said to be hypothetical and are projected; projected maps of other sequences.
        """
        values = _read(self._maps, rows, self.path, self.where)
        if values.dtype.kind not in "fiu":
            raise UserError(
                f"config key '{self.where}': {self.path} holds {values.dtype} and no numbers: give real ones"
            )
        values = values.astype(np.float32) * self._factor
        present = codes[:, None, :] == np.arange(4, dtype=np.uint8)[None, :, None]
        if values.ndim == 2:
            return values[:, None, :] * present
        values = _length_last(values)
        problem = misplaced(values, present)
        if problem:
            raise UserError(f"config key '{self.where}': {problem}")
        if self.contributions == "projected":
            return values * present
        if values.any() and not values[~present].any():
            raise UserError(
                f"config key '{self.where}': its maps are zero at every base that is not in the sequence, so they are "
                "projected: set contributions: projected, or give the hypothetical ones"
            )
        return values


def _open(path: Path, where: str) -> Any:
    """Return an open HDF5 file, or a mapping name -> array; plain .npy is memory-mapped."""
    if not path.is_file():
        raise UserError(f"config key '{where}': there is no file '{path}' (paths are relative to {Path.cwd()})")
    try:
        if path.suffix in (".h5", ".hdf5"):
            with contextlib.suppress(ImportError):
                import hdf5plugin  # noqa: F401  the compressions of ChromBPNet's files, where it is installed
            return h5py.File(path, "r")
        if path.suffix == ".npy":
            array = np.load(path, mmap_mode="r", allow_pickle=False)
            if not isinstance(array, np.ndarray):
                raise ValueError("it holds several arrays, as .npz does")
            return {"arr_0": array}
        if path.suffix == ".npz":
            arrays = np.load(path, allow_pickle=False)
            if isinstance(arrays, np.ndarray):
                raise ValueError("it holds one array, as .npy does")
            return arrays
    except _UNREADABLE as error:
        raise UserError(f"config key '{where}': {path} cannot be read ({error}): write it again") from error
    raise UserError(f"config key '{where}': {path} is of no known format: give .npz, .npy or .h5")


def _array(file: Any, path: Path, where: str, key: str | None, names: tuple[str, ...]) -> Any:
    """Return the array called `key`, or by one of the usual names, or the only one."""
    h5 = isinstance(file, h5py.File)
    known = _datasets(file) if h5 else list(file)
    if key is None:
        wanted = names if h5 else ("arr_0",)
        key = next((name for name in wanted if name in known), known[0] if len(known) == 1 else None)
        if key is None:
            raise UserError(
                f"config key '{where}': {path} has none of {', '.join(wanted)}: name one of "
                f"{', '.join(known) or 'its arrays (it is empty)'} with key or onehot_key"
            )
    elif key not in known:
        raise UserError(f"config key '{where}': {path} has no array '{key}': it has {', '.join(known)}")
    try:
        return file[key]
    except _UNREADABLE as error:
        raise UserError(f"config key '{where}': '{key}' in {path} cannot be read ({error}): write it again") from error


def _read(array: Any, rows: np.ndarray | slice, path: Path, where: str) -> np.ndarray:
    """Return rows of an array; those of HDF5 may be damaged, or compressed by what is not installed."""
    try:
        return np.asarray(array[rows])
    except _UNREADABLE as error:
        raise UserError(
            f"config key '{where}': the values of {path} cannot be read ({error}): write them again, compressed with "
            "gzip or not at all"
        ) from error


def _scale(file: Any, path: Path, where: str) -> float:
    """Return what the maps of one of our own files were multiplied by; 1 for others."""
    scale = file.attrs.get("map_scale", 1.0) if isinstance(file, h5py.File) else 1.0
    if isinstance(scale, (int, float, np.number)) and np.isfinite(scale) and scale > 0:
        return float(scale)
    raise UserError(
        f"config key '{where}': the attribute map_scale of {path} is {scale!r}, not a number above 0: maps are divided "
        "by it, so write a number or leave it out"
    )


def _datasets(file: h5py.File) -> list[str]:
    names: list[str] = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return names


def _shape(array: Any, path: Path, where: str) -> tuple[int, int, int]:
    shape = tuple(array.shape)
    if len(shape) == 3 and shape[1] == 4:
        return shape
    if len(shape) == 3 and shape[2] == 4:
        return shape[0], 4, shape[1]
    raise UserError(
        f"config key '{where}': an array in {path} has shape {shape}: give (regions, 4, length) or (regions, length, 4)"
    )


def _length_last(values: np.ndarray) -> np.ndarray:
    return values if values.shape[1] == 4 else values.transpose(0, 2, 1)


def _ids(path: str | None, file: Any, where: str) -> list[str] | None:
    """Read region ids from a table with region_id, a BED file, or one per line; or from the maps' own file."""
    if path is None:
        if isinstance(file, h5py.File) and "region_id" in file:
            try:
                return [name.decode("utf-8") for name in file["region_id"][:].tolist()]
            except (*_UNREADABLE, AttributeError, TypeError) as error:
                raise UserError(
                    f"config key '{where}': region_id in {file.filename} is no list of names in UTF-8 ({error}): leave "
                    "it out, or write names"
                ) from error
        return None
    try:
        lines = [line for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"config key '{where}': {path} cannot be read as text ({error})") from error
    if lines and "region_id" in lines[0].split("\t"):
        ids = read_tsv(path)["region_id"].tolist()
    else:
        fields = [line.split("\t") for line in lines if not line.startswith(("#", "track", "browser"))]
        bed = all(len(field) >= 3 and field[1].isdigit() and field[2].isdigit() for field in fields)
        ids = [f"{field[0]}:{field[1]}-{field[2]}" if bed else field[0] for field in fields]
    twice = pd.Series(ids)[pd.Series(ids).duplicated()]
    if len(twice):
        raise UserError(f"config key '{where}': region '{twice.iloc[0]}' is twice in {path}: each is compared once")
    return ids
