"""Answer what the workflow must know before any job runs: files, task names, a writable output folder."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

from lucidna.errors import UserError
from lucidna.files import existing_parent


def task_names(config: dict) -> list[str]:
    """Name the outputs of a model that are interpreted: tracks, activities, or "peak".

    Raises
    ------
    UserError
        When attribution.tasks names a task that does not exist.
    """
    if "sequences" in config:
        known = _activities(config["sequences"])
    elif config["target"] == "binary":
        known = ["peak"]
    else:
        known = [row["name"] for row in _sheet(config["tracks"])]
    asked = config["attribution"]["tasks"]
    if asked == "all":
        return known
    for name in asked:
        if name not in known:
            raise UserError(f"config key 'attribution.tasks' names '{name}': the tasks are {', '.join(known)}")
    return list(asked)


def input_files(config: dict) -> dict[str, list[str]]:
    """List the files that a configuration names, by kind, and check that those not simulated exist.

    Returns
    -------
    dict[str, list[str]]
        Keys genome, peaks, blacklist, sheet, tracks, controls, sequences, database; an absent one is an empty list.

    Raises
    ------
    UserError
        For a file that is not there, with the key that names it.
    """
    named: dict[str, list[tuple[str, str | None]]] = {
        "genome": [("genome.fasta", config.get("genome", {}).get("fasta"))],
        "peaks": [("regions.peaks", config.get("regions", {}).get("peaks"))],
        "blacklist": [("regions.blacklist", config.get("regions", {}).get("blacklist"))],
        "sheet": [("tracks", config.get("tracks"))],
        "sequences": [("sequences.table", config.get("sequences", {}).get("table"))],
        "database": [("motifs.database", config["motifs"]["database"])],
        "tracks": [],
        "controls": [],
    }
    if "tracks" in config:
        sheet = config["tracks"]
        _must_exist("tracks", sheet)
        for row in _sheet(sheet):
            for column in ("bigwig", "minus_bigwig", "control"):
                if row.get(column):
                    kind = "controls" if column == "control" else "tracks"
                    named[kind].append((f"{sheet}, track '{row['name']}', column {column}", row[column]))
    simulated = f"results/{config['experiment']}/simulate/" if "simulate" in config else None
    files: dict[str, list[str]] = {}
    for kind, entries in named.items():
        files[kind] = []
        for key, path in entries:
            if not path:
                continue
            if not (simulated and str(path).startswith(simulated)):
                _must_exist(key, path)
            if path not in files[kind]:
                files[kind].append(path)
    return files


def check_output_folder(folder: str) -> None:
    """Raise UserError when nothing can be written below `folder`."""
    parent = existing_parent(folder)
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise UserError(f"the output folder {folder} is not writable ({parent}): choose another with --directory")


def _must_exist(key: str, path: str) -> None:
    if not Path(path).is_file():
        raise UserError(f"{key}: there is no file '{path}' (paths are relative to {Path.cwd()}): mend the path")


def _sheet(path: str) -> list[dict[str, str]]:
    _must_exist("tracks", path)
    with Path(path).open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader((line for line in handle if not line.startswith("#")), delimiter="\t"))
    if not rows or "name" not in rows[0] or "bigwig" not in rows[0]:
        raise UserError(f"{path}: a track sheet needs a header with 'name' and 'bigwig' and at least one line")
    for line, row in enumerate(rows, start=2):
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", row["name"] or ""):
            raise UserError(
                f"{path}, line {line}: the track name '{row['name']}' also names folders: use letters, digits, "
                "'_', '.' and '-'"
            )
    return rows


def _activities(sequences: dict) -> list[str]:
    if sequences["activities"]:
        return list(sequences["activities"])
    _must_exist("sequences.table", sequences["table"])
    with Path(sequences["table"]).open(encoding="utf-8", newline="") as handle:
        header = next(csv.reader(handle, delimiter="\t"), [])
    others = {sequences["id"], sequences["sequence"], sequences["group"]}
    names = [name for name in header if name not in others]
    if not names:
        raise UserError(f"{sequences['table']}: no column of activities beside {', '.join(header)}: add one")
    return names
