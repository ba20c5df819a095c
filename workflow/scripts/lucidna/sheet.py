"""Read the sheet of tracks: text only, so that a workflow is planned without any reader of bigWigs."""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lucidna.errors import UserError, nearest

KINDS = ("binary", "counts", "profile")
_COLUMNS = ("name", "bigwig", "minus_bigwig", "control", "kind", "scale")


@dataclass(frozen=True)
class Track:
    """One measured signal.

    Attributes
    ----------
    name : str
        Unique name, the task it becomes.
    bigwig : str
        Path of the bigWig: the whole signal, or its plus strand when `minus_bigwig` is given.
    minus_bigwig : str or None
        Path of the minus strand; its values may all be negative, their sign is then dropped.
    control : str or None
        Path of the control's bigWig.
    kind : str
        "auto", "binary", "counts" or "profile".
    scale : float
        Factor on every value, above 0.
    """

    name: str
    bigwig: str
    minus_bigwig: str | None = None
    control: str | None = None
    kind: str = "auto"
    scale: float = 1.0

    @property
    def files(self) -> dict[str, str]:
        """The files that are given: column of the sheet -> path."""
        files = {"bigwig": self.bigwig, "minus_bigwig": self.minus_bigwig, "control": self.control}
        return {column: path for column, path in files.items() if path is not None}


def read_sheet(path: str | os.PathLike, *, target: str | None = None, made_below: str | None = None) -> list[Track]:
    """Read the sheet of tracks.

    Parameters
    ----------
    path : path
        Tab-separated text with a header: name, bigwig and, if wanted, minus_bigwig, control, kind, scale. An
        empty field is the default. Paths are relative to the working directory. Lines that begin with # are
        comments.
    target : {"binary", "counts", "profile"}, optional
        What the models predict: a track of another kind is an error.
    made_below : str, optional
        Start of the paths that need not be there yet, because the workflow makes them.

    Returns
    -------
    list of Track
        In the order of the sheet.

    Raises
    ------
    UserError
        With the file and the line number: an unknown or missing column, a repeated name, a file that is not
        there, a bad kind or scale, a name that cannot name a folder, an empty sheet.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise UserError(f"sheet of tracks {path} cannot be read ({error.strerror}): check `tracks`") from error
    except UnicodeDecodeError as error:
        raise UserError(f"sheet of tracks {path} is not text: give tab-separated text") from error
    numbered = [
        (number, [field.strip() for field in fields])
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.startswith("#")
        for fields in csv.reader([line], delimiter="\t")
    ]
    if len(numbered) < 2:
        raise UserError(f"sheet of tracks {path} lists no track: give a header line and one line per track")
    header = numbered[0][1]
    _check_header(path, numbered[0][0], header)
    tracks: list[Track] = []
    for number, fields in numbered[1:]:
        if len(fields) > len(header):
            raise UserError(f"{path}, line {number}: {len(fields)} fields under {len(header)} columns: remove some")
        row = {column: field for column, field in zip(header, fields, strict=False) if field}
        track = _track(f"{path}, line {number}", row, made_below)
        if target is not None and track.kind not in ("auto", target):
            raise UserError(
                f"{path}, line {number}: track {track.name!r} is meant for target {track.kind!r}, but the config's "
                f"target is {target!r}: change one of them or leave the kind empty"
            )
        if any(track.name == other.name for other in tracks):
            raise UserError(f"{path}, line {number}: track {track.name!r} is listed twice: give it another name")
        tracks.append(track)
    return tracks


def _check_header(path: Path, number: int, header: Sequence[str]) -> None:
    for column in header:
        if column not in _COLUMNS:
            close = nearest(column, _COLUMNS)
            remedy = f"did you mean {close!r}?" if close else f"the columns are {', '.join(_COLUMNS)}"
            raise UserError(f"{path}, line {number}: unknown column {column!r}: {remedy}")
        if header.count(column) > 1:
            raise UserError(f"{path}, line {number}: column {column!r} appears twice: keep one")
    for column in ("name", "bigwig"):
        if column not in header:
            raise UserError(f"{path}, line {number}: no column {column!r}: add it (columns are separated by tabs)")


def _track(where: str, row: Mapping[str, str], made_below: str | None) -> Track:
    for column in ("name", "bigwig"):
        if column not in row:
            raise UserError(f"{where}: {column} is empty: fill it in")
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", row["name"]):
        raise UserError(
            f"{where}: the track name {row['name']!r} also names folders: use letters, digits, '_', '.' and '-'"
        )
    kind = row.get("kind", "auto")
    if kind not in (*KINDS, "auto"):
        raise UserError(f"{where}: kind {kind!r} is not one of {', '.join(KINDS)}: correct it or leave it empty")
    try:
        scale = float(row.get("scale", "1"))
    except ValueError:
        scale = math.nan
    if not (0 < scale < math.inf):
        raise UserError(f"{where}: scale {row['scale']!r} is not a number above 0: correct it or leave it empty")
    track = Track(row["name"], row["bigwig"], row.get("minus_bigwig"), row.get("control"), kind, scale)
    for column, file in track.files.items():
        if not (made_below and file.startswith(made_below)) and not Path(file).is_file():
            raise UserError(
                f"{where}: {column} {file} is not there (paths are relative to {Path.cwd()}): correct the path"
            )
    if track.minus_bigwig is not None and Path(track.minus_bigwig).resolve() == Path(track.bigwig).resolve():
        raise UserError(f"{where}: bigwig and minus_bigwig are the same file {track.bigwig}: correct one")
    return track
