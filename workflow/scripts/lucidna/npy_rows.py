"""Write the rows of .npy files in any order.

The arrays are ordinary .npy files, written through the file and not through a memory map: a full disk is then an error
and not a crash.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np

from lucidna.files import atomic_path


class Rows:
    """The rows of a .npy file that is being written."""

    def __init__(self, descriptor: int, start: int, row_bytes: int):
        self._descriptor = descriptor
        self._start = start
        self._row_bytes = row_bytes

    def write(self, rows: np.ndarray, values: np.ndarray) -> None:
        """Put values (n, ...) in rows (n,); rows that follow each other go in one piece."""
        edges = [0, *(np.flatnonzero(np.diff(rows) != 1) + 1).tolist(), len(rows)]
        for begin, end in pairwise(edges):
            piece = memoryview(values[begin:end]).cast("B")
            offset = self._start + int(rows[begin]) * self._row_bytes
            while piece:
                n = os.pwrite(self._descriptor, piece, offset)
                piece, offset = piece[n:], offset + n


@contextmanager
def array_file(path: Path, shape: tuple[int, ...], dtype: type) -> Iterator[Rows]:
    """Open a .npy file of a shape, to write all its rows; it takes its name when they are written."""
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    with atomic_path(path) as temporary, temporary.open("r+b", buffering=0) as handle:
        np.lib.format.write_array_header_1_0(handle, header)
        row_bytes = int(np.prod(shape[1:])) * np.dtype(dtype).itemsize
        yield Rows(handle.fileno(), handle.tell(), row_bytes)
