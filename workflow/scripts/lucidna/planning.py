"""Answer what the workflow must know before any job runs: files, task names, a writable output folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from lucidna.errors import UserError, nearest
from lucidna.files import existing_parent
from lucidna.meme import read_meme
from lucidna.sequence_table import activity_columns, read_table
from lucidna.sheet import read_sheet

_LEAST_FREE = 10**6  # bytes; with less, Snakemake itself cannot keep its records


def task_names(config: dict) -> list[str]:
    """Name the outputs of a model that are interpreted: tracks, activities, or "peak".

    Raises
    ------
    UserError
        When attribution.tasks names a task that does not exist, or the loss compares tasks and there is one.
    """
    if "sequences" in config:
        known = _activities(config["sequences"])
    elif config["target"] == "binary":
        known = ["peak"]
    else:
        known = [track.name for track in read_sheet(config["tracks"], made_below=_simulated(config))]
    if config.get("grid", {}).get("trainer", {}).get("loss") == "cosine_mse" and len(known) < 2:
        raise UserError(
            "config key 'grid.trainer.loss' is 'cosine_mse', which compares tasks with each other, and there is one, "
            f"'{known[0]}': use mse"
        )
    asked = config["attribution"]["tasks"]
    if asked == "all":
        return known
    for name in asked:
        if name not in known:
            raise UserError(f"config key 'attribution.tasks' names '{name}': the tasks are {', '.join(known)}")
    return list(asked)


def input_files(config: dict) -> dict[str, list[str]]:
    """List the files that a configuration names, by kind, and check that those not simulated exist.

    What is small and decides the plan or ends it, the sheet of tracks and the database of motifs, is also read: the
    other files are checked by a job (`lucidna.checks`).

    Returns
    -------
    dict[str, list[str]]
        Keys genome, peaks, blacklist, sheet, tracks, controls, sequences, database, variants; an absent one is an
        empty list.

    Raises
    ------
    UserError
        For a file that is not there, with the key that names it; for a sheet or database that is malformed.
    """
    simulated = _simulated(config)
    named = {
        "genome": ("genome.fasta", config.get("genome", {}).get("fasta")),
        "peaks": ("regions.peaks", config.get("regions", {}).get("peaks")),
        "blacklist": ("regions.blacklist", config.get("regions", {}).get("blacklist")),
        "sheet": ("tracks", config.get("tracks")),
        "sequences": ("sequences.table", config.get("sequences", {}).get("table")),
        "database": ("motifs.database", config["motifs"]["database"]),
        "variants": ("variants.vcf", config.get("variants", {}).get("vcf")),
    }
    files: dict[str, list[str]] = {kind: [path] if path else [] for kind, (_, path) in named.items()}
    for key, path in named.values():
        if path and not (simulated and path.startswith(simulated)):
            _must_exist(key, path)
    tracks = read_sheet(config["tracks"], target=config["target"], made_below=simulated) if "tracks" in config else []
    signals = [path for track in tracks for path in (track.bigwig, track.minus_bigwig) if path]
    files["tracks"] = list(dict.fromkeys(signals))
    files["controls"] = list(dict.fromkeys(track.control for track in tracks if track.control))
    for path in files["database"]:
        if not (simulated and path.startswith(simulated)):
            read_meme(path)
    return files


def interpretation_files(config: dict) -> dict[str, list[str]]:
    """List the genome and the database of motifs that a configuration of maps alone names, and check them.

    Returns
    -------
    dict[str, list[str]]
        Keys genome and database; an absent one is an empty list.

    Raises
    ------
    UserError
        For a file that is not there, with the key that names it; for a database that is malformed.
    """
    named = {
        "genome": ("genome.fasta", config.get("genome", {}).get("fasta")),
        "database": ("motifs.database", config["motifs"]["database"]),
    }
    for key, path in named.values():
        if path:
            _must_exist(key, path)
    files = {kind: [path] if path else [] for kind, (_, path) in named.items()}
    for path in files["database"]:
        read_meme(path)
    return files


def _simulated(config: dict) -> str | None:
    """Return the start of the paths that the workflow itself makes."""
    return f"results/{config['experiment']}/simulate/" if "simulate" in config else None


def check_output_folder(folder: str) -> None:
    """Raise UserError when nothing can be written below `folder`, or its disk is full."""
    parent = existing_parent(folder)
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise UserError(f"the output folder {folder} is not writable ({parent}): choose another with --directory")
    disk = shutil.disk_usage(parent)
    if disk.total and disk.free < _LEAST_FREE:
        raise UserError(
            f"the output folder {folder} has {disk.free} bytes free, the disk is full ({parent}): free some space or "
            "choose another with --directory"
        )


def check_models(models: str | list[str], candidates: Collection[str]) -> None:
    """Raise UserError when attribution.models names a candidate that the grid does not have."""
    for name in [] if models == "chosen" else models:
        if name not in candidates:
            guess = nearest(name, candidates)
            hint = f"did you mean '{guess}'?" if guess else f"the grid has {', '.join(list(candidates)[:5])}, ..."
            raise UserError(f"config key 'attribution.models' names '{name}', which is no candidate: {hint}")


def _must_exist(key: str, path: str) -> None:
    if not Path(path).is_file():
        raise UserError(f"{key}: there is no file '{path}' (paths are relative to {Path.cwd()}): mend the path")


def _activities(sequences: dict) -> list[str]:
    if sequences["activities"]:
        return list(sequences["activities"])
    table = sequences["table"]
    _must_exist("sequences.table", table)
    header, lines = read_table(table)
    return activity_columns(table, header, lines, but=(sequences["id"], sequences["sequence"], sequences["group"]))
