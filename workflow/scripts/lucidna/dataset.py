"""The dataset of an experiment: one folder of arrays and tables whose rows all carry their region's id."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lucidna.errors import UserError, nearest
from lucidna.files import read_json

COLUMNS = (
    "region_id",
    "chrom",
    "start",
    "end",
    "summit",
    "strand",
    "role",
    "name",
    "gc",
    "source_line",
)


class Dataset:
    """A dataset on disk, its arrays memory-mapped.

    Attributes
    ----------
    directory : pathlib.Path
        Where it lies.
    info : dict
        dataset.json.
    rows : pandas.DataFrame
        rows.tsv, N lines.
    sequences : numpy.ndarray
        uint8 (N, L + 2J), mapped.
    signals, controls : numpy.ndarray or None
        float32 (N, C or K, Lout + 2J), mapped; None where there are none.
    targets : numpy.ndarray
        float32 (N, T), mapped.
    split : numpy.ndarray or None
        str (N,), train, valid or test in the fold that was asked for.
    """

    def __init__(self, directory: Path, info: dict[str, Any], rows: pd.DataFrame, split: np.ndarray | None):
        self.directory = directory
        self.info = info
        self.rows = rows
        self.split = split
        self.sequences = self._array("sequences.npy")
        self.signals = self._array("signals.npy") if info["tracks"] else None
        self.controls = self._array("controls.npy") if info["n_controls"] else None
        self.targets = self._array("targets.npy")

    @classmethod
    def open(cls, directory: str | os.PathLike, *, fold: str | None = None) -> Dataset:
        """Open a dataset, with the split of a fold where one is named.

        Raises
        ------
        UserError
            When a file is missing, or files disagree on their rows, with both counts.
        """
        directory = Path(directory)
        for name in ("dataset.json", "rows.tsv"):
            if not (directory / name).exists():
                raise UserError(f"{directory} is not a dataset: it has no {name}; build the dataset first")
        dataset = cls(directory, read_json(directory / "dataset.json"), _read(directory / "rows.tsv"), None)
        if fold is not None:
            path = directory / "folds" / f"{fold}.tsv"
            if not path.exists():
                known = sorted(file.stem for file in path.parent.glob("*.tsv"))
                close = nearest(fold, known)
                remedy = f"did you mean {close!r}?" if close else f"there are {', '.join(known) or 'none'}"
                raise UserError(f"{directory} has no fold {fold!r}: {remedy}")
            table = _read(path)
            dataset.check(table["region_id"])
            dataset.split = table["split"].to_numpy(dtype=object)
        return dataset

    def __len__(self) -> int:
        return len(self.rows)

    def rows_of(self, split: str | None, role: str | None = None) -> np.ndarray:
        """Return int64 row numbers of a split (None: of all) and, where given, of a role."""
        chosen = np.ones(len(self.rows), dtype=bool)
        if split is not None:
            if self.split is None:
                raise UserError(f"{self.directory} was opened without a fold: name one to take its {split} rows")
            chosen &= self.split == split
        if role is not None:
            chosen &= (self.rows["role"] == role).to_numpy()
        return np.flatnonzero(chosen)

    def codes(self, indices: np.ndarray | Sequence[int], *, shift: int = 0) -> np.ndarray:
        """Return uint8 (n, L), the input windows of rows, moved right by `shift` bp (at most the jitter)."""
        window = self.info["window"]
        if abs(shift) > window["jitter"]:
            raise UserError(f"shift {shift} is beyond the dataset's jitter of {window['jitter']} bp")
        start = window["jitter"] + shift
        # Sorted rows are read from disk in order; a slice of the mapped array comes before the copy.
        return self.sequences[:, start : start + window["input"]][np.asarray(indices)]

    def check(self, region_ids: Sequence[str]) -> None:
        """Raise UserError, with both counts, unless `region_ids` are those of the rows in their order."""
        mine, theirs = self.rows["region_id"].to_numpy(dtype=object), np.asarray(region_ids, dtype=object)
        if len(mine) == len(theirs):
            differ = np.flatnonzero(mine != theirs)
            if not len(differ):
                return
            detail = f"row {differ[0]} is {mine[differ[0]]!r} here and {theirs[differ[0]]!r} there"
        else:
            detail = f"{len(set(mine) & set(theirs))} ids are in both"
        raise UserError(
            f"{self.directory} has {len(mine)} regions, the other file {len(theirs)}, and they differ "
            f"({detail}): build again what is older"
        )

    def locate(self, regions: pd.DataFrame) -> np.ndarray:
        """Return the rows (int64) that a table of region_id and row names; UserError where an id is not there."""
        indices = regions["row"].to_numpy(dtype=np.int64)
        known = self.rows["region_id"].to_numpy(dtype=object)
        inside = (indices >= 0) & (indices < len(known))
        same = inside & (known[np.where(inside, indices, 0)] == regions["region_id"].to_numpy(dtype=object))
        if not same.all():
            raise UserError(
                f"{int((~same).sum())} of {len(indices)} regions are not where {self.directory} ({len(known)} regions) "
                "has them: build again what is older"
            )
        return indices

    def _array(self, name: str) -> np.ndarray:
        path = self.directory / name
        if not path.exists():
            raise UserError(f"{self.directory} is not whole: it has no {name}; build the dataset again")
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if len(array) != len(self.rows):
            raise UserError(f"{path} has {len(array)} rows, rows.tsv {len(self.rows)}: build the dataset again")
        return array


def _read(path: Path) -> pd.DataFrame:
    """Read a table of regions; ids and names such as 001 or NA stay as they are written."""
    names = dict.fromkeys(("region_id", "chrom", "strand", "role", "name", "group", "split"), str)
    frame = pd.read_csv(path, sep="\t", dtype=names, keep_default_na=False, na_values=[""])
    return frame.fillna({name: "" for name in names if name in frame})
