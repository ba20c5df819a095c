"""Read bigWig files safely: prove that a file is whole before anything decodes it, then read windows of it.

The layout is that of Kent et al. (2010), "BigWig and BigBed: enabling browsing of large distributed
datasets", Bioinformatics 26. Values are decoded by figwig, block by block and without the interpreter's lock.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

import figwig
import numpy as np

from lucidna.errors import UserError

_MAGIC = 0x888FFC26
_BIGBED_MAGIC = 0x8789F2EB
_TREE_MAGIC = 0x78CA8C91
_INDEX_MAGIC = 0x2468ACE0
_HEADER = "<IHHQQQHHQQIQ"
_KINDS = {b"BAM\1": "BAM", b"\x1f\x8b": "gzip", b"CRAM": "CRAM", b"PK": "zip", b"\x89HDF": "HDF5"}
_TILE = 1 << 16  # bases read as one window when a whole chromosome is read


def check_bigwig(path: str | os.PathLike) -> dict[str, int]:
    """Prove that a bigWig is whole, from its header, chromosome tree and indexes; no value is decoded.

    pyBigWig ends the process on a truncated file, so this goes first.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    dict[str, int]
        Chromosome -> length, as in the file.

    Raises
    ------
    UserError
        When the file is missing, is not a bigWig, is truncated (with both sizes) or damaged.
    """
    path = Path(path)
    try:
        with path.open("rb") as handle:
            return _Layout(path, handle).check()
    except OSError as error:
        raise UserError(f"track {path} cannot be read ({error.strerror}): check the sheet of tracks") from error


def open_bigwig(path: str | os.PathLike) -> figwig.BigWigReader:
    """Return a reader of a bigWig that `check_bigwig` found whole; it holds no open file between reads."""
    check_bigwig(path)
    try:
        return figwig.BigWigReader(path)
    except ValueError as error:
        raise UserError(f"track {path} cannot be read ({error}): write it again") from error


def read_windows(
    readers: list[figwig.BigWigReader],
    chroms: list[str],
    starts: np.ndarray,
    *,
    out: np.ndarray,
    threads: int = 1,
) -> None:
    """Read windows of one chromosome of several bigWigs.

    Parameters
    ----------
    readers : list of figwig.BigWigReader
        The C files.
    chroms : list of str
        The chromosome's name in each file.
    starts : numpy.ndarray
        int (n,), first base of each window, from 0.
    out : numpy.ndarray
        float32 (n, C, width), contiguous; written. A base without a value is 0, a base with NaN or beyond the
        chromosome's end is NaN.
    threads : int
        Threads that decode.

    Raises
    ------
    UserError
        When a block of data is damaged.
    """
    try:
        if len(set(chroms)) == 1:
            figwig.read_bigwig(readers, chroms[0], starts, out.shape[2], out=out, n_jobs=threads, keep_nan=True)
            return
        for channel, (reader, chrom) in enumerate(zip(readers, chroms, strict=True)):
            out[:, channel] = reader.read(chrom, starts, out.shape[2], n_jobs=threads, keep_nan=True)
    except ValueError as error:
        raise UserError(f"a track cannot be read: {error} Write it again") from error


def read_chromosome(
    reader: figwig.BigWigReader,
    chrom: str,
    size: int,
    *,
    start: int = 0,
    out: np.ndarray | None = None,
    threads: int = 1,
) -> np.ndarray:
    """Read all values of one chromosome, or of the part of it that begins at `start`.

    Parameters
    ----------
    reader : figwig.BigWigReader
        From `open_bigwig`.
    chrom : str
        Name in the file.
    size : int
        Number of bases to read.
    start : int
        The first base.
    out : numpy.ndarray, optional
        float32 (size,), written and returned.
    threads : int
        Threads that decode.

    Returns
    -------
    numpy.ndarray
        float32 (size,); a base without a value is 0.

    Raises
    ------
    UserError
        At a stored NaN or infinity, with its chromosome and first position, or at a damaged block.
    """
    out = np.empty(size, dtype=np.float32) if out is None else out
    tiled = size - size % _TILE
    if tiled:
        # Many windows share out the work among threads and bound the decoder's buffers.
        tiles = np.arange(start, start + tiled, _TILE)
        read_windows([reader], [chrom], tiles, out=out[:tiled].reshape(-1, 1, _TILE), threads=threads)
    if tiled < size:
        rest = np.array([start + tiled])
        read_windows([reader], [chrom], rest, out=out[tiled:].reshape(1, 1, -1), threads=threads)
    # One NaN or infinity makes the sum so: only then is its position looked for.
    if not np.isfinite(out.sum(dtype=np.float64)):
        bad = int(np.flatnonzero(~np.isfinite(out))[0])
        refuse_value(reader.path, chrom, start + bad, float(out[bad]))
    return out


def refuse_value(path: str | os.PathLike, chrom: str, position: int, value: float) -> None:
    """Raise the UserError for a value that is not a number."""
    raise UserError(
        f"track {path} stores {value} at {chrom}:{position} (0-based): write it again with a number, or no value, there"
    )


class _Layout:
    """The structures of one open bigWig and the checks on where they lie."""

    def __init__(self, path: Path, handle: BinaryIO):
        self.path = path
        self.handle = handle
        self.size = os.fstat(handle.fileno()).st_size
        self.reach = 64  # end of the furthest structure seen
        self.padded_reach = 64  # the same with every node of an index filled up

    def check(self) -> dict[str, int]:
        head = self.handle.read(64)
        self._check_kind(head)
        if len(head) < 64:
            self._truncated("ends inside its header")
        _, _, n_zooms, tree, data, index, _, _, _, summary, _, _ = struct.unpack(_HEADER, head)
        zooms = [struct.unpack("<IIQQ", self._read(64 + 24 * k, 24)) for k in range(n_zooms)]
        places = [tree, data, index, summary, *(place for zoom in zooms for place in zoom[2:])]
        furthest = max(places)
        if furthest >= self.size:
            self._truncated(f"its header points to byte {furthest}")
        chroms = self._chromosomes(tree)
        if index:
            self._index(index)
        for _, _, _, place in zooms:
            if place:
                self._index(place)
        # Nearly all writers close the file with the magic number once more, some after padding the last node.
        reach = self.reach
        closed = int.from_bytes(self._read(self.size - 4, 4), "little") == _MAGIC
        if not closed and reach < self.size < max(reach, self.padded_reach) + 4:
            self._truncated("ends inside its last index")
        if not chroms:
            raise UserError(f"track {self.path} has no chromosome: write it again")
        return chroms

    def _check_kind(self, head: bytes) -> None:
        if not head:
            raise UserError(f"track {self.path} is empty: give a bigWig")
        first = int.from_bytes(head[:4], "little"), int.from_bytes(head[:4], "big")
        if _BIGBED_MAGIC in first:
            raise UserError(f"track {self.path} is a bigBed file: give a bigWig")
        if first[1] == _MAGIC:
            raise UserError(f"track {self.path} is a bigWig of the other byte order: write it again on this machine")
        if first[0] != _MAGIC:
            kind = next((name for magic, name in _KINDS.items() if head.startswith(magic)), None)
            if kind is None and all(9 <= byte < 127 for byte in head):
                kind = "text"
            raise UserError(
                f"track {self.path} is not a bigWig{f' but a {kind} file' if kind else ''}: "
                "convert it, for example with bedGraphToBigWig or bamCoverage"
            )

    def _truncated(self, where: str) -> None:
        raise UserError(f"track {self.path} is truncated: it has {self.size} bytes and {where}: copy it again")

    def _damaged(self, what: str) -> None:
        raise UserError(f"track {self.path} is damaged ({what}): copy it or write it again")

    def _read(self, place: int, n: int) -> bytes:
        if place + n > self.size:
            self._truncated(f"needs {place + n} or more")
        self.reach = max(self.reach, place + n)
        self.handle.seek(place)
        return self.handle.read(n)

    def _chromosomes(self, place: int) -> dict[str, int]:
        magic, _, key, value, _, _ = struct.unpack("<IIIIQQ", self._read(place, 32))
        if magic != _TREE_MAGIC or value != 8:
            self._damaged("no chromosome tree where the header says")
        chroms: dict[str, int] = {}
        nodes, seen = [place + 32], set()
        while nodes:
            node = nodes.pop()
            if node in seen:
                self._damaged("its chromosome tree loops")
            seen.add(node)
            is_leaf, _, count = struct.unpack("<BBH", self._read(node, 4))
            data = self._read(node + 4, count * (key + 8))
            items = [data[k : k + key + 8] for k in range(0, len(data), key + 8)]
            if is_leaf:
                for item in items:
                    name = item[:key].rstrip(b"\0").decode("utf-8", "replace")
                    chroms[name] = struct.unpack("<II", item[key:])[1]
            else:
                nodes += [struct.unpack("<Q", item[key:])[0] for item in reversed(items)]
        return chroms

    def _index(self, place: int) -> None:
        """Check that every node and every block of data of one R-tree lies inside the file."""
        magic, slots = struct.unpack("<II", self._read(place, 48)[:8])
        if magic != _INDEX_MAGIC:
            self._damaged("no index of the data where the header says")
        nodes, seen = [place + 48], set()
        while nodes:
            node = nodes.pop()
            if node in seen:
                self._damaged("its index loops")
            seen.add(node)
            is_leaf, _, count = struct.unpack("<BBH", self._read(node, 4))
            width = 32 if is_leaf else 24
            data = np.frombuffer(self._read(node + 4, count * width), dtype="<u8")
            data = data.reshape(count, width // 8)
            self.padded_reach = max(self.padded_reach, node + 4 + slots * width)
            if is_leaf and count:
                # Offsets and sizes near 2**64 would wrap round: they are compared one by one first.
                if int(data[:, 2].max()) >= self.size or int(data[:, 3].max()) > self.size:
                    self._truncated(f"its data reach to byte {int(data[:, 2].max()) + int(data[:, 3].max())}")
                end = int((data[:, 2] + data[:, 3]).max())
                if end > self.size:
                    self._truncated(f"its data reach to byte {end}")
                self.reach = max(self.reach, end)
            elif not is_leaf:
                nodes += data[:, 2].tolist()
