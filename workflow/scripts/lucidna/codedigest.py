"""Digest the code that a rule runs, so that a change in an imported module reruns what depends on it.

Snakemake sees a change of a script, not of the modules that the script imports.
"""

from __future__ import annotations

import ast
import functools
import hashlib
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


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
    pending, seen = [f"lucidna.{module}" for module in modules], {}
    for name in pending:
        if _file(name) is None:
            raise FileNotFoundError(f"no module {name} below {PACKAGE}")
    while pending:
        name = pending.pop()
        path = _file(name)
        if path is None or path in seen:
            continue
        text, imports = _skeleton(path)
        seen[path] = text
        pending.extend(imports)
        # Importing a.b.c also runs the __init__ of a and of a.b.
        parts = name.split(".")
        pending.extend(".".join(parts[:depth]) for depth in range(1, len(parts)))
    digest = hashlib.sha256()
    for path in sorted(seen):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + seen[path].encode())
    return digest.hexdigest()[:16]


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
def _skeleton(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return the code of a file without comments and docstrings, and the modules that it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            imports.append(node.module)
            imports += [f"{node.module}.{alias.name}" for alias in node.names]
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node, clean=False
        ):
            node.body = node.body[1:]
    return ast.dump(tree), tuple(name for name in imports if name.split(".")[0] == "lucidna")
