"""Read and write whole files; nothing half-written ever stands under its final name."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from lucidna.errors import UserError

_REMEDIES = {
    errno.ENOSPC: "the disk is full: free some space or choose another folder with --directory",
    errno.EDQUOT: "the disk quota is used up: free some space or choose another folder with --directory",
    errno.EACCES: "the folder is not writable: change its permissions or choose another with --directory",
    errno.EROFS: "the folder is read-only: choose another with --directory",
}

#: Columns that hold names, even where all of them look like numbers.
_NAMES = ("region_id", "peak_name", "chrom", "chr", "name", "group", "id", "candidate", "motif", "match", "match_name")
_NAMES += ("alternative", "element", "element_a", "element_b")


def existing_parent(path: str | os.PathLike) -> Path:
    """Return the nearest folder at or above `path` that exists (or the file that stands in its way)."""
    path = Path(path).absolute()
    while not path.exists():
        path = path.parent
    return path


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside `path`, renamed to `path` on success and removed on failure.

    Raises
    ------
    UserError
        When the folder cannot be written or the disk is full.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            # mkstemp makes a private file; results are as readable as any other new file.
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        if error.errno in _REMEDIES:
            raise UserError(f"cannot write {path}: {_REMEDIES[error.errno]}") from error
        raise


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Write `value` as indented JSON; NaN and infinities are refused (JSON has none)."""
    text = json.dumps(value, indent=2, allow_nan=False) + "\n"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_json(path: str | os.PathLike) -> Any:
    """Read a JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_tsv(path: str | os.PathLike, frame: pd.DataFrame) -> None:
    """Write a table as tab-separated text with a header and no index; missing values are empty."""
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, sep="\t", index=False)


def read_tsv(path: str | os.PathLike) -> pd.DataFrame:
    """Read a table written by `write_tsv`.

    Only an empty field is a missing value: a chromosome may be called "NA". Names stay text: an id may be "001".
    """
    return pd.read_csv(path, sep="\t", keep_default_na=False, na_values=[""], dtype=dict.fromkeys(_NAMES, str))


def sha256(path: str | os.PathLike) -> str:
    """Return the SHA-256 of a file's bytes as hexadecimal digits."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
