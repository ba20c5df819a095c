"""Read weights as tensors, never as code, and put them into a network that they fit."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from lucidna.errors import UserError

_WRAPPERS = ("state_dict", "model_state_dict")
_PREFIXES = ("model.", "module.")


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Read a state_dict: safetensors, or torch's own format loaded without its code.

    A checkpoint with the weights under "state_dict" or "model_state_dict" (Lightning's, for one) is unwrapped.

    Parameters
    ----------
    path : path
        Named ``*.safetensors`` or, for torch's format, anything else.

    Returns
    -------
    dict[str, Tensor]
        Name -> tensor, on the CPU.

    Raises
    ------
    UserError
        No such file, a file that needs its pickle to be run, or one without weights in it.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no file '{path}' (paths are relative to {Path.cwd()}): mend the path")
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except SafetensorError as error:
            raise UserError(f"{path} is not a safetensors file ({error}): save the weights again") from error
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        match = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"it asks for {match[1]}" if match else str(error).splitlines()[0]
        raise UserError(
            f"{path} holds code, which is never run ({what}): save the network's state_dict() instead, best as "
            "safetensors"
        ) from error
    except Exception as error:  # a damaged archive fails in many ways
        raise UserError(
            f"{path} cannot be read as weights ({str(error).splitlines()[0]}): save the state_dict again"
        ) from error
    for key in _WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if not isinstance(found, Mapping) or not found or not all(isinstance(value, Tensor) for value in found.values()):
        raise UserError(f"{path} holds no state_dict (name -> tensor): save the network's state_dict()")
    return dict(found)


def fit_weights(model: nn.Module, weights: Mapping[str, Tensor], where: str) -> None:
    """Load weights into a network, all of them and no others.

    Parameters
    ----------
    model : nn.Module
        The network.
    weights : mapping
        Name -> tensor. A prefix "model." or "module." of every name, as trainers leave it, is taken off when the
        names fit without it.
    where : str
        Whose weights these are, for messages.

    Raises
    ------
    UserError
        Names or shapes differ, or a weight is not finite: one sentence with the first few.
    """
    own = model.state_dict()
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in weights) and not any(name.startswith(prefix) for name in own):
            weights = {name.removeprefix(prefix): value for name, value in weights.items()}
    missing = [name for name in own if name not in weights and not name.endswith("num_batches_tracked")]
    unknown = [name for name in weights if name not in own]
    shapes = [
        f"{name} is {tuple(weights[name].shape)} in the file and {tuple(value.shape)} in the network"
        for name, value in own.items()
        if name in weights and weights[name].shape != value.shape
    ]
    problems = []
    if missing:
        problems.append(f"{_listed(missing)} not in the file")
    if unknown:
        problems.append(f"{_listed(unknown)} not in the network")
    problems += [_listed(shapes)] if shapes else []
    kind = type(model).__name__
    if problems:
        raise UserError(
            f"{where} does not fit {kind}: {'; '.join(problems)}: give the arguments that it was trained with"
        )
    for name, value in weights.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise UserError(f"{where} has NaN or infinite values in {name}: give weights of a training that went well")
    model.load_state_dict(dict(weights), strict=False)


def _listed(names: list[str], most: int = 3) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
