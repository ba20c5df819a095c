"""Find and read the files of an experiment; what is absent or empty is None, never an error."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from lucidna.errors import UserError
from lucidna.files import read_json, read_tsv
from lucidna.motifs.hit_columns import own_names


@dataclass(frozen=True)
class Experiment:
    """Where the files of one experiment lie, and what it was asked to do.

    Attributes
    ----------
    root : Path
        results/<experiment>.
    page : Path
        The page to be written; links are relative to its folder.
    config : dict
        The validated configuration.
    candidates : list of dict
        Every candidate of the grid, in its order.
    truth, benchmarks : Path or None
        Folders of the known truth of simulated data, and of Snakemake's benchmark files.
    examples : int
        How many example regions to draw.
    """

    root: Path
    page: Path
    config: dict
    candidates: list[dict]
    truth: Path | None = None
    benchmarks: Path | None = None
    examples: int = 6

    def table(self, *parts: str) -> pd.DataFrame | None:
        """Read a table below the root; None when it is absent or has no header."""
        return read_table(self.root.joinpath(*parts))

    def hits(self, task: str, head: str) -> pd.DataFrame | None:
        """Read the hits of a task and head, with the workflow's own names of the columns; None when absent."""
        found = self.table("motifs", task, head, "hits.tsv")
        return None if found is None else own_names(found)

    def document(self, *parts: str) -> Any:
        """Read a JSON file below the root; None when it is absent."""
        return read_document(self.root.joinpath(*parts))

    def link(self, *parts: str) -> str | None:
        """Return the address of a file below the root as seen from the page; None when it is absent."""
        path = self.root.joinpath(*parts)
        if not path.exists():
            return None
        return quote(Path(os.path.relpath(path, self.page.parent)).as_posix())

    def pairs(self, stage: str) -> list[tuple[str, str]]:
        """List the (task, head) folders of a stage ("attribute" or "motifs"), in the order of their names."""
        folder = self.root / stage
        if not folder.is_dir():
            return []
        found = [path for path in sorted(folder.glob("*/*")) if path.is_dir()]
        return [(path.parent.name, path.name) for path in found]


def read_table(path: str | Path) -> pd.DataFrame | None:
    """Read a TSV file; None when it is absent or empty.

    Raises
    ------
    UserError
        When the file is there but is not a table.
    """
    path = Path(path)
    if not path.is_file():
        return None
    try:
        return read_tsv(path)
    except pd.errors.EmptyDataError:
        return None
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not a tab-separated table ({error}): delete it and run again") from error


def read_document(path: str | Path) -> Any:
    """Read a JSON file; None when it is absent.

    Raises
    ------
    UserError
        When the file is there but is not JSON.
    """
    path = Path(path)
    if not path.is_file():
        return None
    try:
        return read_json(path)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not JSON ({error}): delete it and run again") from error


def family_of(candidate: dict) -> str:
    """Return the family of a candidate: architecture x recipe, controls apart."""
    control = candidate.get("control", "none")
    fallback = f"{candidate.get('architecture')}-{candidate.get('recipe')}"
    return candidate.get("family") or fallback + ("" if control == "none" else f"-{control}")


def appearance(candidates: list[dict]) -> dict[str, tuple[int, int]]:
    """Give each candidate a colour (its recipe) and a shape (its architecture), by order of appearance.

    Returns
    -------
    dict[str, tuple[int, int]]
        Candidate id -> (colour, shape).
    """
    recipes = list(dict.fromkeys(candidate.get("recipe") for candidate in candidates))
    architectures = list(dict.fromkeys(candidate.get("architecture") for candidate in candidates))
    return {
        candidate["id"]: (
            recipes.index(candidate.get("recipe")),
            architectures.index(candidate.get("architecture")),
        )
        for candidate in candidates
    }
