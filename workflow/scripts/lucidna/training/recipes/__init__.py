"""Recipes of robust training: one component per file. Importing this package does not import torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lucidna.training.recipes.names import COMPONENTS

if TYPE_CHECKING:
    from lucidna.training.recipes.base import Component, Recipe


def registry() -> dict[str, type[Component]]:
    """Return the class of every component by its name in the config."""
    from lucidna.training.recipes.distillation import Distillation
    from lucidna.training.recipes.evoaug import EvoAug
    from lucidna.training.recipes.exponential import Exponential
    from lucidna.training.recipes.kmer_filters import KmerFilters
    from lucidna.training.recipes.standard import Standard

    return {part.name: part for part in (Standard, Exponential, KmerFilters, EvoAug, Distillation)}


def compose(components: Sequence[Sequence[Any]]) -> Recipe:
    """Return the recipe of a list of [name, arguments], with the arguments' defaults filled in.

    The words are expected to have passed `lucidna.training.recipes.names.check_recipe`.
    """
    from lucidna.training.recipes.base import Recipe

    classes = registry()
    return Recipe([classes[name](**{**COMPONENTS[name], **arguments}) for name, arguments in components])
