"""Expand the training grid of a configuration into candidates with stable ids (no torch: planning stays fast)."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from pathlib import Path
from typing import Any

from lucidna.config import normal_recipe
from lucidna.errors import UserError
from lucidna.folds import expand_folds
from lucidna.models.names import ARCHITECTURES
from lucidna.training.recipes.names import COMPONENTS

#: The parts of a configuration that determine the arrays on disk; folds do not, each has a file of its own.
DATA_KEYS = ("simulate", "genome", "regions", "sequences", "tracks", "window", "target")


def canonical(value: Any) -> str:
    """Write `value` as JSON with sorted keys and no spaces: equal settings give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def ordered(value: Any) -> Any:
    """Return plain settings with every mapping in the order of its keys.

    Snakemake compares params as text: without this, another order of keys in the config would rerun everything.
    """
    return json.loads(canonical(value))


def short_digest(value: Any) -> str:
    """Return the first 8 hexadecimal digits of the SHA-256 of the canonical JSON of `value`."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:8]


def data_digest(config: dict) -> str:
    """Digest the settings that determine the data set, with the text of the track sheet in place of its name."""
    settings = {key: config[key] for key in DATA_KEYS if key in config}
    sheet = settings.get("tracks")
    if sheet is not None and Path(sheet).is_file():
        settings["tracks"] = Path(sheet).read_text(encoding="utf-8")
    return hashlib.sha256(canonical(settings).encode()).hexdigest()


def expand_grid(config: dict) -> dict[str, dict]:
    """Return every candidate of the grid, keyed by its id, in the order of the configuration.

    A candidate is one architecture x recipe x fold x seed. Controls (label-shuffled training, random weights) are
    made from the first architecture, the first recipe and the first seed, once for each fold.

    Parameters
    ----------
    config : dict
        A validated configuration.

    Returns
    -------
    dict[str, dict]
        id -> candidate: id, architecture, class, arguments, recipe, components, fold, fold_split, seed, control,
        family and trainer.

    Raises
    ------
    UserError
        When the grid has no candidate, or two entries of the grid are the same candidate.
    """
    grid = config["grid"]
    folds = expand_folds(config["folds"])
    data = data_digest(config)
    architectures, recipes, seeds = list(grid["architectures"]), list(grid["recipes"]), list(grid["seeds"])
    points = [
        (architecture, recipe, fold, seed, "none")
        for architecture, recipe, fold, seed in itertools.product(architectures, recipes, folds, seeds)
    ]
    if not points:
        raise UserError("config key 'grid' has no candidate: give at least one architecture, recipe, fold and seed")
    points += [
        (architectures[0], recipes[0], fold, seeds[0], control) for control in grid["controls"] for fold in folds
    ]

    candidates: dict[str, dict] = {}
    for architecture, recipe, fold, seed, control in points:
        candidate = _candidate(config, data, architecture, recipe, fold, folds[fold], seed, control)
        if candidate["id"] in candidates:
            raise UserError(f"config key 'grid' names the candidate {candidate['id']} twice: remove one of the two")
        candidates[candidate["id"]] = candidate
    return candidates


def _candidate(
    config: dict, data: str, architecture: str, recipe: str, fold: str, split: dict, seed: int, control: str
) -> dict:
    entry = dict(config["grid"]["architectures"][architecture] or {})
    kind = entry.pop("class", architecture)
    components = [
        [name, {**COMPONENTS[name], **arguments}]
        for name, arguments in normal_recipe(config["grid"]["recipes"][recipe])
    ]
    settings = {
        "class": kind,
        "arguments": {**ARCHITECTURES[kind], **entry},
        "components": components,
        "fold_split": split,
        "seed": seed,
        "control": control,
        "trainer": config["grid"]["trainer"],
    }
    slug = f"{architecture}-{recipe}-{fold}-s{seed}" + ("" if control == "none" else f"-{control}")
    slug = re.sub(r"[^A-Za-z0-9_.-]", "_", slug)
    return {
        "id": f"{slug}-{short_digest({**settings, 'data': data})}",
        "architecture": architecture,
        "recipe": recipe,
        "family": f"{architecture}-{recipe}" + ("" if control == "none" else f"-{control}"),
        "fold": fold,
        **settings,
    }
