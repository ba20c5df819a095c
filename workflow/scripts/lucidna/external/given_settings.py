"""Check a configuration whose maps exist already, and list its files; imports no torch (planning stays fast)."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lucidna.errors import UserError

METHOD = "given"
"""What stands for the attribution method in the names of files."""

_FILE = {"maps": ..., "key": None, "onehot": None, "onehot_key": None}
_ENTRY = {
    **_FILE,
    "contributions": "hypothetical",
    "regions": ...,
    "rows": None,
    "centre": "auto",
    "head": "counts",
    "shuffled": None,
}
"""The keys of an entry with their defaults; `...` marks a key that must be given. `task` is its name by default."""

GIVEN_KEYS = ("experiment", "genome", "maps", "motifs", "report")
"""What a configuration of maps that exist can have."""

NEEDS_NETWORK = ("method", "null_draws", "reproducibility", "effects")
"""Keys of `motifs` that ask for passes of a network, or for maps of other methods."""

NEEDS_MORE = "x-needs-network"
"""Where the schema of such a configuration lists the keys that other configurations have."""

_EXPERIMENT_KEYS = {"sequences", "regions", "tracks", "window", "target", "folds", "grid", "simulate"}


def given_maps(config: Mapping) -> bool:
    """Whether a configuration interprets maps that exist, without data and without a grid."""
    return "maps" in config and not _EXPERIMENT_KEYS & set(config)


def given_schema(schema: dict) -> dict:
    """Return the part of the configuration's schema for maps that exist.

    At least one draw of permuted maps is made: it is the one null that needs no network.
    """
    part = copy.deepcopy(schema)
    part["required"] = ["experiment", "maps"]
    part[NEEDS_MORE] = sorted(set(part["properties"]) - set(GIVEN_KEYS))
    part["properties"] = {key: part["properties"][key] for key in GIVEN_KEYS}
    motifs = part["properties"]["motifs"]
    motifs[NEEDS_MORE] = list(NEEDS_NETWORK)
    for key in NEEDS_NETWORK:
        motifs["properties"].pop(key)
    motifs["properties"]["permuted_draws"]["minimum"] = 1
    return part


def check_given(config: dict) -> None:
    """Fill in the defaults of every entry of `maps`, in place.

    Raises
    ------
    UserError
        Two entries of one task and head, or one-hot sequences that no key names.
    """
    seen: dict[tuple[str, str], str] = {}
    for name, entry in config["maps"].items():
        config["maps"][name] = entry = {**_ENTRY, "task": name, **entry}
        if entry["shuffled"] is not None:
            entry["shuffled"] = {**_FILE, **entry["shuffled"]}
        for where, files in ((f"maps.{name}", entry), (f"maps.{name}.shuffled", entry["shuffled"])):
            if files and files["onehot"] is None and not files["maps"].endswith((".h5", ".hdf5")):
                raise UserError(
                    f"config key '{where}' lacks 'onehot': name the file of the one-hot sequences of '{files['maps']}'"
                )
        place = entry["task"], entry["head"]
        if place in seen:
            raise UserError(
                f"config keys 'maps.{seen[place]}' and 'maps.{name}' are both of task '{place[0]}' and head "
                f"'{place[1]}': give one of them another task or head"
            )
        seen[place] = name


def given_files(entry: Mapping[str, Any], where: str) -> dict[str, list[str]]:
    """List the files of an entry, and check that they exist.

    Returns
    -------
    dict
        "real" and "shuffled" -> paths.

    Raises
    ------
    UserError
        For a file that is not there, with the key that names it.
    """
    shuffled = entry["shuffled"] or {}
    named = {
        "real": {key: entry[key] for key in ("maps", "onehot", "regions", "rows")},
        "shuffled": {f"shuffled.{key}": shuffled.get(key) for key in ("maps", "onehot")},
    }
    files = {}
    for kind, paths in named.items():
        for key, path in paths.items():
            if path and not Path(path).is_file():
                raise UserError(
                    f"config key '{where}.{key}': there is no file '{path}' (paths are relative to {Path.cwd()}): "
                    "mend the path"
                )
        files[kind] = list(dict.fromkeys(path for path in paths.values() if path))
    return files
