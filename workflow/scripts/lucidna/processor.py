"""How a process that runs networks uses the CPU: its threads, and a memory allocator that keeps what passes free."""

from __future__ import annotations

import ctypes

import torch

# Numbers of glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4


def use_processor(threads: int | None = None) -> None:
    """Set the CPU threads of torch, as they are when not given, and keep freed memory (`keep_freed_memory`)."""
    if threads is not None:
        torch.set_num_threads(threads)
    keep_freed_memory()


def keep_freed_memory() -> bool:
    """Let this process keep freed memory for its next allocations, where the C library is glibc.

    By default glibc maps each allocation above 32 MB afresh, and gives free memory at the end of the heap back: the
    kernel then clears every page of every activation in every pass. That was half of the training time of a BPNet on
    the CPU, and a fifth of the time of its gradient maps. The price is memory that is held until the process ends.

    Returns
    -------
    bool
        Whether the allocator took the settings; others than glibc's are left as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))
