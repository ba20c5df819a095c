"""Check each track against the genome before anything is built on it, and say which file is which channel."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import figwig
import numpy as np

from lucidna.bigwig import check_bigwig, open_bigwig, read_chromosome
from lucidna.errors import UserError
from lucidna.genome import other_spelling
from lucidna.sheet import Track, read_sheet

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

_SPAN = 1 << 24  # bases of a chromosome checked at once (64 MiB)

logger = logging.getLogger(__name__)


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
            f"it has {other!r}: set genome.aliases: {{{other!r}: {chrom!r}}} or rename it"
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
        silent = values.pop("silent")
        if silent:
            notices.append(f"track {track.name}: {column} {path} is zero throughout {', '.join(silent)}")
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
    silent = []
    spoken = time.monotonic()
    for chrom in chroms:
        before = nonzero
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
        if nonzero == before:
            silent.append(chrom)
    bases = sum(sizes[chrom] for chrom in chroms)
    return {
        "sum": total,
        "mean": total / bases if bases else 0.0,
        "minimum": low if bases else 0.0,
        "maximum": high if bases else 0.0,
        "nonzero": nonzero / bases if bases else 0.0,
        "integers": whole,
        "silent": silent,
    }
