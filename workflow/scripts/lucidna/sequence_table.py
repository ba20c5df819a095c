"""Read the table of a reporter assay as text: also what the planning of a workflow needs of it."""

from __future__ import annotations

import csv
import gzip
import io
import os
import zlib
from collections.abc import Collection, Sequence
from pathlib import Path

from lucidna.errors import UserError


def read_table(path: str | os.PathLike) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Read a table of sequences.

    Parameters
    ----------
    path : path
        Text with a header, separated by tabs or, when the name ends in .csv or .csv.gz, by commas; may be
        gzip-compressed.

    Returns
    -------
    header : list of str
        The columns.
    lines : list of (int, list of str)
        Line number and fields of every other line.

    Raises
    ------
    UserError
        For a file that is missing, damaged or empty, a column that is there twice, or a line with too few or too
        many fields.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        text = raw.decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"table of sequences {path} cannot be read ({reason}): check sequences.table") from error
    except (UnicodeDecodeError, EOFError, zlib.error) as error:
        raise UserError(f"table of sequences {path} is not whole text: check sequences.table") from error
    comma = path.name.removesuffix(".gz").endswith(".csv")
    reader = csv.reader(io.StringIO(text), delimiter="," if comma else "\t")
    try:
        lines = [(reader.line_num, [field.strip() for field in fields]) for fields in reader if any(fields)]
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: {error}: correct the line (is a quote left open?)") from error
    if len(lines) < 2:
        raise UserError(f"table of sequences {path} has no line below its header: give at least one sequence")
    header = lines[0][1]
    twice = next((column for column in header if header.count(column) > 1), None)
    if twice is not None:
        raise UserError(f"{path}, line {lines[0][0]}: column {twice!r} appears twice: rename one")
    for number, fields in lines[1:]:
        if len(fields) != len(header):
            raise UserError(
                f"{path}, line {number}: {len(fields)} fields under {len(header)} columns: "
                f"fields are separated by {'commas' if comma else 'tabs'}"
            )
    return header, lines[1:]


def activity_columns(
    path: str | os.PathLike,
    header: Sequence[str],
    lines: Sequence[tuple[int, Sequence[str]]],
    *,
    but: Collection[str | None],
) -> list[str]:
    """Return the columns that are numeric throughout, which hold the activities when the config names none.

    Parameters
    ----------
    path : path
        The file, for the message.
    header, lines
        From `read_table`.
    but : collection of str or None
        Columns that are something else.

    Raises
    ------
    UserError
        When there is no such column.
    """
    names = [
        column
        for place, column in enumerate(header)
        if column not in but and _is_numeric([fields[place] for _, fields in lines])
    ]
    if not names:
        others = ", ".join(column for column in header if column in but)
        raise UserError(f"{path} has no numeric column besides {others}: name the activities in sequences.activities")
    return names


def _is_numeric(texts: Sequence[str]) -> bool:
    """Tell whether a column is meant as numbers: each field is a number or empty, and not all are empty."""
    try:
        for text in filter(None, texts):
            float(text)
    except ValueError:
        return False
    return any(texts)
