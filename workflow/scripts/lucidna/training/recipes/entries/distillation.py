"""The component `distillation`, and what it asks of the other recipes of the grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lucidna.errors import UserError, nearest
from lucidna.training.recipes.entries.common import Setting, check_number, check_switch

NAME = "distillation"

DEFAULTS: dict[str, Any] = {
    "teacher": None,  # needed: the recipe whose candidates are the members
    "weight": 1.0,  # of the log-variance's squared error beside the loss of the mean
    "dynamic": False,  # true: the members run beside the student and see what it sees
}

LEAST_MEMBERS = 2

Recipes = Mapping[str, Sequence[Sequence[Any]]]


def check(settings: Mapping[str, Any], setting: Setting) -> None:
    """Refuse arguments outside their limits, and a target without one number per task."""
    if not isinstance(settings["teacher"], str):
        raise UserError(
            f"recipe component 'distillation': teacher {settings['teacher']!r} is no recipe: name the one of "
            "grid.recipes whose networks are to be distilled"
        )
    check_number(NAME, "weight", settings["weight"], low=0)
    check_switch(NAME, "dynamic", settings["dynamic"])
    if setting.target == "profile":
        raise UserError(
            "recipe component 'distillation' learns one mean and one variance per task and cannot go with the target "
            "'profile': use the target 'counts', or leave it out"
        )


def settings_of(recipe: Sequence[Sequence[Any]], component: str) -> dict[str, Any] | None:
    """Return the arguments that a recipe gives to a component, or None where it lacks it."""
    return next((dict(arguments) for name, arguments in recipe if name == component), None)


def check_teachers(recipes: Recipes, *, seeds: Sequence[int], jitter: int, controls: Sequence[str]) -> None:
    """Refuse a grid whose distilled recipes have nobody, or not enough, to learn from.

    Parameters
    ----------
    recipes : mapping
        Name -> list of [component, arguments].
    seeds : sequence of int
        Of the grid: one member each.
    jitter : int
        Largest shift of a training window in bp.
    controls : sequence of str
        Kinds of controls, which are made from the first recipe.

    Raises
    ------
    UserError
        Names the recipe, what is wrong with it, and what to do.
    """
    for place, (name, recipe) in enumerate(recipes.items()):
        settings = settings_of(recipe, NAME)
        if settings is None:
            continue
        settings = {**DEFAULTS, **settings}
        where = f"config key 'grid.recipes.{name}'"
        teacher = settings["teacher"]
        if teacher not in recipes:
            guess = nearest(teacher, recipes)
            hint = f"did you mean '{guess}'?" if guess else f"there are {', '.join(recipes)}"
            raise UserError(f"{where}: distillation has the teacher '{teacher}', which is no recipe: {hint}")
        if settings_of(recipes[teacher], NAME) is not None:
            raise UserError(
                f"{where}: the teacher '{teacher}' is itself distilled, and its networks are too much alike to tell "
                "what is uncertain: name a recipe without distillation"
            )
        if len(seeds) < LEAST_MEMBERS:
            raise UserError(
                f"{where}: distillation needs at least {LEAST_MEMBERS} members, and grid.seeds gives '{teacher}' "
                f"{len(seeds)} for each architecture and fold: give more seeds"
            )
        if place == 0 and controls:
            raise UserError(
                f"{where}: the first recipe makes the controls, whose labels a distilled one does not see: put "
                f"'{teacher}' before it, or set grid.controls to []"
            )
        if settings["dynamic"]:
            _check_order(where, [component for component, _ in recipe])
        else:
            _check_still(where, recipe, jitter)


def _check_still(where: str, recipe: Sequence[Sequence[Any]], jitter: int) -> None:
    """Refuse what changes training sequences, where the members have seen them only as they are."""
    remedy = "or set dynamic: true, which runs the members in every step"
    if settings_of(recipe, "evoaug") is not None:
        raise UserError(
            f"{where}: distillation has the members' outputs for the sequences as they are, and evoaug changes these: "
            f"give evoaug to the teacher instead, {remedy}"
        )
    standard = settings_of(recipe, "standard")
    if standard is not None and jitter and standard.get("jitter", True):
        raise UserError(
            f"{where}: distillation has the members' outputs for unshifted windows, and window.jitter is {jitter}: "
            f"write {{standard: {{jitter: false}}}}, {remedy}"
        )


def _check_order(where: str, names: Sequence[str]) -> None:
    """Refuse dynamic distillation before what changes the sequences."""
    later = [name for name in names[names.index(NAME) :] if name in ("evoaug", "input_noise")]
    if later:
        raise UserError(
            f"{where}: dynamic distillation stands before {later[0]}, whose sequences the members are to see: "
            "put it last"
        )


def turns_strands(recipe: Sequence[Sequence[Any]]) -> bool:
    """Return whether a network of this recipe is to predict the same for both strands."""
    standard = settings_of(recipe, "standard")
    turned = standard is not None and standard.get("reverse_complement", True)
    return turned or settings_of(recipe, "conjoined") is not None
