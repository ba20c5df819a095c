"""Read a VCF, against a genome."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from lucidna.errors import UserError
from lucidna.genome import Genome, other_spelling
from lucidna.intervals import INDEXED
from lucidna.sequence import encode

COLUMNS = ["record", "chrom", "start", "ref", "alt", "id"]
"""Of the table of variants: number of the record in the file, place (0-based) in the genome, alleles, name."""

SKIPPED = ["line", "chrom", "position", "id", "ref", "alt", "reason"]

_FIXED = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]
_SHOWN = 3


class Record(NamedTuple):
    """What the first columns of a line say; line counts from 1, position is as in the file, 1-based.

    An id that is empty in the file is a point; end is where an index has the record end: behind its reference allele,
    or at INFO's END if that is further.
    """

    line: int
    contig: str
    position: int
    id: str
    ref: str
    alts: list[str]
    end: int


class Variants(NamedTuple):
    """A VCF against a genome.

    Attributes
    ----------
    taken : DataFrame
        `COLUMNS`, a row for each alternative allele, in the order of the file.
    skipped : DataFrame
        `SKIPPED`: what is not taken, with the reason; line is that of the file.
    n_records : int
        Records of the file.
    """

    taken: pd.DataFrame
    skipped: pd.DataFrame
    n_records: int


def longest_allele(length: int) -> int:
    """Return the bp of the longest allele that windows of `length` bp can show."""
    return length // 4


def read_variants(path: str | os.PathLike, genome: Genome, *, longest: int) -> Variants:
    """Read substitutions and indels; a record with several alternatives gives one row each.

    An alternative that a record lists again, in capitals or not, is one row and skipped after the first.

    Parameters
    ----------
    path : path
        VCF, plain or compressed by bgzip.
    genome : Genome
        What the networks were trained on; its aliases hold for the names in the file.
    longest : int
        bp of the longest allele that is taken.

    Raises
    ------
    UserError
        A file that is no VCF or has no variant; a place outside of its chromosome; a reference allele that is not
        the genome's; no contig that the genome has, or one that it spells in another way.
    """
    path = Path(path)
    taken: list[tuple] = []
    skipped: list[tuple] = []
    wrong: list[str] = []
    outside: list[str] = []
    far: list[str] = []
    n_records, chromosomes = 0, Chromosomes(genome)
    for number, record in enumerate(records(path)):
        n_records += 1
        # Those that are not taken are in the annotated VCF, too.
        if record.end > INDEXED:
            far.append(f"{record.contig}:{record.position}")
        chrom, start = genome.aliases.get(record.contig, record.contig), record.position - 1
        reasons = _reasons(record, known=chrom in genome.sizes, longest=longest)
        if chrom in genome.sizes:
            said = f"{record.contig}:{record.position} {record.ref}"
            if start < 0 or start + len(record.ref) > genome.sizes[chrom]:
                # Breakends may stand before the first base and behind the last: they are not taken anyhow.
                if None in reasons:
                    outside.append(said)
            elif not _is_reference(chromosomes[chrom], start, record.ref):
                wrong.append(said)
        for alt, reason in zip(record.alts or ["."], reasons, strict=True):
            if reason is None:
                name = record.id if record.id != "." else f"{record.contig}:{record.position}:{record.ref}>{alt}"
                taken.append((number, chrom, start, record.ref.upper(), alt.upper(), name))
            else:
                skipped.append((*record[:5], alt, reason))
    if not n_records:
        raise UserError(f"variants.vcf {path} has no variant: give one with records, or remove the key variants")
    if outside:
        raise UserError(
            f"variants.vcf {path}: {len(outside)} of {n_records} records lie outside of their chromosome "
            f"({_some(outside)}): positions of a VCF count from 1 to the chromosome's length, so give a VCF of the "
            f"assembly in {genome.path}"
        )
    if far:
        raise UserError(
            f"variants.vcf {path}: {len(far)} of {n_records} records reach beyond {INDEXED:,} bp of their chromosome "
            f"({_some(far)}), and the index (.tbi) of the annotated VCF cannot hold that: cut such chromosomes in two, "
            "or leave the records out"
        )
    if wrong:
        raise UserError(
            f"variants.vcf {path}: the reference allele of {len(wrong)} of {n_records} records is not the genome's "
            f"({_some(wrong)}): give a VCF of the assembly in {genome.path}, with alleles on its forward strand"
        )
    contigs = list(dict.fromkeys(line[1] for line in skipped if line[6] == _NO_CONTIG))
    for contig in contigs:
        other = other_spelling(contig, genome.sizes)
        if other is not None:
            raise UserError(
                f"variants.vcf {path}: contig {contig!r} is not in the genome, which has {other!r}: set "
                f"genome.aliases: {{{contig!r}: {other!r}}} or rename it"
            )
    if contigs and not taken:
        raise UserError(
            f"variants.vcf {path}: none of its contigs ({_some(contigs)}) is in the genome {genome.path}: give a VCF "
            "of the same assembly, or set genome.aliases"
        )
    return Variants(pd.DataFrame(taken, columns=COLUMNS), pd.DataFrame(skipped, columns=SKIPPED), n_records)


def records(path: str | os.PathLike) -> Iterator[Record]:
    """Yield the records of a VCF; see `lines` for the errors."""
    for number, line in lines(path):
        if not line.startswith("#"):
            contig, position, name, ref, alt, _, _, info, *_ = line.split("\t", 8)
            stated = _END.search(info)
            end = max(int(position) - 1 + len(ref), int(stated[1]) if stated else 0)
            yield Record(number, contig, int(position), name or ".", ref, [] if alt == "." else alt.split(","), end)


def lines(path: str | os.PathLike) -> Iterator[tuple[int, str]]:
    """Yield number (from 1) and text of the lines of a VCF, without line ends and without empty lines.

    Bytes that are not UTF-8 come as surrogates.

    Raises
    ------
    UserError
        When the file is missing, damaged, or no VCF; where a line is at fault, it is named.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"config key 'variants.vcf': there is no file '{path}': mend the path")
    with path.open("rb") as handle:
        compressed = handle.read(2) == b"\x1f\x8b"
    if compressed:
        _check_end(path)
    width = 0
    try:
        opener = gzip.open if compressed else open
        # A mark of the byte order, as some editors write, is no part of the first line.
        with opener(path, "rt", encoding="utf-8-sig", errors="surrogateescape") as handle:
            for number, line in enumerate(handle, start=1):
                text = line.rstrip("\n")
                if number == 1 and not text.startswith("##fileformat=VCF"):
                    what = "is a BCF" if text.startswith("BCF") else "is not a VCF that can be read"
                    raise UserError(
                        f"variants.vcf {path} {what} (its first line is not '##fileformat=VCFv4...'): give a VCF, "
                        "plain or compressed by bgzip"
                    )
                if not text:
                    continue
                if width or not text.startswith("##"):
                    width = _check_line(path, number, text.split("\t"), width)
                yield number, text
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"variants.vcf {path} is damaged or truncated ({error}): copy it again") from error
    if not width:
        raise UserError(f"variants.vcf {path} is not a VCF that can be read (no line '#CHROM'): give a VCF")


def _check_end(path: Path) -> None:
    """Refuse a file of bgzip whose last block is missing: it was cut, be it at the end of a block."""
    with path.open("rb") as handle:
        head = handle.read(14)
        # The name comes first: only a head as long as that has the flags, and shorter ones are told by gzip.
        if head[12:14] == b"BC" and head[3] & 4:
            handle.seek(-min(len(_BGZF_END), path.stat().st_size), os.SEEK_END)
            if handle.read() != _BGZF_END:
                raise UserError(f"variants.vcf {path} is truncated (bgzip's last block is missing): copy it again")


def _check_line(path: Path, number: int, words: list[str], width: int) -> int:
    """Return the number of columns, or say what is wrong with the line of their names, or with a record."""
    if words[0].startswith("#") and width:
        problem = "a second header stands behind the line '#CHROM', as in files that were joined"
    elif words[0].startswith("#"):
        if words[: len(_FIXED)] != _FIXED:
            problem = f"the columns are not {' '.join(_FIXED)}, divided by tabs"
        else:
            return len(words)
    elif not width:
        problem = "a record stands before the line '#CHROM'"
    elif len(words) != width:
        problem = f"it has {len(words)} columns divided by tabs, the line '#CHROM' {width}"
    elif not (words[1].isascii() and words[1].isdigit()):
        problem = f"the position '{words[1]}' is not a whole number"
    elif not (words[0] and words[3] and words[4]):
        problem = "the contig or an allele is empty"
    else:
        return width
    raise UserError(f"variants.vcf {path} is not a VCF that can be read: line {number}: {problem}: mend the line")


_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_END = re.compile(r"(?:^|;)END=(\d+)")
_NO_CONTIG = "contig not in the genome"


def _reasons(record: Record, *, known: bool, longest: int) -> list[str | None]:
    """Say of each alternative, or of the point that stands for none, why it is not taken; None when it is."""
    alts = record.alts or ["."]
    reasons = [_reason(record.ref, alt, known=known, longest=longest) for alt in alts]
    capitals = [alt.upper() for alt in alts]
    return [
        "alternative listed before in its record" if reason is None and alt in capitals[:at] else reason
        for at, (alt, reason) in enumerate(zip(capitals, reasons, strict=True))
    ]


def _reason(ref: str, alt: str, *, known: bool, longest: int) -> str | None:
    """Say why an allele is not taken; None when it is."""
    if not known:
        return _NO_CONTIG
    if alt == ".":
        return "no alternative allele"
    if alt == "*":
        return "allele deleted by another variant (*)"
    if not alt or not set(alt.upper()) <= set("ACGT"):
        return "symbolic allele, breakend or unknown base"
    if not set(ref.upper()) <= set("ACGT"):
        return "reference allele with an unknown base"
    if ref.upper() == alt.upper():
        return "alternative equals the reference"
    if max(len(ref), len(alt)) > longest:
        return f"allele longer than {longest} bp"
    return None


def _is_reference(codes: np.ndarray, start: int, ref: str) -> bool:
    """Return whether a chromosome has these bases there; N on either side, or another letter, matches anything."""
    here = codes[start : start + len(ref)]
    given = encode(ref.upper() if set(ref.upper()) <= set("ACGTN") else "N" * len(ref))
    return bool(((here == given) | (given == 4) | (here == 4)).all())


def _some(names: list[str]) -> str:
    return f"{', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''}"


class Chromosomes:
    """The codes of a genome's chromosomes; the last one read is kept, since a VCF is sorted by chromosome."""

    def __init__(self, genome: Genome):
        self.genome = genome
        self.last: tuple[str, np.ndarray] | None = None

    def __getitem__(self, chrom: str) -> np.ndarray:
        if self.last is None or self.last[0] != chrom:
            self.last = (chrom, self.genome.codes(chrom))
        return self.last[1]
