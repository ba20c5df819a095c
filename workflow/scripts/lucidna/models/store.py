"""Save a network as weights without code, and load it again."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from lucidna import __version__
from lucidna.errors import UserError
from lucidna.files import atomic_path, read_json, write_json
from lucidna.models import build

WEIGHTS = "model.safetensors"
SETTINGS = "model.json"


def versions() -> dict[str, str]:
    """Return the versions of what determines a network's numbers."""
    return {
        "lucidna": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def save_model(model: nn.Module, directory: str | os.PathLike, *, extra: Mapping[str, Any]) -> None:
    """Write `model.safetensors` and `model.json` into `directory`.

    Parameters
    ----------
    model : nn.Module
        Made by `lucidna.models.build`.
    directory : path
        Made if missing.
    extra : mapping
        What else goes into model.json: the candidate's id and the digest of its dataset.
    """
    directory = Path(directory)
    weights = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    with atomic_path(directory / WEIGHTS) as temporary:
        save_file(weights, temporary)
    settings = dict(model.build_arguments)
    name = settings.pop("name")
    write_json(directory / SETTINGS, {"class": name, "build": settings, **extra, "versions": versions()})


def load_model(directory: str | os.PathLike) -> nn.Module:
    """Return the network of `directory` on the CPU in evaluation mode.

    Raises
    ------
    UserError
        When a file is missing or damaged, or the weights do not fit the architecture.
    """
    directory = Path(directory)
    for name in (SETTINGS, WEIGHTS):
        if not (directory / name).is_file():
            raise UserError(f"{directory / name} is missing: train this candidate, or name another folder")
    try:
        settings = read_json(directory / SETTINGS)
        name, arguments = settings["class"], settings["build"]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{directory / SETTINGS} is not a model description ({error}): train this candidate again"
        ) from error
    # Building draws weights that are overwritten at once; the caller's random state stays as it was.
    with torch.random.fork_rng(devices=[]):
        model = build(name, **arguments)
    try:
        model.load_state_dict(load_file(directory / WEIGHTS), strict=True)
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"{directory / WEIGHTS} does not hold the weights of {directory / SETTINGS} ({reason}): "
            "train this candidate again"
        ) from error
    return model.eval()
