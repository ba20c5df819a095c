"""Check the `external` part of a configuration and list its candidates; imports no torch (planning stays fast)."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lucidna.errors import UserError, nearest
from lucidna.folds import expand_folds

_INPUT = {"layout": "NCL", "bases": "ACGT", "length": None}
_OUTPUT = {"scale": "auto", "scalar": None, "columns": None, "profile": None}
_NETWORK = {"family": None, "run": None, "control": "none", "folds": "all", "input": _INPUT, "output": _OUTPUT}

KINDS: dict[str, dict[str, Any]] = {
    "pytorch": {**_NETWORK, "class": ..., "arguments": {}, "weights": ...},
    "torchscript": {**_NETWORK, "program": ...},
    "export": {**_NETWORK, "program": ...},
    "bpnetlite": {**_NETWORK, "weights": ..., "output": {**_OUTPUT, "scale": "log_counts", "scalar": 1, "profile": 0}},
    "maps": {
        "family": None,
        "control": "none",
        "run": None,
        "maps": ...,
        "key": None,
        "onehot": None,
        "onehot_key": None,
        "ids": None,
        "contributions": "hypothetical",
    },
}
"""The keys of each kind with their defaults; `...` marks a key that must be given."""

NETWORK_CONTROLS = ("none", "bias")
"""What a network can be: a candidate, or trained on a control track (`ranking.control_share`)."""

SCALES = {"binary": ("logit", "probability", "log_counts", "counts"), "counts": ("log_counts", "counts")}
"""What a scalar output can be, for each target; a profile's scalar output is its counts."""

MAPS_ONLY_KEYS = ("experiment", "external", "scores", "ranking", "report")
"""What a configuration without data and grid can have."""

_EXPERIMENT_KEYS = {"genome", "sequences", "regions", "tracks", "window", "target", "folds", "grid", "simulate"}


def only_maps(config: Mapping) -> bool:
    """Whether a configuration ranks maps that exist, without data and without a grid."""
    return "external" in config and not _EXPERIMENT_KEYS & set(config)


def maps_only_schema(schema: dict) -> dict:
    """Return the part of the configuration's schema for maps alone.

    The margin of the gate is 0 unless given: the unit of the scores is not known, and scores without an interval
    are then shown and gate nothing.
    """
    part = copy.deepcopy(schema)
    part["required"] = ["experiment", "external"]
    part["properties"] = {key: part["properties"][key] for key in MAPS_ONLY_KEYS}
    for key in ("head", "probes", "shuffled"):  # what needs a network
        part["properties"]["ranking"]["properties"].pop(key, None)
    part["properties"]["ranking"]["properties"]["gate"]["properties"]["margin"]["default"] = 0
    return part


def described(external: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Describe maps that exist, the entries of `external`, as the candidates that the report knows."""
    return [
        {
            "id": name,
            "family": entry["family"] or name,
            "recipe": entry["family"] or name,
            "architecture": "maps",
            "control": entry["control"],
        }
        for name, entry in external.items()
    ]


def check_external(config: dict) -> None:
    """Check every entry of `external` and fill in the defaults of its kind, in place.

    Raises
    ------
    UserError
        A key that the kind does not have or lacks, or values that do not go with the rest of the configuration.
    """
    alone = only_maps(config)
    for name, entry in config["external"].items():
        where = f"external.{name}"
        _check_keys(where, entry)
        if (entry["kind"] == "maps") != alone:
            raise UserError(
                f"config key '{where}.kind' is '{entry['kind']}': a network needs the data of an experiment "
                "(genome or sequences, window, target, folds, grid)"
                if alone
                else f"config key '{where}.kind' is 'maps': maps are ranked by a config of their own, without data "
                "and grid (target rank_external)"
            )
        if not alone:
            _check_network(where, entry, config)
    ranked = [name for name, entry in config["external"].items() if entry.get("control", "none") != "bias"]
    if alone and len(ranked) < 2:
        noun = "candidate" if len(ranked) == 1 else "candidates"
        also = " beside its bias controls" if len(ranked) < len(config["external"]) else ""
        raise UserError(f"config key 'external' has {len(ranked)} {noun}{also}: give at least 2, better 5 or more")


def _check_keys(where: str, entry: dict) -> None:
    known = KINDS[entry["kind"]]
    for key in entry:
        if key != "kind" and key not in known:
            guess = nearest(key, known)
            hint = f"did you mean '{guess}'?" if guess else f"it takes {', '.join(known)}"
            raise UserError(f"config key '{where}.{key}' does not go with kind '{entry['kind']}': {hint}")
    for key, default in known.items():
        if default is ...:
            if key not in entry:
                raise UserError(f"config key '{where}' lacks '{key}', which kind '{entry['kind']}' needs: add it")
        elif isinstance(default, dict):
            entry[key] = {**copy.deepcopy(default), **(entry.get(key) or {})}
        else:
            entry.setdefault(key, default)


def _check_network(where: str, entry: dict, config: dict) -> None:
    target, window = config["target"], config["window"]
    if entry["control"] not in NETWORK_CONTROLS:
        raise UserError(
            f"config key '{where}.control' is '{entry['control']}': a network from elsewhere is none or bias, the "
            "others are made by the grid (grid.controls)"
        )
    if entry["kind"] == "pytorch" and not all(entry["class"].rpartition(":")[::2]):
        raise UserError(
            f"config key '{where}.class' is '{entry['class']}': write package.module:Class or path/to/file.py:Class"
        )
    if sorted(entry["input"]["bases"]) != list("ACGT"):
        raise UserError(
            f"config key '{where}.input.bases' is '{entry['input']['bases']}': give the order of A, C, G and T in "
            "the network's input, each once"
        )
    length = entry["input"]["length"]
    if length is not None and length > window["input"]:
        raise UserError(
            f"config key '{where}.input.length' is {length}, longer than window.input {window['input']}: "
            "raise window.input, the network takes the centre of the window"
        )
    output = entry["output"]
    if output["scale"] == "auto":
        output["scale"] = "logit" if target == "binary" else "log_counts"
    scales = SCALES.get(target, SCALES["counts"])
    if output["scale"] not in scales:
        raise UserError(
            f"config key '{where}.output.scale' is '{output['scale']}', which does not go with target '{target}': "
            f"choose one of {', '.join(scales)}"
        )
    if target == "profile" and output["profile"] is None:
        raise UserError(
            f"config key '{where}.output.profile' is missing: target 'profile' needs the place of the profile logits "
            "among the network's outputs, as output.scalar that of the counts"
        )
    folds = expand_folds(config["folds"])
    if entry["folds"] != "all":
        for fold in entry["folds"]:
            if fold not in folds:
                guess = nearest(fold, folds)
                hint = f"did you mean '{guess}'?" if guess else f"the folds are {', '.join(folds)}"
                raise UserError(f"config key '{where}.folds' names '{fold}': {hint}")


def expand_external(config: dict) -> dict[str, dict]:
    """Return the external networks as candidates, id -> candidate, once for each fold that they join.

    An id is name, fold and a digest of the entry; nothing of it enters the ids of trained candidates.

    Parameters
    ----------
    config : dict
        A validated configuration.

    Returns
    -------
    dict[str, dict]
        Candidates as `grid.expand_grid` makes them, without a seed; `arguments` holds the entry, and `trainer` is
        that of the grid, for those who ask what an epoch would cost.
    """
    candidates = {}
    folds = expand_folds(config["folds"])
    for name, entry in config.get("external", {}).items():
        family = entry["family"] or name
        for fold in folds if entry["folds"] == "all" else entry["folds"]:
            settings = {key: value for key, value in entry.items() if key not in ("folds", "family", "run", "control")}
            digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]
            candidate_id = f"external-{name}-{fold}-{digest}"
            candidates[candidate_id] = {
                "id": candidate_id,
                "name": name,
                "run": f"external {entry['run'] or name}",
                "architecture": "external",
                "recipe": family,
                "family": f"external-{family}" + ("" if entry["control"] == "none" else f"-{entry['control']}"),
                "fold": fold,
                "class": "external",
                "arguments": settings,
                "components": [],
                "fold_split": folds[fold],
                "control": entry["control"],
                "trainer": config["grid"]["trainer"],
            }
    return candidates


def external_files(entry: Mapping, where: str) -> list[str]:
    """List the files that an entry names, and check that they exist.

    Raises
    ------
    UserError
        For a file that is not there, with the key that names it.
    """
    named = {key: entry.get(key) for key in ("weights", "program", "maps", "onehot", "ids")}
    source = source_file(entry)
    if source is not None:
        named["class"] = source
    files = {key: path for key, path in named.items() if path}
    for key, path in files.items():
        if not Path(path).is_file():
            raise UserError(
                f"config key '{where}.{key}': there is no file '{path}' (paths are relative to {Path.cwd()}): "
                "mend the path"
            )
    return list(dict.fromkeys(files.values()))


def source_file(entry: Mapping) -> str | None:
    """Return the Python file of an entry's class, or None when the class is of an installed package."""
    path = str(entry.get("class") or "").rpartition(":")[0]
    return path if path.endswith(".py") else None
