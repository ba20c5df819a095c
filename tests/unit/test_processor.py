"""Freed memory stays with the process, seen by the page faults of asking for it again."""

import subprocess
import sys
from pathlib import Path

import pytest

from lucidna import processor

PROGRAM = """
import resource, sys
import numpy as np
from lucidna.processor import keep_freed_memory

if sys.argv[1] == "keep":
    assert keep_freed_memory()
for _ in range(2):
    np.empty(100_000_000, dtype=np.uint8).fill(1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.empty(100_000_000, dtype=np.uint8).fill(1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(mode):
    path = Path(processor.__file__).parents[1]
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, mode],
        env={"PYTHONPATH": str(path), "NUMPY_MADVISE_HUGEPAGE": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(run.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc is Linux's")
def test_memory_is_not_asked_for_again():
    # 100 MB are 24,414 pages of 4 kB.
    assert page_faults("keep") < 100 < page_faults("default")


def test_other_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(processor.ctypes, "CDLL", lambda name: object())
    assert processor.keep_freed_memory() is False
