"""Sequences with measured activities (reporter assays, MPRA, STARR-seq) as a dataset."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lucidna.dataset_files import save_array, write_tables
from lucidna.errors import UserError, nearest
from lucidna.sequence import CODE_OF, N
from lucidna.sequence_table import activity_columns, read_table


def read_sequences(
    table: str | os.PathLike,
    *,
    id: str = "id",
    sequence: str = "sequence",
    activities: Sequence[str] | None = None,
    group: str | None = None,
    length: int | None = None,
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, list[str], list[str]]:
    """Read a table of sequences and their activities.

    Parameters
    ----------
    table : path
        Text with a header, separated by tabs or, when the name ends in .csv or .csv.gz, by commas; may be
        gzip-compressed.
    id, sequence : str
        Columns of the unique names and of the letters.
    activities : sequence of str, optional
        Columns of the T activities; by default all other columns that are numeric throughout.
    group : str, optional
        Column that says which sequences belong together when the data are split.
    length : int, optional
        Length to pad to, bp; by default that of the longest sequence.

    Returns
    -------
    rows : pandas.DataFrame
        N lines with the columns of a dataset's rows: chrom ".", start 0, end the length before padding,
        summit half of the padded length, role "peak"; and "group" where asked for.
    codes : numpy.ndarray
        uint8 (N, length); shorter sequences are centred between Ns.
    values : numpy.ndarray
        float32 (N, T).
    names : list of str
        The T activities.
    notices : list of str
        What was padded and which columns were taken.

    Raises
    ------
    UserError
        With the line number: a letter that is not in ACGTN, an empty or repeated id, an activity that is not
        a finite number, a line with too few or too many fields, a sequence longer than `length`. When a
        column is missing.
    """
    path = Path(table)
    header, lines = read_table(path)
    for column in (id, sequence, *(activities or ()), *([group] if group else ())):
        if column not in header:
            close = nearest(column, header)
            remedy = f"did you mean {close!r}?" if close else f"it has {', '.join(header)}"
            raise UserError(f"{path} has no column {column!r}: {remedy}")
    field = {column: [fields[header.index(column)] for _, fields in lines] for column in header}
    numbers = np.array([number for number, _ in lines])
    _check_ids(path, field[id], numbers)
    codes, ends, notices = _encode_all(path, field[sequence], numbers, length)
    names = list(activities or activity_columns(path, header, lines, but=(id, sequence, group)))
    notices += [] if activities else [f"{path}: the activities are {', '.join(names)}"]
    values = np.stack([_numbers(path, name, field[name], numbers) for name in names], axis=1)
    known = np.maximum((codes < N).sum(axis=1), 1)
    rows = pd.DataFrame(
        {
            "region_id": field[id],
            "chrom": ".",
            "start": 0,
            "end": ends,
            "summit": codes.shape[1] // 2,
            "strand": ".",
            "role": "peak",
            "name": field[id],
            "gc": (((codes == 1) | (codes == 2)).sum(axis=1) / known).round(4),
            "source_line": numbers,
        }
    )
    if group:
        rows["group"] = field[group]
    return rows, codes, values.astype(np.float32), names, notices


def write_reporter_dataset(
    directory: str | os.PathLike,
    table: str | os.PathLike,
    *,
    id: str = "id",
    sequence: str = "sequence",
    activities: Sequence[str] | None = None,
    group: str | None = None,
    length: int | None = None,
    target: str = "counts",
) -> tuple[dict[str, Any], list[str]]:
    """Write the dataset of a reporter assay: the files of a genome's dataset without signals.

    Parameters
    ----------
    directory : path
        Receives sequences.npy, targets.npy (the activities as they are), rows.tsv and dataset.json.
    table, id, sequence, activities, group, length
        As for `read_sequences`.
    target : {"counts", "binary"}
        Whether the activities are regressed on, or classes 0 and 1.

    Returns
    -------
    info : dict
        The content of dataset.json.
    notices : list of str
        From `read_sequences`.

    Raises
    ------
    UserError
        As `read_sequences`; when `target` is "profile", or "binary" with an activity besides 0 and 1.
    """
    if target not in ("counts", "binary"):
        raise UserError(f"target {target!r} needs tracks: with sequences.table set target: counts or binary")
    rows, codes, values, names, notices = read_sequences(
        table, id=id, sequence=sequence, activities=activities, group=group, length=length
    )
    if target == "binary":
        check_classes(table, rows, values, names)
    directory = Path(directory)
    (directory / "dataset.json").unlink(missing_ok=True)  # it says that the other files are whole
    save_array(directory / "sequences.npy", codes)
    info = write_tables(
        directory,
        rows=rows,
        targets=values,
        description={
            "kind": "sequences",
            "target": target,
            "window": {"input": codes.shape[1], "output": codes.shape[1], "jitter": 0},
            "tasks": names,
            "tracks": [],
            "n_controls": 0,
        },
    )
    return info, notices


def check_classes(table: str | os.PathLike, rows: pd.DataFrame, values: np.ndarray, names: Sequence[str]) -> None:
    """Check that the activities (N, T) from `read_sequences` are classes.

    Raises
    ------
    UserError
        At the first that is neither 0 nor 1, with its line and column.
    """
    row, column = np.nonzero((values != 0) & (values != 1))
    if len(row):
        line, name = rows["source_line"].iloc[row[0]], names[column[0]]
        raise UserError(
            f"{table}, line {line}: {name} is {values[row[0], column[0]]:g}: with target: binary every "
            "activity is 0 or 1"
        )


def _check_ids(path: Path, ids: Sequence[str], numbers: np.ndarray) -> None:
    seen: dict[str, int] = {}
    for name, number in zip(ids, numbers.tolist(), strict=True):
        if not name:
            raise UserError(f"{path}, line {number}: the id is empty: name every sequence")
        if name in seen:
            raise UserError(f"{path}, line {number}: id {name!r} is also on line {seen[name]}: make ids unique")
        seen[name] = number


def _encode_all(
    path: Path, texts: Sequence[str], numbers: np.ndarray, length: int | None
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return codes (N, length), the lengths (N,) before padding, and notices."""
    ends = np.array([len(text) for text in texts])
    width = int(ends.max()) if length is None else length
    for bad, what in ((ends == 0, "has no sequence: give one"), (ends > width, f"is longer than {width} bp")):
        if bad.any():
            k = int(np.argmax(bad))
            remedy = "" if ends[k] == 0 else f" ({ends[k]} bp): set window.input to the longest or shorten it"
            raise UserError(f"{path}, line {numbers[k]}: the sequence {what}{remedy}")
    codes = np.full((len(texts), width), N, dtype=np.uint8)
    for k, text in enumerate(texts):
        own = CODE_OF[np.frombuffer(text.encode("latin-1", "replace"), dtype=np.uint8)]
        bad = np.flatnonzero(own == 255)
        if len(bad):
            raise UserError(
                f"{path}, line {numbers[k]}: letter {text[bad[0]]!r} at position {bad[0]} (0-based) of the "
                "sequence: use A, C, G, T or N"
            )
        start = (width - len(text)) // 2
        codes[k, start : start + len(text)] = own
    short = int((ends < width).sum())
    notices = []
    if short:
        notices.append(
            f"{path}: {short} of {len(texts)} sequences are shorter than {width} bp (the shortest has "
            f"{ends.min()}): they are centred between Ns"
        )
    return codes, ends, notices


def _numbers(path: Path, name: str, texts: Sequence[str], numbers: np.ndarray) -> np.ndarray:
    values = np.empty(len(texts))
    for k, text in enumerate(texts):
        try:
            values[k] = float(text)
        except ValueError:
            values[k] = np.nan
        if not np.isfinite(values[k]):
            raise UserError(
                f"{path}, line {numbers[k]}: {name} is {text!r}: give a finite number or leave the line out"
            )
    return values
