"""What every script of the workflow needs: a log, visible progress, and errors of one sentence."""

from __future__ import annotations

import logging
import os
import re
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lucidna.errors import UserError

_CLOCK = re.compile(r"^\d\d:\d\d:\d\d  (?=error in )")


@contextmanager
def script(snakemake: Any) -> Iterator[logging.Logger]:
    """Run the body of a workflow script: log to its file and to the terminal, and end errors properly.

    Progress (INFO and above) goes to the log file and to standard error. A `UserError` becomes one sentence and exit
    status 1; anything else leaves its traceback in the log.

    Parameters
    ----------
    snakemake : object
        What Snakemake hands to a script: `log` and `rule` are read.
    """
    path = Path(snakemake.log[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.handlers.clear()
    plain = logging.Formatter("%(asctime)s  %(message)s", datefmt="%H:%M:%S")
    for handler in (logging.FileHandler(path, mode="w", encoding="utf-8"), logging.StreamHandler(sys.stderr)):
        handler.setFormatter(plain)
        root.addHandler(handler)
    logging.captureWarnings(True)
    # Libraries log their own chatter at INFO: it belongs to the log of neither the rule nor the user.
    for name in (
        "pytorch_lightning",
        "lightning.pytorch",
        "lightning",
        "fsspec",
        "matplotlib",
        "numba",
        "py.warnings",
    ):
        logging.getLogger(name).setLevel(logging.ERROR)
    log = logging.getLogger(f"lucidna.{snakemake.rule}")
    start = time.perf_counter()
    try:
        yield log
    except UserError as error:
        log.error("error in %s: %s", snakemake.rule, error)
        raise SystemExit(1) from None
    except BaseException:
        with path.open("a", encoding="utf-8") as handle:
            traceback.print_exc(file=handle)
        raise
    log.info("%s: done in %.1f s", snakemake.rule, time.perf_counter() - start)


def errors_since(folder: str | os.PathLike, since: float) -> list[str]:
    """Return the sentences with which scripts ended, from the last lines of their logs.

    Parameters
    ----------
    folder : path
        Where the logs are, at any depth.
    since : float
        Seconds since the epoch: logs that were written last before then belong to an earlier run.

    Returns
    -------
    list of str
        "error in <rule>: <sentence>", the earliest first.
    """
    logs = [path for path in Path(folder).rglob("*.log") if path.is_file() and path.stat().st_mtime >= since]
    found = []
    for path in sorted(logs, key=lambda path: path.stat().st_mtime):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        if lines and _CLOCK.match(lines[-1]):
            found.append(_CLOCK.sub("", lines[-1]))
    return found
