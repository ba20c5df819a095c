"""Run a command-line tool of the environment, with its threads, its progress and its errors in hand."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from lucidna.errors import UserError

logger = logging.getLogger(__name__)

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "POLARS_MAX_THREADS",
)
_POLL = 0.05  # seconds between two looks at the child
_HEARTBEAT = 30.0  # seconds between two lines of progress


def find_tool(name: str) -> str:
    """Return the path of a command: beside this Python first, so that the environment's own version runs.

    Raises
    ------
    UserError
        When the command is not installed.
    """
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        raise UserError(f"there is no command '{name}' beside {sys.executable}: install requirements.lock")
    return found


def run_tool(name: str, arguments: Sequence[str], *, threads: int, environment: Mapping[str, str] | None = None) -> str:
    """Run `name` with `arguments` (no shell) and return what it printed.

    Parameters
    ----------
    name : str
        The command, found by `find_tool`.
    arguments : sequence of str
    threads : int
        Number of threads that the tool's numerical libraries may use.
    environment : mapping, optional
        Variables set for the tool beside those of this process.

    Returns
    -------
    str
        Standard output and standard error, together.

    Raises
    ------
    UserError
        When the tool ends with an exit status other than 0; its last line is in the message.
    """
    command = [find_tool(name), *map(str, arguments)]
    variables = {**os.environ, **dict.fromkeys(_THREAD_VARIABLES, str(threads)), **(environment or {})}
    start = last = time.monotonic()
    # A file, not a pipe: a pipe that nobody empties stops the tool after 64 KiB of warnings.
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=variables)
        try:
            while child.poll() is None:
                time.sleep(_POLL)
                now = time.monotonic()
                if now - last >= _HEARTBEAT:
                    logger.info("%s %s: running for %.0f s", name, arguments[0], now - start)
                    last = now
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        output.seek(0)
        text = output.read().decode(errors="replace")
    if child.returncode:
        raise UserError(_failure(name, arguments, child.returncode, text))
    return text


def _failure(name: str, arguments: Sequence[str], status: int, text: str) -> str:
    if status == -9:
        return f"{name} {arguments[0]} was killed, perhaps for memory: give it more or lower motifs.seqlets"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = lines[-1] if lines else "it printed nothing"
    return f"{name} {arguments[0]} failed with exit status {status}: {last}"
