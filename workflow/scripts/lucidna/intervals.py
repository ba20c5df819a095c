"""Read the intervals of BED and narrowPeak files, and check them against a genome."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from lucidna.errors import UserError
from lucidna.genome import resolve_chromosomes

#: Values of the setting that says where the window of an interval is centred.
CENTRES = ("auto", "summit", "midpoint")

#: bp of a chromosome that BED and VCF files can be indexed for (the .tbi of tabix; SAM/BAM specification group).
INDEXED = 2**29

#: The position of the summit offset in a narrowPeak line (0-based); -1 there means "no summit called".
_SUMMIT_FIELD = 9


def read_intervals(
    path: str | os.PathLike,
    *,
    centre: str = "auto",
    aliases: Mapping[str, str] | None = None,
    unique: bool = True,
    key: str = "regions.centre",
) -> pd.DataFrame:
    """Read a BED3+ or narrowPeak file, plain or gzipped, and check every line.

    A file is narrowPeak when its first interval has exactly 10 columns, or at least 10 and "narrowPeak" in
    the file name (IDR writes 20). Fields are separated by tabs, or by spaces in lines without a tab; Windows
    line ends are accepted; blank lines, comments (#) and `track` and `browser` lines are skipped.

    Parameters
    ----------
    path : path
        The file.
    centre : {"auto", "summit", "midpoint"}
        Where windows are centred: on start + column 10 of a narrowPeak, or on (start + end) // 2. "auto"
        takes the summit where the line has one and the midpoint elsewhere; "summit" refuses lines without
        one.
    aliases : mapping, optional
        Chromosome name in the file -> name in the genome; names that are not in it stay.
    unique : bool
        Whether two lines with the same interval and centre are an error.
    key : str
        The config key of `centre`, for messages.

    Returns
    -------
    DataFrame
        One row per interval in the order of the file: chrom, start, end (bp, 0-based, half-open), summit
        (absolute 0-based position of the centre), strand ("+", "-" or "."), name ("." when there is none),
        score (NaN when there is none), line (1-based), centred_on ("summit" or "midpoint").

    Raises
    ------
    UserError
        For a missing, binary or empty file, a malformed line, a summit outside its interval, or two lines
        with the same interval and centre.
    """
    if centre not in CENTRES:
        raise UserError(f"config key '{key}' is {centre!r}: choose one of {', '.join(CENTRES)}")
    aliases = aliases or {}
    named_narrow = ".narrowpeak" in Path(path).name.lower()
    narrow = None
    records = []
    for number, line in enumerate(_read_text(path).split("\n"), 1):
        fields = _fields(line)
        if not fields:
            continue
        where = f"{path}, line {number}"
        if narrow is None:
            narrow = len(fields) == 10 or (named_narrow and len(fields) > 10)
            if centre == "summit" and not narrow:
                raise UserError(
                    f"{where}: there are {len(fields)} columns and no summit (column 10 of a narrowPeak), "
                    f"but {key} is 'summit': set it to 'midpoint' or give a narrowPeak file"
                )
        records.append((*_parse(fields, where, narrow=narrow, centre=centre, key=key), number))
    if not records:
        raise UserError(f"{path} has no intervals: give a BED or narrowPeak file with at least one line")

    columns = ["chrom", "start", "end", "summit", "strand", "name", "score", "centred_on", "line"]
    frame = pd.DataFrame.from_records(records, columns=columns)
    frame["chrom"] = [aliases.get(name, name) for name in frame["chrom"]]
    if unique:
        _refuse_duplicates(frame, path)
    return frame[["chrom", "start", "end", "summit", "strand", "name", "score", "line", "centred_on"]]


def read_blacklist(
    path: str | os.PathLike, sizes: Mapping[str, int], *, aliases: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Read the intervals to avoid; repeats do no harm, and chromosomes that the genome lacks are left out.

    Parameters
    ----------
    path : path
        A BED file.
    sizes : mapping
        Chromosomes of the genome.
    aliases : mapping, optional
        Chromosome name in the file -> name in the genome.

    Returns
    -------
    intervals : DataFrame
        As from `read_intervals`.
    notices : list of str
        Which chromosomes were left out.

    Raises
    ------
    UserError
        As `read_intervals`; for a chromosome that the genome spells in another way; when none is left.
    """
    intervals = read_intervals(path, centre="midpoint", aliases=aliases, unique=False)
    known = resolve_chromosomes(intervals["chrom"], sizes, where=f"blacklist {path}", missing="skip")
    absent = [name for name in dict.fromkeys(intervals["chrom"]) if name not in known]
    intervals = intervals.loc[intervals["chrom"].isin(list(known))]
    if intervals.empty:
        raise UserError(
            f"blacklist {path} has no chromosome of the genome (it has {', '.join(absent[:5])}): give the "
            "blacklist of this genome assembly"
        )
    notices = [f"blacklist {path}: chromosomes not in the genome are left out: {', '.join(absent)}"]
    return intervals, notices if absent else []


def check_indexable(intervals: pd.DataFrame, path: str | os.PathLike) -> None:
    """Raise UserError where intervals (chrom, end) of a file reach beyond what a tabix index can hold."""
    beyond = (intervals["end"] > INDEXED).to_numpy()
    if beyond.any():
        row = intervals.iloc[int(np.argmax(beyond))]
        raise UserError(
            f"{path}: {beyond.sum()} intervals end beyond {INDEXED:,} bp of their chromosome, the first of them at "
            f"{row['end']:,} of {row['chrom']}, and the indices (.tbi) of results cannot hold that: cut such "
            "chromosomes in two, in the genome and all files, or exclude them"
        )


def check_against_genome(intervals: pd.DataFrame, sizes: Mapping[str, int], path: str | os.PathLike) -> list[str]:
    """Check that the centre of every interval lies on a chromosome of the genome.

    Peak callers that extend reads write intervals that reach a little past the end of a chromosome; these are
    accepted with a notice, since their windows are dropped where they do not fit.

    Parameters
    ----------
    intervals : DataFrame
        What `read_intervals` returned (names already in the genome's words).
    sizes : mapping
        Chromosome -> length in bp.
    path : path
        The file of the intervals, for the messages.

    Returns
    -------
    list of str
        A notice when some intervals reach past an end.

    Raises
    ------
    UserError
        For a chromosome that the genome does not have, an interval centred past the end of its chromosome, or one
        that no index could hold.
    """
    unknown = ~intervals["chrom"].isin(list(sizes)).to_numpy()
    if unknown.any():
        row = intervals.iloc[int(np.argmax(unknown))]
        resolve_chromosomes([row["chrom"]], sizes, where=f"{path}, line {row['line']}")
    size = intervals["chrom"].map(dict(sizes)).to_numpy()
    outside = (intervals["summit"] >= size).to_numpy()
    if outside.any():
        row = intervals.iloc[int(np.argmax(outside))]
        raise UserError(
            f"{path}, line {row['line']}: the interval {row['chrom']}:{row['start']}-{row['end']} is past "
            f"the end of {row['chrom']} ({sizes[row['chrom']]} bp): give the intervals of this genome "
            "assembly"
        )
    check_indexable(intervals, path)
    past = (intervals["end"] > size).to_numpy()
    if not past.any():
        return []
    row = intervals.iloc[int(np.argmax(past))]
    return [
        f"{path}: {int(past.sum())} intervals reach past the end of their chromosome, the first on line "
        f"{row['line']}, {row['chrom']}:{row['start']}-{row['end']} of {sizes[row['chrom']]} bp; their "
        "windows are dropped where they do not fit"
    ]


def _read_text(path: str | os.PathLike) -> str:
    try:
        content = Path(path).read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except FileNotFoundError:
        raise UserError(f"there is no file '{path}': correct the path in the config") from None
    except (IsADirectoryError, PermissionError) as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): give a readable BED file") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{path} is a damaged gzip file ({error}): copy or download it again") from error
    if b"\0" in content[:4096]:
        raise UserError(f"{path} is a binary file, not BED text: convert it (bigBed: with bigBedToBed)")
    return content.decode("utf-8-sig", errors="replace")


def _fields(line: str) -> list[str]:
    """Split one line; nothing is left of blank lines, comments and browser settings."""
    line = line.rstrip("\r")
    words = line.split()
    if not words or words[0].startswith("#") or words[0] in ("track", "browser"):
        return []
    return [field.strip() for field in line.split("\t")] if "\t" in line else words


def _parse(fields: list[str], where: str, *, narrow: bool, centre: str, key: str) -> tuple:
    """Return chrom, start, end, summit, strand, name, score, centred_on of one line."""
    needed = 10 if narrow else 3
    if len(fields) < needed:
        form = "as the first interval of this narrowPeak has" if narrow else "for chrom, start and end"
        raise UserError(f"{where}: there are {len(fields)} columns: give at least {needed}, {form}, separated by tabs")
    chrom = fields[0]
    if not chrom:
        raise UserError(f"{where}: the chromosome (column 1) is empty: name it or remove the line")
    start = _whole(fields[1], "start (column 2)", where)
    end = _whole(fields[2], "end (column 3)", where)
    if start < 0:
        raise UserError(f"{where}: the start {start} is negative: BED positions count from 0")
    if start >= end:
        raise UserError(f"{where}: the start {start} is not below the end {end}: correct or remove the line")

    summit, centred_on = (start + end) // 2, "midpoint"
    if narrow and centre != "midpoint":
        offset = _whole(fields[_SUMMIT_FIELD], "summit (column 10)", where)
        if offset == -1 and centre == "summit":
            raise UserError(
                f"{where}: the summit (column 10) is -1, none was called, but {key} is 'summit': "
                "set it to 'auto' to take the midpoint there"
            )
        if offset != -1:
            if not 0 <= offset < end - start:
                raise UserError(
                    f"{where}: the summit (column 10) {offset} lies outside the interval of {end - start} "
                    "bp: it counts from the start of the interval, so give a value from 0 to its length - 1"
                )
            summit, centred_on = start + offset, "summit"
    name = (fields[3] if len(fields) > 3 else "") or "."
    strand = fields[5] if len(fields) > 5 and fields[5] in ("+", "-") else "."
    return chrom, start, end, summit, strand, name, _number(fields[4] if len(fields) > 4 else ""), centred_on


def _whole(text: str, what: str, where: str) -> int:
    if not (text.isascii() and text.removeprefix("-").isdigit()):
        raise UserError(
            f"{where}: the {what} is {text!r}, not a whole number: correct it (a header line must begin with #)"
        )
    return int(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _refuse_duplicates(frame: pd.DataFrame, path: str | os.PathLike) -> None:
    key = ["chrom", "start", "end", "summit"]
    again = frame.duplicated(key)
    if not again.any():
        return
    row = frame.loc[again].iloc[0]
    first = frame.loc[(frame[key] == row[key]).all(axis=1), "line"].iloc[0]
    raise UserError(
        f"{path}: lines {first} and {row['line']} are the same region, "
        f"{row['chrom']}:{row['start']}-{row['end']} with its centre at {row['summit']} ({int(again.sum())} "
        "such repeats in the file): remove the repeats"
    )
