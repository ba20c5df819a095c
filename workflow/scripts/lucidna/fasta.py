"""Read the chromosomes of a FASTA file (plain, gzip or bgzip) as codes, without an index file.

The file is read through once for the sizes and the places of its chromosomes, which are kept in memory. A
compressed one also keeps copies of the decompressor on the way, so that any chromosome is reached without
starting again.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lucidna.compiled import compiled
from lucidna.errors import UserError
from lucidna.sequence import CODE_OF, N

_TEXT_CHUNK = 1 << 22
_GZIP_CHUNK = 1 << 18
_CHECKPOINT_EVERY = 1 << 24  # bytes of text between two kept decompressors of about 50 kB
_GZIP_MAGIC = b"\x1f\x8b"
_IUPAC = b"RYSWKMBDHV"
_SPACES = b" \t\r\n\v\f"
_SPACE = 5  # their code


class _Text:
    """The text of a plain or gzip-compressed file, read from any offset on."""

    def __init__(self, path: Path):
        self.path = path
        with path.open("rb") as handle:
            self._gzip = handle.read(2) == _GZIP_MAGIC
        # (offset in the text, offset in the file, the decompressor there, is it inside a member of the file)
        self._checkpoints = [(0, 0, zlib.decompressobj(wbits=31), False)]
        self._latest = self._checkpoints[0]

    def chunks(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield (offset, text) from the text's offset `start` to the end of the file."""
        if self._gzip:
            yield from self._inflate(start)
            return
        with self.path.open("rb") as handle:
            handle.seek(start)
            while chunk := handle.read(_TEXT_CHUNK):
                yield start, chunk
                start += len(chunk)

    def _inflate(self, start: int) -> Iterator[tuple[int, bytes]]:
        offset, position, decoder, inside = max(
            (point for point in (*self._checkpoints, self._latest) if point[0] <= start),
            key=lambda point: point[0],
        )
        decoder = decoder.copy()
        with self.path.open("rb") as handle:
            handle.seek(position)
            while raw := handle.read(_GZIP_CHUNK):
                self._latest = (offset, position, decoder.copy(), inside)
                if offset >= self._checkpoints[-1][0] + _CHECKPOINT_EVERY:
                    self._checkpoints.append(self._latest)
                position += len(raw)
                parts = []
                if not inside:
                    raw = raw.lstrip(b"\0")  # some writers pad between members
                while raw:
                    try:
                        parts.append(decoder.decompress(raw))
                    except zlib.error as error:
                        raise UserError(f"genome {self.path} is damaged ({error}): copy it again") from error
                    raw, inside = b"", not decoder.eof
                    if decoder.eof:
                        raw = decoder.unused_data.lstrip(b"\0")
                        decoder = zlib.decompressobj(wbits=31)
                text = b"".join(parts)
                if offset + len(text) > start:
                    skip = max(start - offset, 0)
                    yield offset + skip, text[skip:]
                offset += len(text)
        if inside:
            raise UserError(f"genome {self.path} is truncated (its gzip data do not end): copy it again")


class Fasta:
    """A FASTA file: sizes and places from one reading, each chromosome's codes from another."""

    def __init__(self, path: Path, iupac: str):
        self._text = _Text(path)
        self._path = path
        self._table = CODE_OF.copy()
        self._table[np.frombuffer(_SPACES, dtype=np.uint8)] = _SPACE
        if iupac == "n":
            self._table[np.frombuffer(_IUPAC + _IUPAC.lower(), dtype=np.uint8)] = N
        self.sizes: dict[str, int] = {}
        self._starts: dict[str, int] = {}
        name = None
        for kind, offset, piece in self._pieces():
            if kind == "name":
                words = piece.split(None, 1)
                if not words:
                    raise UserError(f"genome {path}: a '>' line without a name: name every sequence")
                name = words[0].decode("utf-8", "replace")
                if name in self.sizes:
                    raise UserError(f"genome {path}: chromosome {name!r} appears twice: keep one of the two")
                self.sizes[name] = 0
                self._starts[name] = offset
            else:
                self.sizes[name] += int(_count_letters(np.frombuffer(piece, dtype=np.uint8)))
        if not self.sizes:
            raise UserError(f"genome {path} holds no sequence: give a FASTA or 2bit file as genome.fasta")
        empty = next((name for name, size in self.sizes.items() if size == 0), None)
        if empty is not None:
            raise UserError(f"genome {path}: chromosome {empty!r} has no letters: remove it or give its sequence")

    def codes(self, chrom: str) -> np.ndarray:
        """Return uint8 (size,), the codes of one chromosome; UserError at the first letter not in ACGTN."""
        size = self.sizes[chrom]
        out = np.empty(size + 1, dtype=np.uint8)
        filled = 0
        for kind, _, piece in self._pieces(self._starts[chrom]):
            if kind == "name":
                break
            letters = np.frombuffer(piece, dtype=np.uint8)
            # The kernel checks no bounds: near the end, make sure that the file is still what it was.
            if len(letters) > size - filled and _count_letters(letters) > size - filled:
                break
            n, worst = _decode(letters, self._table, out[filled:])
            if worst == 255:
                at = filled + int(np.flatnonzero(out[filled : filled + n] == 255)[0])
                self._bad_letter(chrom, at, piece, at - filled)
            filled += n
            if filled == size:
                return out[:size]
        raise UserError(f"genome {self._path} changed while it was read ({chrom!r}): start again")

    def _bad_letter(self, chrom: str, position: int, piece: bytes, within: int) -> None:
        letter = chr(piece.translate(None, _SPACES)[within])
        remedy = "replace it with A, C, G, T or N"
        if letter.upper().encode() in _IUPAC:
            remedy = "an IUPAC code for an unsure base; replace it with N"
        elif letter.upper() == "U":
            remedy = "an RNA base; replace U with T"
        raise UserError(f"genome {self._path}: letter {letter!r} at {chrom}:{position} (0-based): {remedy}")

    def _pieces(self, start: int | None = None) -> Iterator[tuple[str, int, bytes]]:
        """Yield ("name", offset of the first base, header) and ("bases", offset, text without headers)."""
        header = None  # the part of a header line seen so far
        before = b"\n"  # the byte before the chunk: a header starts a line
        unnamed = start is None
        for offset, chunk in self._text.chunks(start or 0):
            at = 0
            while at < len(chunk):
                if header is not None:
                    end = chunk.find(b"\n", at)
                    header += chunk[at : end if end >= 0 else len(chunk)]
                    at = end + 1 if end >= 0 else len(chunk)
                    if end >= 0:
                        yield "name", offset + at, header
                        header, unnamed = None, False
                    continue
                end = chunk.find(b">", at)
                while end >= 0 and (chunk[end - 1 : end] or before) != b"\n":
                    end = chunk.find(b">", end + 1)
                stop = end if end >= 0 else len(chunk)
                if stop > at:
                    piece = chunk[at:stop]
                    if unnamed and piece.strip():
                        raise UserError(
                            f"{self._path} is not a FASTA or 2bit file (it does not begin with '>'): check genome.fasta"
                        )
                    if not unnamed:
                        yield "bases", offset + at, piece
                if end >= 0:
                    header = b""
                    stop += 1
                at = stop
            before = chunk[-1:]
        if header is not None:
            yield "name", 0, header


@compiled
def _count_letters(text):
    n = 0
    for c in text:
        n += (c != 32) & ((c < 9) | (c > 13))
    return n


@compiled
def _decode(text, table, out):
    """Write the codes of text to out, white space left out; return their number and the greatest.

    `out` has one place more than there are letters: each code is written before it is known to count, which
    keeps the loop free of branches (twice as fast).
    """
    n = 0
    worst = 0
    for c in text:
        code = table[c]
        out[n] = code
        n += code != _SPACE
        worst = max(worst, code)
    return n, worst
