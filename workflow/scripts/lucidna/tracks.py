"""The sheet of tracks, and the check of each track against the genome before anything is built on it."""

from __future__ import annotations

import csv
import logging
import math
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import figwig
import numpy as np

from lucidna.bigwig import check_bigwig, open_bigwig, read_chromosome
from lucidna.errors import UserError, nearest
from lucidna.genome import other_spelling

__all__ = [
    "Track",
    "check_bigwig",
    "check_track",
    "controls_of",
    "name_in_track",
    "read_chromosome",
    "read_sheet",
    "signals_of",
]

KINDS = ("binary", "counts", "profile")
_COLUMNS = ("name", "bigwig", "minus_bigwig", "control", "kind", "scale")
_SPAN = 1 << 24  # bases of a chromosome checked at once (64 MiB)

logger = logging.getLogger(__name__)


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


def read_sheet(path: str | os.PathLike) -> list[Track]:
    """Read the sheet of tracks.

    Parameters
    ----------
    path : path
        Tab-separated text with a header: name, bigwig and, if wanted, minus_bigwig, control, kind, scale. An
        empty field is the default. Paths are relative to the working directory. Lines that begin with # are
        comments.

    Returns
    -------
    list of Track
        In the order of the sheet.

    Raises
    ------
    UserError
        With the file and the line number: an unknown or missing column, a repeated name, a file that is not
        there, a bad kind or scale, an empty sheet.
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
        track = _track(f"{path}, line {number}", row)
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


def _track(where: str, row: Mapping[str, str]) -> Track:
    for column in ("name", "bigwig"):
        if column not in row:
            raise UserError(f"{where}: {column} is empty: fill it in")
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
        if not Path(file).is_file():
            raise UserError(f"{where}: {column} {file} is not there: correct the path")
    if track.minus_bigwig is not None and Path(track.minus_bigwig).samefile(track.bigwig):
        raise UserError(f"{where}: bigwig and minus_bigwig are the same file {track.bigwig}: correct one")
    return track


def signals_of(tracks: Sequence[Track]) -> tuple[list[str], list[list[int]], list[bool]]:
    """List the channels of the signals: files in the order of the tracks, plus before minus.

    Returns
    -------
    paths : list of str
        (C,) file of each channel.
    channels : list of list of int
        Channels of each track.
    is_minus : list of bool
        (C,) whether the channel is a minus strand.
    """
    paths: list[str] = []
    channels: list[list[int]] = []
    is_minus: list[bool] = []
    for track in tracks:
        strands = [path for path in (track.bigwig, track.minus_bigwig) if path is not None]
        channels.append(list(range(len(paths), len(paths) + len(strands))))
        paths += strands
        is_minus += [False, True][: len(strands)]
    return paths, channels, is_minus


def controls_of(tracks: Sequence[Track]) -> tuple[list[str], list[list[int]]]:
    """List the distinct control files (K,), and the control channels of each track."""
    paths = list(dict.fromkeys(track.control for track in tracks if track.control is not None))
    return paths, [[] if track.control is None else [paths.index(track.control)] for track in tracks]


def name_in_track(
    reader: figwig.BigWigReader, chrom: str, size: int | None, *, aliases: Mapping[str, str] | None = None
) -> str:
    """Return the name that a bigWig gives to a chromosome of the genome.

    Parameters
    ----------
    reader : figwig.BigWigReader
        The file.
    chrom : str
        Name in the genome.
    size : int or None
        Length in the genome, bp; None leaves it unchecked.
    aliases : mapping, optional
        Name in the files -> name in the genome.

    Raises
    ------
    UserError
        When the file lacks the chromosome (with the spelling that it has, if any) or gives it another length.
    """
    sizes = reader.chrom_sizes
    renamed = [str(name) for name, target in (aliases or {}).items() if str(target) == chrom]
    name = next((name for name in [*renamed, chrom] if name in sizes), None)
    if name is None:
        other = other_spelling(chrom, sizes)
        remedy = (
            f"it has {other!r}: set genome.aliases: {{{other}: {chrom}}} or rename it"
            if other
            else f"it has {', '.join(list(sizes)[:5])}: leave those regions out or write zeros there"
        )
        raise UserError(f"track {reader.path} has no chromosome {chrom!r}, where regions lie: {remedy}")
    if size is not None and sizes[name] != size:
        raise UserError(
            f"track {reader.path} gives {name} {sizes[name]} bp, the genome {size} bp: "
            "they are of different assemblies; use the same for both"
        )
    return name


def check_track(
    track: Track,
    sizes: Mapping[str, int],
    chroms: Iterable[str],
    *,
    aliases: Mapping[str, str] | None = None,
    threads: int = 1,
) -> tuple[dict[str, Any], list[str]]:
    """Check every file of a track on the chromosomes that hold regions, in pieces of 16 Mb.

    Parameters
    ----------
    track : Track
        One track of the sheet.
    sizes : mapping
        Chromosome of the genome -> length.
    chroms : iterable of str
        The genome's chromosomes that hold regions.
    aliases : mapping, optional
        Name in the files -> name in the genome.
    threads : int
        Threads that decode.

    Returns
    -------
    summary : dict
        "name", "kind", "scale" and for each column of files: "path", "sum", "minimum", "maximum", "mean",
        "nonzero" (fraction of bases), "integers" (whether all values are whole).
    notices : list of str
        What the user should know although nothing stops.

    Raises
    ------
    UserError
        When a file is damaged, lacks a chromosome or gives it another length, stores NaN or infinity, is zero
        throughout, or is negative where only values from 0 make sense.
    """
    summary: dict[str, Any] = {"name": track.name, "kind": track.kind, "scale": track.scale}
    notices: list[str] = []
    chroms = list(dict.fromkeys(chroms))
    for column, path in track.files.items():
        values = _summarise(path, sizes, chroms, aliases, threads)
        if values["maximum"] == values["minimum"] == 0:
            raise UserError(
                f"track {track.name}: {column} {path} is zero throughout {', '.join(chroms[:5])}: "
                "check that it is the right file"
            )
        if values["minimum"] < 0:
            _check_sign(f"track {track.name}: {column} {path}", column, values)
            notices.append(f"track {track.name}: the values of {column} {path} are negative; their sign is dropped")
        summary[column] = {"path": str(path), **values}
    return summary, notices


def _check_sign(where: str, column: str, values: Mapping[str, float]) -> None:
    if values["maximum"] > 0:
        raise UserError(
            f"{where} has values of both signs ({values['minimum']:g} to {values['maximum']:g}): give a "
            "signal from 0 on, such as counts or coverage, not a log ratio"
        )
    if column != "minus_bigwig":
        raise UserError(f"{where} has negative values only: list it as minus_bigwig, or write it with values from 0")


def _summarise(
    path: str,
    sizes: Mapping[str, int],
    chroms: Sequence[str],
    aliases: Mapping[str, str] | None,
    threads: int,
) -> dict[str, Any]:
    reader = open_bigwig(path)
    names = {chrom: name_in_track(reader, chrom, sizes[chrom], aliases=aliases) for chrom in chroms}
    buffer = np.empty(min(_SPAN, max((sizes[chrom] for chrom in chroms), default=0)), dtype=np.float32)
    total, nonzero, low, high, whole = 0.0, 0, math.inf, -math.inf, True
    spoken = time.monotonic()
    for chrom in chroms:
        for start in range(0, sizes[chrom], _SPAN):
            n = min(_SPAN, sizes[chrom] - start)
            values = read_chromosome(reader, names[chrom], n, start=start, out=buffer[:n], threads=threads)
            total += float(values.sum(dtype=np.float64))
            nonzero += int(np.count_nonzero(values))
            low, high = min(low, float(values.min())), max(high, float(values.max()))
            whole = whole and bool((values == np.rint(values)).all())
            if time.monotonic() - spoken > 5:
                spoken = time.monotonic()
                logger.info("checking %s: %s, %d of %d bp", path, chrom, start + n, sizes[chrom])
    bases = sum(sizes[chrom] for chrom in chroms)
    return {
        "sum": total,
        "mean": total / bases if bases else 0.0,
        "minimum": low if bases else 0.0,
        "maximum": high if bases else 0.0,
        "nonzero": nonzero / bases if bases else 0.0,
        "integers": whole,
    }
