"""Read and write motifs in the MEME text format."""

from __future__ import annotations

import gzip
import math
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from lucidna.errors import UserError
from lucidna.files import atomic_path

_MILLION = 1_000_000
_ROW_TOLERANCE = 1e-2
_ROUNDING = 1e-6  # by which a printed probability of 1 may exceed it


@dataclass(frozen=True)
class Motif:
    """A motif of a database.

    Attributes
    ----------
    name, alternative : str
        The two words of the MOTIF line; the second may be empty.
    ppm : ndarray, float64, shape (4, w)
        Probabilities of A, C, G, T; each column sums to 1.
    """

    name: str
    alternative: str
    ppm: np.ndarray


def read_meme(path: str | Path) -> list[Motif]:
    """Read a motif database: MEME minimal format as JASPAR, HOCOMOCO and MEME itself write it, plain or gzipped.

    Parameters
    ----------
    path : path

    Returns
    -------
    list of Motif

    Raises
    ------
    UserError
        When the file is missing, is not MEME, holds no motif, names two motifs alike (the name tells the
        matches apart), has more rows than it says, or has a row that is not four probabilities with sum 1 (within
        0.01); the line is named.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"motifs.database: there is no file '{path}': mend the path or set it to null")
    try:
        return _read(path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path}: the gzip file is damaged or cut short: fetch it again") from error


def _read(path: Path) -> list[Motif]:
    motifs: list[Motif] = []
    header: tuple[str, str] | None = None
    header_line = width = 0
    rows: list[list[float]] | None = None
    named: dict[str, int] = {}
    seen_version = False
    with _text(path) as handle:
        for number, line in enumerate(handle, start=1):
            words = line.split()
            if not words:
                continue
            if words[0] == "MEME" and len(words) > 1 and words[1] == "version":
                seen_version = True
            elif line.startswith("ALPHABET") and line.partition("=")[2].strip() != "ACGT":
                letters = (line.partition("=")[2] or line.removeprefix("ALPHABET")).strip()
                raise UserError(f"{path}, line {number}: the alphabet is '{letters}': only ALPHABET= ACGT is read")
            elif words[0] == "MOTIF":
                if header is not None:
                    raise UserError(f"{path}, line {header_line}: motif '{header[0]}' has no complete matrix")
                header, header_line, rows = (_word(words, 1, path, number), " ".join(words[2:])), number, None
                if header[0] in named:
                    raise UserError(
                        f"{path}, line {number}: motif '{header[0]}' has the name of the one in line "
                        f"{named[header[0]]}: rename or remove one of them"
                    )
                named[header[0]] = number
            elif words[0].startswith("letter-probability") and header is not None:
                found = re.search(r"\bw=\s*(-?\d+)", line)
                width, rows = int(found.group(1)) if found else 0, []
                if found and width < 1:
                    raise UserError(f"{path}, line {number}: motif '{header[0]}' has w= {width}: give its rows' number")
            elif header is not None and rows is not None:
                # Without `w=` the matrix ends at the first line that is not one of numbers.
                if width == 0 and not _is_row(words):
                    motifs.append(_motif(header, rows, path, header_line))
                    header = rows = None
                    continue
                rows.append(_row(words, path, number))
                if len(rows) == width:
                    motifs.append(_motif(header, rows, path, header_line))
                    header = rows = None
            elif header is None and motifs and len(words) == 4 and _is_row(words):
                raise UserError(
                    f"{path}, line {number}: a row beyond the {width or motifs[-1].ppm.shape[1]} of motif "
                    f"'{motifs[-1].name}': mend its w= or its matrix"
                )
    if header is not None:
        if rows and width == 0:
            motifs.append(_motif(header, rows, path, header_line))
        else:
            raise UserError(f"{path}, line {header_line}: motif '{header[0]}' has no complete matrix")
    if not seen_version:
        raise UserError(
            f"{path} is not in MEME format (no line 'MEME version ...'): convert it, e.g. with MEME's *2meme"
        )
    if not motifs:
        raise UserError(f"{path} holds no motif: give another database or set motifs.database to null")
    return motifs


def _text(path: Path) -> IO[str]:
    with path.open("rb") as handle:
        opener = gzip.open if handle.read(2) == b"\x1f\x8b" else open
    return opener(path, "rt", encoding="utf-8-sig", errors="replace")


def write_meme(
    path: str | Path,
    names: Sequence[str],
    ppms: Sequence[np.ndarray],
    *,
    sites: Sequence[int],
    background: Sequence[float] = (0.25, 0.25, 0.25, 0.25),
) -> None:
    """Write motifs in MEME minimal format; the printed numbers of each row sum to exactly 1.

    Parameters
    ----------
    path : path
    names : sequence of str
    ppms : sequence of ndarray, shape (4, w)
    sites : sequence of int
        Number of sequences behind each motif.
    background : sequence of 4 floats
        Frequencies of A, C, G, T.
    """
    lines = ["MEME version 4", "", "ALPHABET= ACGT", "", "strands: + -", "", "Background letter frequencies"]
    lines += [" ".join(f"{base} {value}" for base, value in zip("ACGT", _exact(background), strict=True)), ""]
    for name, ppm, count in zip(names, ppms, sites, strict=True):
        lines += [
            f"MOTIF {name}",
            f"letter-probability matrix: alength= 4 w= {ppm.shape[1]} nsites= {count} E= 0",
        ]
        lines += [" ".join(_exact(column)) for column in ppm.T]
        lines.append("")
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines), encoding="utf-8")


def _exact(probabilities: Sequence[float]) -> list[str]:
    """Print four probabilities with six decimals so that the printed numbers sum to 1."""
    values = np.asarray(probabilities, dtype=np.float64)
    counts = np.floor(values / values.sum() * _MILLION).astype(int)
    counts[np.argmax(values)] += _MILLION - counts.sum()
    return [f"{count // _MILLION}.{count % _MILLION:06d}" for count in counts]


def _word(words: list[str], index: int, path: Path, number: int) -> str:
    if len(words) <= index:
        raise UserError(f"{path}, line {number}: the motif has no name: add one")
    return words[index]


def _is_row(words: list[str]) -> bool:
    try:
        [float(word) for word in words]
    except ValueError:
        return False
    return True


def _row(words: list[str], path: Path, number: int) -> list[float]:
    if len(words) != 4 or not _is_row(words):
        raise UserError(f"{path}, line {number}: '{' '.join(words)[:60]}' is not four probabilities: mend the matrix")
    row = [float(word) for word in words]
    for word, value in zip(words, row, strict=True):
        if not math.isfinite(value) or value < 0:
            raise UserError(f"{path}, line {number}: '{word}' is not a probability (0 to 1): mend the matrix")
    if abs(sum(row) - 1) > _ROW_TOLERANCE:
        raise UserError(f"{path}, line {number}: the row sums to {sum(row):.4g}, not 1: give probabilities, not counts")
    if max(row) > 1 + _ROUNDING:
        raise UserError(f"{path}, line {number}: '{max(row):g}' is not a probability (0 to 1): mend the matrix")
    return row


def _motif(header: tuple[str, str], rows: list[list[float]], path: Path, line: int) -> Motif:
    if not rows:
        raise UserError(f"{path}, line {line}: motif '{header[0]}' has an empty matrix: mend or remove it")
    ppm = np.array(rows, dtype=np.float64).T
    return Motif(name=header[0], alternative=header[1], ppm=ppm / ppm.sum(axis=0))
