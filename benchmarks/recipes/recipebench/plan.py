"""What is trained: difficulties x architectures x recipes x seeds, and a slice of it. No torch here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from lucidna.config import normal_recipe
from lucidna.errors import UserError, nearest
from lucidna.models.names import check_architecture, first_kernel
from lucidna.training.names import CONTROLS
from lucidna.training.recipes.names import check_recipe

AXES = {"difficulty": "difficulties", "architecture": "architectures", "recipe": "recipes"}
"""Selector of a slice -> section of the config."""

RECIPE_KEYS = {"components": None, "control": "none"}
DISTILLATION = "distillation"
"""The component whose argument `teacher` names the recipe that it learns from."""


@dataclass(frozen=True)
class Plan:
    """A slice of the grid.

    Attributes
    ----------
    difficulties, architectures, recipes
        Names, in the order of the config; the baseline is always among the recipes.
    """

    difficulties: list[str]
    architectures: list[str]
    recipes: list[str]


def make_plan(config: Mapping[str, Any]) -> Plan:
    """Choose the slice that the config asks for, and check all of it.

    Parameters
    ----------
    config
        With the sections of config.yaml; optional difficulty, architecture and recipe: names joined by commas, all
        others being left out.

    Raises
    ------
    UserError
        For a name that the config does not have, and for a component, argument or architecture that lucidna does not
        have or that do not go together.
    """
    chosen = {axis: _chosen(axis, config) for axis in AXES}
    if config["baseline"] not in config["recipes"]:
        raise UserError(f"baseline {config['baseline']!r} is not one of the recipes: name one")
    wanted = {*chosen["recipe"], config["baseline"]}
    for name in list(wanted):
        members = members_of(config, name)
        if members is not None:
            if members not in config["recipes"] or members_of(config, members) is not None:
                raise UserError(f"recipe {name!r}: its teacher {members!r} is no recipe without one: name one")
            if len(config["seeds"]) < 2:
                raise UserError(f"recipe {name!r} learns from the networks of all seeds: give at least two seeds")
            wanted.add(members)
    recipes = [name for name in config["recipes"] if name in wanted]
    plan = Plan(chosen["difficulty"], chosen["architecture"], recipes)
    for difficulty in plan.difficulties:
        for architecture in plan.architectures:
            for recipe in plan.recipes:
                _check(config, difficulty, architecture, recipe)
    return plan


def recipe_of(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return components ([[name, arguments], ...]) and control of a recipe."""
    entry = config["recipes"][name]
    entry = entry if isinstance(entry, Mapping) else {"components": entry}
    for key in entry:
        if key not in RECIPE_KEYS:
            raise UserError(f"recipe {name!r} has no key {key!r}: it takes {', '.join(RECIPE_KEYS)}")
    settings = {**RECIPE_KEYS, **entry}
    if not isinstance(settings["components"], list):
        raise UserError(f"recipe {name!r}: components {settings['components']!r} is not a list: give one")
    if settings["control"] not in CONTROLS:
        raise UserError(f"recipe {name!r}: control {settings['control']!r} is none of {', '.join(CONTROLS)}")
    return {**settings, "components": normal_recipe(settings["components"])}


def members_of(config: Mapping[str, Any], name: str) -> str | None:
    """Return the recipe whose networks, of all seeds, a recipe learns from, or None."""
    components = recipe_of(config, name)["components"]
    return next((arguments.get("teacher") for part, arguments in components if part == DISTILLATION), None)


def architecture_of(config: Mapping[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    """Return the class and the arguments of an architecture of the config."""
    entry = dict(config["architectures"][name] or {})
    return entry.pop("class", name), entry


def cell_settings(config: Mapping[str, Any], difficulty: str, architecture: str, recipe: str) -> dict[str, Any]:
    """Return what determines the networks of a cell, and nothing else: jobs run again when it changes."""
    found = {
        "seeds": config["seeds"],
        "trainer": {**config["trainer"], **config["difficulties"][difficulty].get("trainer", {})},
        "difficulties": {difficulty: config["difficulties"][difficulty]},
        "architectures": {architecture: config["architectures"][architecture]},
        "recipes": {recipe: config["recipes"][recipe]},
    }
    members = members_of(config, recipe)
    if members is not None:
        found["recipes"][members] = config["recipes"][members]
    return found


def _chosen(axis: str, config: Mapping[str, Any]) -> list[str]:
    section = config[AXES[axis]]
    if axis not in config:
        return list(section)
    names = [str(name).strip() for name in str(config[axis]).split(",")]
    for name in names:
        _known(axis, name, section)
    return [name for name in section if name in names]


def _known(axis: str, name: str, section: Collection[str]) -> None:
    if name not in section:
        guess = nearest(name, section)
        hint = f"did you mean {guess!r}?" if guess else f"use some of {', '.join(section)}"
        raise UserError(f"{axis} {name!r} is not in the config: {hint}")


def _check(config: Mapping[str, Any], difficulty: str, architecture: str, recipe: str) -> None:
    kind, arguments = architecture_of(config, architecture)
    length = config["difficulties"][difficulty]["length"]
    try:
        check_architecture(kind, arguments, target="binary", input_length=length)
        check_recipe(
            recipe_of(config, recipe)["components"],
            target="binary",
            window=length,
            class_name=kind,
            first_kernel=first_kernel(kind, arguments),
        )
    except UserError as error:
        raise UserError(f"difficulty {difficulty}, architecture {architecture}, recipe {recipe}: {error}") from error
