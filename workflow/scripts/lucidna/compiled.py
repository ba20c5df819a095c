"""Compile loops over arrays."""

from __future__ import annotations

from collections.abc import Callable

import numba


def compiled(function: Callable) -> Callable:
    """Compile `function` with numba to run without the interpreter's lock; keep it on disk where possible.

    numba refuses to cache when neither the package's folder nor the home folder is writable, as in some
    containers; the function is then compiled afresh in each process.
    """
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return numba.njit(nogil=True)(function)
