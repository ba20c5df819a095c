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
from lucidna.training.recipes.entries import distillation
from lucidna.training.recipes.names import COMPONENTS
from lucidna.training.stacking import can_be_stacked

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
    made from the first architecture, the first recipe and the first seed, once for each fold. A distilled candidate's
    id depends on those of its members: one seed more is one member more, and another student.

    Parameters
    ----------
    config : dict
        A validated configuration.

    Returns
    -------
    dict[str, dict]
        id -> candidate: id, architecture, class, arguments, recipe, components, fold, fold_split, seed, control,
        family and trainer; a distilled one also has `distillation`: targets (the id of what its members say),
        members (their ids), both_strands and dynamic.

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

    taught = {recipe: teacher for recipe in recipes if (teacher := _teacher(config, recipe)) is not None}
    members = {
        (architecture, teacher, fold): [
            _candidate(config, data, architecture, teacher, fold, folds[fold], seed, "none")["id"] for seed in seeds
        ]
        for architecture, teacher, fold in itertools.product(architectures, dict.fromkeys(taught.values()), folds)
    }
    candidates: dict[str, dict] = {}
    for architecture, recipe, fold, seed, control in points:
        asked = members[architecture, taught[recipe], fold] if recipe in taught else None
        candidate = _candidate(config, data, architecture, recipe, fold, folds[fold], seed, control, asked)
        if candidate["id"] in candidates:
            raise UserError(f"config key 'grid' names the candidate {candidate['id']} twice: remove one of the two")
        candidates[candidate["id"]] = candidate
    return candidates


def _teacher(config: dict, recipe: str) -> str | None:
    """Return the recipe that another one learns from, or None."""
    settings = distillation.settings_of(normal_recipe(config["grid"]["recipes"][recipe]), distillation.NAME)
    return None if settings is None else settings["teacher"]


def _candidate(
    config: dict,
    data: str,
    architecture: str,
    recipe: str,
    fold: str,
    split: dict,
    seed: int,
    control: str,
    members: list[str] | None = None,
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
    if members is not None:
        settings["distillation"] = _distillation(architecture, fold, components, members)
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


def _distillation(architecture: str, fold: str, components: list, members: list[str]) -> dict:
    """Return what a distilled candidate's rules need to know of its members."""
    arguments = distillation.settings_of(components, distillation.NAME)
    both_strands = distillation.turns_strands(components)
    digest = short_digest({"members": members, "both_strands": both_strands})
    return {
        "targets": f"{architecture}-{arguments['teacher']}-{fold}-{digest}",
        "members": members,
        "both_strands": both_strands,
        "dynamic": arguments["dynamic"],
    }


def distillation_targets(candidates: dict[str, dict]) -> dict[str, dict]:
    """Return what is to be asked of members, once for all students that learn from them.

    Parameters
    ----------
    candidates : dict[str, dict]
        Of `expand_grid`.

    Returns
    -------
    dict[str, dict]
        Id -> fold, members (ids) and both_strands.
    """
    found = {}
    for candidate in candidates.values():
        asked = candidate.get("distillation")
        if asked is not None:
            found[asked["targets"]] = {
                "fold": candidate["fold"],
                "members": asked["members"],
                "both_strands": asked["both_strands"],
            }
    return found


def seed_stacks(config: dict, candidates: dict[str, dict]) -> dict[str, list[str]]:
    """Return which candidates are trained together: none, unless `grid.stack_seeds` says so.

    How a candidate is trained is no part of its id.

    Parameters
    ----------
    config : dict
        A validated configuration.
    candidates : dict[str, dict]
        Of `expand_grid`.

    Returns
    -------
    dict[str, list[str]]
        Name of the stack (architecture, recipe, fold) -> ids of its seeds, two or more. Controls, and recipes with a
        component that cannot be stacked, are in none.
    """
    if not config["grid"]["stack_seeds"]:
        return {}
    found: dict[str, list[str]] = {}
    for name, candidate in candidates.items():
        if candidate["control"] == "none" and can_be_stacked(name for name, _ in candidate["components"]):
            stack = "__".join(candidate[key] for key in ("architecture", "recipe", "fold"))
            found.setdefault(re.sub(r"\W", "_", stack), []).append(name)
    return {stack: names for stack, names in found.items() if len(names) > 1}
