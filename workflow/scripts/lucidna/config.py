"""Check a configuration and fill in its defaults; every mistake is one sentence that names the key.

Nothing here imports torch: the configuration is read each time a workflow is planned.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from lucidna.attribution.averaging import averaging
from lucidna.errors import UserError, nearest
from lucidna.external.given_settings import NEEDS_MORE, check_given, given_maps, given_schema
from lucidna.external.settings import check_external, maps_only_schema, only_maps
from lucidna.folds import expand_folds
from lucidna.models.names import check_architecture, first_kernel, has_dropout
from lucidna.motifs.sites import check_expected
from lucidna.training.names import resolve_trainer
from lucidna.training.recipes.entries.distillation import check_teachers
from lucidna.training.recipes.names import check_recipe
from lucidna.training.stacking import check_stacking

SCHEMA = Path(__file__).resolve().parents[2] / "schemas" / "config.schema.yaml"


def load_schema(path: Path = SCHEMA) -> dict:
    """Read the JSON schema of the configuration (YAML)."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def validate(config: dict, *, schema: dict | None = None) -> dict:
    """Return a checked copy of `config` with every default filled in.

    Parameters
    ----------
    config : dict
        The configuration as read from YAML.
    schema : dict, optional
        A JSON schema; the project's own by default.

    Returns
    -------
    dict
        A new dictionary of plain Python values.

    Raises
    ------
    UserError
        For an unknown key (with the nearest known one), a missing key, a value out of its range, or values that
        do not go together.
    """
    schema = schema or load_schema()
    config = _plain(config)
    if given_maps(config):
        schema = given_schema(schema)
    elif only_maps(config):
        schema = maps_only_schema(schema)
    error = best_match(Draft202012Validator(schema).iter_errors(config), key=_depth_first)
    if error is not None:
        raise UserError(_sentence(error))
    filled = _fill(schema, config, schema)
    if given_maps(filled):
        check_given(filled)
        check_expected(filled["motifs"]["expected"])
        return filled
    if not only_maps(filled):
        _check_together(filled)
    if "external" in filled:
        check_external(filled)
    return filled


def _plain(value: Any, key: str = "") -> Any:
    """Copy a value of the config with every key as text (YAML reads `1:` as a number), and refuse NaN and infinity."""
    if isinstance(value, Mapping):
        return {str(name): _plain(child, f"{key}.{name}" if key else str(name)) for name, child in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(child, key) for child in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"config key '{key}' is {value}: give a finite number")
    return value


def _depth_first(error: ValidationError) -> tuple:
    """Order errors so that unknown keys come first: a misspelt key explains a missing one."""
    return (error.validator == "additionalProperties", -len(error.path))


def _sentence(error: ValidationError) -> str:
    key = ".".join(str(part) for part in error.absolute_path)
    where = f"config key '{key}'" if key else "config"
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        unknown = sorted(set(error.instance) - set(known))[0]
        full = f"{key}.{unknown}" if key else unknown
        if unknown in error.schema.get(NEEDS_MORE, ()):
            return f"config key '{full}' needs a network, and there is none beside maps that are given: leave it out"
        guess = nearest(unknown, known)
        hint = f"did you mean '{guess}'?" if guess else f"known keys there: {', '.join(known)}"
        return f"config key '{full}' is not known: {hint}"
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return f"{where} lacks '{missing}': add it (config/README.md explains every key)"
    if error.validator == "enum":
        options = ", ".join(str(option) for option in error.validator_value)
        return f"{where} is {error.instance!r}: choose one of {options}"
    if error.validator == "type":
        wanted = error.validator_value
        quotes = "; put it in quotes" if wanted == "string" and isinstance(error.instance, int | float) else ""
        wanted = " or ".join(wanted) if isinstance(wanted, list) else wanted
        return f"{where} is {error.instance!r}: it must be of type {wanted}{quotes}"
    if error.validator == "minLength":
        return f"{where} is empty: name a file"
    if error.validator == "uniqueItems":
        return f"{where} is {error.instance!r}: name each once"
    if error.validator == "minProperties" or error.validator == "minItems":
        return f"{where} is empty: give at least {error.validator_value}"
    if error.validator == "pattern":
        more = ", '_', '.' and '-'" if "." in error.validator_value else " and '_'"
        return f"{where} has the name {error.instance!r}: use letters, digits{more}, a letter or digit first"
    return f"{where} is {error.instance!r}: {error.message}"


def _resolve(node: dict, root: dict) -> dict:
    reference = node.get("$ref")
    if not reference:
        return node
    target = root
    for part in reference.removeprefix("#/").split("/"):
        target = target[part]
    return {**target, **{name: value for name, value in node.items() if name != "$ref"}}


def _fill(node: dict, value: Any, root: dict) -> Any:
    """Insert the schema's defaults into `value`, at every level."""
    node = _resolve(node, root)
    if not isinstance(value, dict):
        return value
    for name, child in node.get("properties", {}).items():
        child = _resolve(child, root)
        if name not in value:
            if "default" not in child:
                continue
            value[name] = copy.deepcopy(child["default"])
        value[name] = _fill(child, value[name], root)
    return value


def _check_together(config: dict) -> None:
    """Check what a schema cannot: keys that need or exclude each other."""
    if "scores" in config:
        raise UserError("config key 'scores' goes with 'external' maps alone: remove it, the experiment makes its own")
    if "maps" in config:
        raise UserError(
            "config key 'maps' is for maps that exist, interpreted by a config of their own (experiment, genome, maps, "
            "motifs, report): remove it"
        )
    if ("genome" in config) == ("sequences" in config):
        raise UserError("config needs either 'genome' (with 'regions') or 'sequences': give exactly one of them")
    if "genome" in config and "regions" not in config:
        raise UserError("config has 'genome' but no 'regions': name the peaks in regions.peaks")
    if "sequences" in config:
        for key in ("regions", "tracks", "simulate"):
            if key in config:
                raise UserError(f"config key '{key}' does not go with 'sequences': remove it")
        if "variants" in config:
            raise UserError("config key 'variants' needs coordinates, which 'sequences' has none of: remove it")
        if config["target"] == "profile":
            raise UserError("config key 'target' is 'profile', but 'sequences' has no tracks: choose counts or binary")
    elif config["target"] != "binary" and "tracks" not in config:
        raise UserError(f"config key 'target' is '{config['target']}' but 'tracks' is missing: name a track sheet")

    window = config["window"]
    window["output"] = window["output"] or window["input"]
    if window["output"] > window["input"]:
        raise UserError(
            f"config key 'window.output' is {window['output']}, larger than window.input {window['input']}: "
            "the predicted window must lie inside the input"
        )
    averaging(config["attribution"]["average"], length=window["input"])
    check_expected(config["motifs"]["expected"])
    method = config["motifs"]["method"]
    if method not in config["attribution"]["methods"]:
        raise UserError(
            f"config key 'motifs.method' is '{method}', which attribution.methods does not list: add it there"
        )
    heads = heads_of(config)
    allowed = {"binary": {"logit"}, "counts": {"counts"}, "profile": {"counts", "profile"}}[config["target"]]
    for key, values in (("attribution.heads", heads), ("ranking.head", ranking_heads(config))):
        for head in values:
            if head not in allowed:
                raise UserError(
                    f"config key '{key}' is '{head}', but target '{config['target']}' has only: "
                    f"{', '.join(sorted(allowed))}"
                )
    expand_folds(config["folds"])
    _check_grid(config)


def _check_grid(config: dict) -> None:
    grid = config["grid"]
    window, target = config["window"], config["target"]
    trainer = resolve_trainer(grid["trainer"], target=target)
    kinds = []
    for name, entry in grid["architectures"].items():
        arguments = dict(entry or {})
        kind = arguments.pop("class", name)
        with _named(f"grid.architectures.{name}"):
            check_architecture(
                kind, arguments, target=target, input_length=window["input"], output_length=window["output"]
            )
        kinds.append((kind, first_kernel(kind, arguments), has_dropout(kind, arguments)))
    _check_strands(config)
    for name, recipe in grid["recipes"].items():
        for kind, width, dropout in kinds:
            with _named(f"grid.recipes.{name}"):
                check_recipe(
                    normal_recipe(recipe),
                    target=target,
                    window=window["input"],
                    class_name=kind,
                    first_kernel=width,
                    max_epochs=trainer["max_epochs"],
                    dropout=dropout,
                    precision=trainer["precision"],
                    compiled=trainer["compile"],
                )
    if grid["stack_seeds"]:
        check_stacking(trainer)
    check_teachers(
        {name: normal_recipe(recipe) for name, recipe in grid["recipes"].items()},
        seeds=grid["seeds"],
        jitter=window["jitter"],
        controls=grid["controls"],
    )


def _check_strands(config: dict) -> None:
    """Refuse windows whose signal does not lie in the middle: on the other strand it would lie one base off."""
    window = config["window"]
    if config["target"] == "profile" and (window["input"] - window["output"]) % 2:
        raise UserError(
            f"config key 'window': input {window['input']} less output {window['output']} is odd, so that the "
            f"profile of the other strand would be one base off: use output {window['output'] - 1} or "
            f"{window['output'] + 1}"
        )


@contextmanager
def _named(key: str) -> Iterator[None]:
    """Put the config key before the sentence of an error raised inside."""
    try:
        yield
    except UserError as error:
        raise UserError(f"config key '{key}': {error}") from error


def normal_recipe(recipe: list) -> list[list]:
    """Write each component of a recipe as `[name, arguments]`."""
    for component in recipe:
        given = {} if isinstance(component, str) else next(iter(component.values()))
        if given is not None and not isinstance(given, Mapping):
            name = next(iter(component))
            raise UserError(f"component '{name}' has {given!r} for arguments: write {{{name}: {{argument: value}}}}")
    return [
        [component, {}]
        if isinstance(component, str)
        else [next(iter(component)), dict(next(iter(component.values())) or {})]
        for component in recipe
    ]


def heads_of(config: dict) -> list[str]:
    """Return the heads whose maps are made: all that the target has, unless the config names some."""
    heads = config["attribution"]["heads"]
    if heads != "auto":
        return list(heads)
    return {"binary": ["logit"], "counts": ["counts"], "profile": ["counts", "profile"]}[config["target"]]


def ranking_heads(config: dict) -> list[str]:
    """Return the heads whose maps are ranked together."""
    head = config["ranking"]["head"]
    known = {"binary": ["logit"], "counts": ["counts"], "profile": ["counts", "profile"]}[config["target"]]
    return known if head == "all" else known[:1] if head == "auto" else [head]
