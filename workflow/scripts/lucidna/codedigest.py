"""Digest the code that a rule runs, so that a change in an imported module reruns what depends on it.

Snakemake sees a change of a script, not of the modules that the script imports.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from types import CodeType
from typing import Any

PACKAGE = Path(__file__).resolve().parent
# At worst a text that looks like an import adds a module.
_IMPORT = re.compile(r"^[ \t]*(?:from|import)[ \t]+(lucidna[\w.]*)(?:[ \t]+import[ \t]+(\([^)]*\)|[^\n]*))?", re.M)


@functools.cache
def code_digest(*modules: str) -> str:
    """Digest modules of this package and all of the package that they import, directly or not.

    Comments, blank lines and docstrings do not count: editing them reruns nothing.

    Parameters
    ----------
    *modules : str
        Dotted names below the package, as in "training.run".

    Returns
    -------
    str
        16 hexadecimal digits.

    Raises
    ------
    FileNotFoundError
        When a named module is not part of the package.
    """
    names = [f"lucidna.{module}" for module in modules]
    for name in names:
        if _file(name) is None:
            raise FileNotFoundError(f"no module {name} below {PACKAGE}")
    seen = _with_imports(names)
    digest = hashlib.sha256()
    for path in sorted(seen):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + seen[path])
    return digest.hexdigest()[:16]


def _with_imports(names: Iterable[str]) -> dict[Path, bytes]:
    """Return file -> digest of modules ("lucidna.x") and of all of the package that they import, directly or not."""
    pending, seen = list(names), {}
    while pending:
        name = pending.pop()
        path = _file(name)
        if path is None or path in seen:
            continue
        seen[path], imports = _skeleton(path)
        pending.extend(imports)
        # Importing a.b.c also runs the __init__ of a and of a.b.
        parts = name.split(".")
        pending.extend(".".join(parts[:depth]) for depth in range(1, len(parts)))
    return seen


def files_digest(folder: Path) -> str:
    """Digest the names and bytes of all files in a folder: 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in sorted(path for path in Path(folder).iterdir() if path.is_file()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _file(name: str) -> Path | None:
    parts = name.split(".")
    if parts[0] != "lucidna":
        return None
    base = PACKAGE.joinpath(*parts[1:])
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file() and path.is_relative_to(PACKAGE):
            return path
    return None


@functools.cache
def _skeleton(path: Path) -> tuple[bytes, tuple[str, ...]]:
    """Return a digest of what a file does, and the modules of the package that it may import.

    Bytecode has no comments, and with `optimize=2` no docstrings. It takes a quarter of the time of a syntax tree,
    and every start of the workflow pays that for all modules.
    """
    text = path.read_text(encoding="utf-8")
    digest = hashlib.sha256()
    _update(digest, compile(text, path.name, "exec", dont_inherit=True, optimize=2))
    imports = []
    for module, members in _IMPORT.findall(text):
        imports += [module, *(f"{module}.{member}" for member in re.findall(r"\w+", members))]
    return digest.digest(), tuple(imports)


def _update(digest: Any, code: CodeType) -> None:
    """Add all that a code object does to the digest; where its lines are is left out."""
    names = (code.co_name, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    counts = (code.co_flags, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
    digest.update(repr((names, counts, code.co_code, code.co_exceptiontable)).encode())
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _update(digest, constant)
        else:
            # A set has no order of its own: the next process would tell the same one otherwise.
            told = sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant
            digest.update(f"{type(constant).__name__} {told!r}".encode())
