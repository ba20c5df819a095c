"""Read a VCF against a genome, and write it again with what the networks say."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pysam

from lucidna.errors import UserError
from lucidna.files import atomic_path
from lucidna.genome import Genome, other_spelling
from lucidna.sequence import encode

COLUMNS = ["record", "chrom", "start", "ref", "alt", "id"]
"""Of the table of variants: number of the record in the file, place (0-based) in the genome, alleles, name."""

SKIPPED = ["line", "chrom", "position", "id", "ref", "alt", "reason"]

_SHOWN = 3


def read_variants(path: str | os.PathLike, genome: Genome, *, longest: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read substitutions and indels; a record with several alternatives gives one row each.

    Parameters
    ----------
    path : path
        VCF, plain or compressed by bgzip.
    genome : Genome
        What the networks were trained on; its aliases hold for the names in the file.
    longest : int
        bp of the longest allele that is taken.

    Returns
    -------
    variants : DataFrame
        `COLUMNS`, in the order of the file.
    skipped : DataFrame
        `SKIPPED`: what is not taken, with the reason.

    Raises
    ------
    UserError
        A file that is no VCF or has no variant; a reference allele that is not the genome's; no contig that the
        genome has, or one that it spells in another way.
    """
    path = Path(path)
    taken: list[tuple] = []
    skipped: list[tuple] = []
    wrong: list[str] = []
    n_records, chromosomes = 0, _Chromosomes(genome)
    for number, record in enumerate(_records(path)):
        n_records += 1
        chrom = genome.aliases.get(record.contig, record.contig)
        known = chrom in genome.sizes
        if known and not _is_reference(chromosomes[chrom], record.start, record.ref):
            wrong.append(f"{record.contig}:{record.pos} {record.ref}")
        for alt in record.alts or ["."]:
            reason = _reason(record.contig, record.ref, alt, known=known, longest=longest)
            if reason is None:
                name = record.id or f"{record.contig}:{record.pos}:{record.ref}>{alt}"
                taken.append((number, chrom, record.start, record.ref.upper(), alt.upper(), name))
            else:
                skipped.append((number + 1, record.contig, record.pos, record.id or ".", record.ref, alt, reason))
    if not n_records:
        raise UserError(f"variants.vcf {path} has no variant: give one with records, or remove the key variants")
    if wrong:
        raise UserError(
            f"variants.vcf {path}: the reference allele of {len(wrong)} of {n_records} records is not the genome's "
            f"({', '.join(wrong[:_SHOWN])}{', ...' if len(wrong) > _SHOWN else ''}): give a VCF of the assembly in "
            f"{genome.path}, with alleles on its forward strand"
        )
    contigs = dict.fromkeys(line[1] for line in skipped if line[6] == _NO_CONTIG)
    for contig in contigs:
        other = other_spelling(contig, genome.sizes)
        if other is not None:
            raise UserError(
                f"variants.vcf {path}: contig {contig!r} is not in the genome, which has {other!r}: set "
                f"genome.aliases: {{{contig}: {other}}} or rename it"
            )
    if contigs and not taken:
        raise UserError(
            f"variants.vcf {path}: none of its contigs ({', '.join(list(contigs)[:_SHOWN])}) is in the genome "
            f"{genome.path}: give a VCF of the same assembly, or set genome.aliases"
        )
    return pd.DataFrame(taken, columns=COLUMNS), pd.DataFrame(skipped, columns=SKIPPED)


_NO_CONTIG = "contig not in the genome"


def _reason(contig: str, ref: str, alt: str, *, known: bool, longest: int) -> str | None:
    """Say why an allele is not taken; None when it is."""
    if not known:
        return _NO_CONTIG
    if alt == ".":
        return "no alternative allele"
    if alt == "*":
        return "allele deleted by another variant (*)"
    if not set(alt.upper()) <= set("ACGT"):
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
    return len(here) == len(given) and bool(((here == given) | (given == 4) | (here == 4)).all())


class _Chromosomes:
    """The codes of a genome's chromosomes; the last one read is kept, since a VCF is sorted by chromosome."""

    def __init__(self, genome: Genome):
        self.genome = genome
        self.last: tuple[str, np.ndarray] | None = None

    def __getitem__(self, chrom: str) -> np.ndarray:
        if self.last is None or self.last[0] != chrom:
            self.last = (chrom, self.genome.codes(chrom))
        return self.last[1]


def _records(path: Path) -> list[Any]:
    """Read all records without their samples."""
    if not path.is_file():
        raise UserError(f"config key 'variants.vcf': there is no file '{path}': mend the path")
    verbosity = pysam.set_verbosity(0)
    try:
        with pysam.VariantFile(str(path), drop_samples=True) as handle:
            if "END" not in handle.header.info:
                # htslib gives it to symbolic alleles unasked, and then cannot write them without this line.
                handle.header.info.add("END", 1, "Integer", "Last base of the reference allele")
            return list(handle)
    except (ValueError, OSError) as error:
        raise UserError(
            f"variants.vcf {path} is not a VCF that can be read ({error}): give a VCF, plain or compressed by bgzip"
        ) from error
    finally:
        pysam.set_verbosity(verbosity)


def alternatives_of(path: str | os.PathLike) -> list[list[str]]:
    """Return the alternative alleles of every record, in capitals and in the order of the file."""
    return [[alt.upper() for alt in record.alts or []] for record in _records(Path(path))]


def write_annotated(
    path: str | os.PathLike, source: str | os.PathLike, fields: Sequence[tuple], values: Mapping
) -> None:
    """Write the records of a VCF, without their samples, with more INFO fields; sorted, bgzipped and indexed (.tbi).

    Parameters
    ----------
    path : path
        A name that ends in .vcf.gz; written whole or not at all.
    source : path
        The VCF that was read.
    fields : sequence of (name, type, description)
        Fields with one value per alternative allele; types are those of VCF.
    values : mapping
        Number of the record -> field -> list with one value per alternative, None where there is none.

    Raises
    ------
    UserError
        When the source is no longer a VCF.
    """
    records = list(enumerate(_records(Path(source))))
    header = records[0][1].header
    for name, kind, description in fields:
        if name not in header.info:
            header.info.add(name, "A", kind, description)
    for _, record in records:
        if record.contig not in header.contigs:
            header.contigs.add(record.contig)
    rank = {contig: place for place, contig in enumerate(header.contigs)}
    records.sort(key=lambda item: (rank[item[1].contig], item[1].pos))
    with atomic_path(path) as temporary, pysam.VariantFile(str(temporary), "wz", header=header) as handle:
        for number, record in records:
            for name, given in values.get(number, {}).items():
                record.info[name] = list(given)
            handle.write(record)
    pysam.tabix_index(str(path), preset="vcf", force=True)
