"""Read and write motifs in MEME's text format."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

import numpy as np

from lucidna.errors import UserError
from lucidna.files import atomic_path

_LOG = logging.getLogger(__name__)
_TOLERANCE = 1e-2  # rounding in published files leaves rows this far from 1


def read_meme(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Read the motifs of a MEME file.

    Files differ in their headers, spacing, optional lines and rounding. Only the MOTIF lines, the matrices
    and a `w=` that contradicts its matrix matter here. A row that does not sum to 1 exactly is rescaled,
    and the log says how many were.

    Parameters
    ----------
    path : path

    Returns
    -------
    dict[str, float64 (4, w)]
        PPM by motif name (the first word after MOTIF), in the order of the file.

    Raises
    ------
    UserError
        With the line: a row that is not four probabilities summing to 1 within 0.01, a motif without rows,
        a name that occurs twice, an alphabet other than ACGT; or a file without motifs.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise UserError(f"cannot read motifs from '{path}' ({error.strerror}): mend the path") from error
    motifs: dict[str, list[list[float]]] = {}
    announced: dict[str, tuple[int, int | None]] = {}
    name, in_matrix, rescaled = None, False, 0
    for number, line in enumerate(lines, start=1):
        words = line.split()
        where = f"{path}, line {number}"
        if line.upper().startswith("ALPHABET") and not re.search(r"\bACGT\b", line):
            raise UserError(
                f"{where}: the alphabet is '{line.split('=')[-1].strip()}': give DNA motifs, ACGT"
            )
        if words and words[0] == "MOTIF":
            if len(words) < 2:
                raise UserError(f"{where}: MOTIF without a name: give it one")
            name, in_matrix = words[1], False
            if name in motifs:
                raise UserError(f"{where}: the motif name '{name}' occurs twice: rename one")
            motifs[name], announced[name] = [], (number, None)
        elif line.strip().lower().startswith("letter-probability"):
            if name is None:
                raise UserError(f"{where}: a matrix before any MOTIF line: name its motif")
            width = re.search(r"\bw=\s*(\d+)", line)
            announced[name] = (number, int(width.group(1)) if width else None)
            in_matrix = True
        elif in_matrix and words and not motifs[name] and not _is_number(words[0]):
            raise UserError(f"{where}: '{line.strip()}' is not a row of four probabilities: give A C G T")
        elif in_matrix and words and _is_number(words[0]):
            row, changed = _row(words, where)
            motifs[name].append(row)
            rescaled += changed
        elif motifs.get(name):
            in_matrix = False
    if not motifs:
        raise UserError(f"{path}: no line begins with MOTIF: give a file in MEME's text format")
    for name, rows in motifs.items():
        number, width = announced[name]
        if not rows:
            raise UserError(
                f"{path}, line {number}: the motif '{name}' has no matrix: add its rows or remove it"
            )
        if width not in (None, len(rows)):
            raise UserError(f"{path}, line {number}: motif '{name}' says w= {width} and has {len(rows)} rows")
    if rescaled:
        _LOG.warning("%s: %d rows did not sum to 1 and were rescaled", path, rescaled)
    return {name: np.array(rows).T for name, rows in motifs.items()}


def write_meme(path: str | os.PathLike, ppms: dict[str, np.ndarray], *, sites: int = 100) -> None:
    """Write PPMs (4, w) as a MEME file whose rows, as printed, sum to 1 exactly.

    Parameters
    ----------
    path : path
    ppms : dict[str, array (4, w)]
    sites : int
        The number of sites that every motif claims (`nsites`).
    """
    parts = [
        "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\n"
        "Background letter frequencies\nA 0.25 C 0.25 G 0.25 T 0.25\n"
    ]
    for name, ppm in ppms.items():
        units = np.rint(np.asarray(ppm, dtype=np.float64).T * 1_000_000).astype(np.int64)
        # The largest entry takes up what rounding left over: readers that insist on 1 reject the file
        # otherwise.
        units[np.arange(len(units)), units.argmax(axis=1)] += 1_000_000 - units.sum(axis=1)
        parts.append(
            f"\nMOTIF {name}\nletter-probability matrix: alength= 4 w= {len(units)} nsites= {sites} E= 0\n"
        )
        parts += [" ".join(f"{value / 1_000_000:.6f}" for value in row) + "\n" for row in units]
    with atomic_path(path) as temporary:
        temporary.write_text("".join(parts), encoding="utf-8")


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _row(words: list[str], where: str) -> tuple[list[float], bool]:
    """Return four probabilities that sum to 1, and whether they had to be rescaled."""
    try:
        values = [float(word) for word in words]
    except ValueError:
        values = []
    if len(values) != 4 or not all(0 <= value <= 1 + _TOLERANCE for value in values):
        raise UserError(f"{where}: '{' '.join(words)}' is not a row of four probabilities: give A C G T")
    total = sum(values)
    if abs(total - 1) > _TOLERANCE:
        raise UserError(f"{where}: the row sums to {total:g}, not 1: mend it, or divide counts by their sum")
    return [value / total for value in values], abs(total - 1) > 1e-5
