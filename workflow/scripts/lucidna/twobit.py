"""Read the chromosomes of a 2bit file (UCSC) as codes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import numpy as np

from lucidna.errors import UserError
from lucidna.sequence import N

MAGIC = 0x1A412743


class TwoBit:
    """A 2bit file of either byte order and of version 0 or 1; the masks of lower case are passed over."""

    _CODES = np.array([3, 1, 0, 2], dtype=np.uint8)  # T C A G of the format

    def __init__(self, path: Path):
        self._path = path
        self.sizes: dict[str, int] = {}
        self._places: dict[str, int] = {}
        self._length = path.stat().st_size
        with path.open("rb") as handle:
            self._order = "<" if int.from_bytes(handle.read(4), "little") == MAGIC else ">"
            version, n, _ = self._integers(handle, 3)
            if version not in (0, 1):
                raise UserError(f"genome {path}: 2bit version {version} is not known: write it again with faToTwoBit")
            index = []
            for _ in range(n):
                name = self._bytes(handle, self._bytes(handle, 1)[0]).decode("utf-8", "replace")
                index.append((name, int(self._integers(handle, 1, "u8" if version else "u4")[0])))
            for name, place in index:
                if name in self.sizes:
                    raise UserError(f"genome {path}: chromosome {name!r} appears twice: keep one of the two")
                handle.seek(place)
                self.sizes[name] = int(self._integers(handle, 1)[0])
                self._places[name] = place
        if not self.sizes:
            raise UserError(f"genome {path} holds no sequence: give a FASTA or 2bit file as genome.fasta")

    def codes(self, chrom: str) -> np.ndarray:
        """Return uint8 (size,), the codes of one chromosome."""
        size = self.sizes[chrom]
        with self._path.open("rb") as handle:
            handle.seek(self._places[chrom] + 4)
            n_blocks = int(self._integers(handle, 1)[0])
            starts = self._integers(handle, n_blocks)
            lengths = self._integers(handle, n_blocks)
            n_masks = int(self._integers(handle, 1)[0])
            handle.seek(8 * n_masks + 4, os.SEEK_CUR)
            packed = np.frombuffer(self._bytes(handle, (size + 3) // 4), dtype=np.uint8)
        # Four bases of a byte at once, the first in its highest bits.
        four = np.stack([self._CODES[np.arange(256) >> shift & 3] for shift in (6, 4, 2, 0)], axis=1)
        out = np.ascontiguousarray(four).view(np.uint32)[:, 0][packed].view(np.uint8)[:size]
        for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
            out[start : start + length] = N
        return out

    def _integers(self, handle: BinaryIO, n: int, kind: str = "u4") -> np.ndarray:
        dtype = np.dtype(self._order + kind)
        return np.frombuffer(self._bytes(handle, n * dtype.itemsize), dtype=dtype).astype(np.int64)

    def _bytes(self, handle: BinaryIO, n: int) -> bytes:
        data = handle.read(n) if n <= self._length else b""
        if len(data) < n:
            raise UserError(f"genome {self._path} is truncated ({self._length} bytes): copy it again")
        return data
