"""Write a VCF again, with what the networks say of its alternatives."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pysam

from lucidna.errors import UserError
from lucidna.files import atomic_path
from lucidna.variants.vcf import lines, records

_KEY = re.compile(r"^##(contig|INFO)=<ID=([^,>]+)")


class Field(NamedTuple):
    """An INFO field with one value per alternative allele; kind is a type of VCF."""

    name: str
    kind: str
    description: str


def write_annotated(
    path: str | os.PathLike,
    source: str | os.PathLike,
    fields: Sequence[Field],
    values: Mapping[int, Mapping[str, Mapping[str, Any]]],
) -> None:
    """Write the lines of a VCF with more INFO fields; sorted, bgzipped and indexed (.tbi).

    Everything else in a record, its samples included, is as it was; an empty id becomes a point. Fields of these names
    that the source has are replaced. Contigs without a line in the header get one. A source that is sorted is not held
    in memory.

    Parameters
    ----------
    path : path
        A name that ends in .vcf.gz; written whole or not at all.
    source : path
        The VCF that was read.
    fields : sequence of Field
    values : mapping
        Number of the record -> field -> alternative, in capitals -> value; a missing one is a point.

    Raises
    ------
    UserError
        When the source is no longer a VCF, or the index cannot hold the places that its records tell.
    """
    header = [text for _, text in lines(source) if text.startswith("#")]
    rank = {name: place for place, name in enumerate(_declared(header, "contig"))}
    declared = set(rank)
    places = [(rank.setdefault(record.contig, len(rank)), record.position) for record in records(source)]
    order = sorted(range(len(places)), key=places.__getitem__)
    with atomic_path(path) as temporary, pysam.BGZFile(str(temporary), "wb") as handle:
        for line in _header(header, fields, [name for name in rank if name not in declared]):
            handle.write(_bytes(line))
        body = _body(source, fields, values)
        if order != list(range(len(places))):
            unsorted = list(body)
            body = (unsorted[number] for number in order)
        for line in body:
            handle.write(_bytes(line))
    try:
        pysam.tabix_index(str(path), preset="vcf", force=True)
    except OSError as error:
        Path(path).unlink()
        raise UserError(
            f"variants.vcf {source}: its records cannot be indexed ({error}): look for places or lengths (END, SVLEN) "
            "outside of their chromosome"
        ) from error


def _declared(header: Sequence[str], kind: str) -> list[str]:
    """Return the ids of the header's lines of a kind."""
    found = (_KEY.match(line) for line in header)
    return [match[2] for match in found if match and match[1] == kind]


def _header(header: Sequence[str], fields: Sequence[Field], contigs: Sequence[str]) -> Iterator[str]:
    names = {field.name for field in fields}
    for line in header[:-1]:
        match = _KEY.match(line)
        if not (match and match[1] == "INFO" and match[2] in names):
            yield line
    yield from (f"##contig=<ID={name}>" for name in contigs)
    for field in fields:
        words = field.description.replace("\\", "\\\\").replace('"', '\\"')
        yield f'##INFO=<ID={field.name},Number=A,Type={field.kind},Description="{words}">'
    yield header[-1]


def _body(source: str | os.PathLike, fields: Sequence[Field], values: Mapping) -> Iterator[str]:
    """Yield the records with their fields."""
    names = {field.name for field in fields}
    number = 0
    for _, line in lines(source):
        if line.startswith("#"):
            continue
        words = line.split("\t")
        words[2] = words[2] or "."
        info = [part for part in words[7].split(";") if part not in ("", ".") and part.split("=")[0] not in names]
        for name, given in values.get(number, {}).items():
            each = [_written(given.get(alt.upper())) for alt in words[4].split(",")]
            if set(each) != {"."}:
                info.append(f"{name}={','.join(each)}")
        words[7] = ";".join(info) or "."
        number += 1
        yield "\t".join(words)


def _written(value: Any) -> str:
    """Write a value as VCF allows: no space, semicolon, comma or sign of equality."""
    if value is None or value == "" or (isinstance(value, float) and not math.isfinite(value)):
        return "."
    if isinstance(value, str):
        return re.sub(r"\s", "_", re.sub(r"[;,]", "|", value)).replace("=", ":")
    return f"{value:.7g}"


def _bytes(line: str) -> bytes:
    return f"{line}\n".encode("utf-8", errors="surrogateescape")
