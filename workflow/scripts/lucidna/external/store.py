"""Keep a network from elsewhere in a candidate's folder, and load any candidate from its folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from lucidna.errors import UserError
from lucidna.external.bpnetlite import BPNetLite, build_bpnetlite, read_bpnetlite
from lucidna.external.networks import ExternalNetwork
from lucidna.external.sources import Program, build_class, load_program
from lucidna.external.weights import fit_weights, read_weights
from lucidna.files import atomic_path, read_json, write_json
from lucidna.models.store import SETTINGS, WEIGHTS, load_model, versions

_PROGRAM = "program"


def read_network(settings: Mapping[str, Any], dataset: Mapping[str, Any], *, name: str) -> ExternalNetwork:
    """Read a network from the files that its entry of `external` names.

    Parameters
    ----------
    settings : mapping
        The entry, with its defaults (`settings.check_external`).
    dataset : mapping
        As for `networks.ExternalNetwork`.
    name : str
        For messages.

    Raises
    ------
    UserError
        See `sources`, `weights` and `bpnetlite`.
    """
    kind = settings["kind"]
    if kind == "pytorch":
        network = build_class(settings["class"], settings["arguments"])
        fit_weights(network, read_weights(settings["weights"]), settings["weights"])
    elif kind == "bpnetlite":
        network = read_bpnetlite(settings["weights"])
    else:
        path = Path(settings["program"])
        if not path.is_file():
            raise UserError(f"there is no file '{path}' (paths are relative to {Path.cwd()}): mend the path")
        network = load_program(kind, path.read_bytes(), str(path))
    return ExternalNetwork(network, settings, dataset, name=name).eval()


def save_network(model: ExternalNetwork, settings: Mapping[str, Any], directory: Path, *, extra: Mapping) -> None:
    """Write `model.safetensors` and `model.json`; a program goes into the former as its bytes.

    Parameters
    ----------
    model : ExternalNetwork
        From `read_network`.
    settings : mapping
        Its entry of `external`.
    directory : Path
        The candidate's folder.
    extra : mapping
        What else model.json holds.
    """
    directory.mkdir(parents=True, exist_ok=True)
    network = model.network
    if isinstance(network, Program):
        weights = {_PROGRAM: torch.frombuffer(bytearray(network.content), dtype=torch.uint8)}
    else:
        # Tied weights share memory, which safetensors does not keep: each gets a copy.
        weights = {key: value.detach().clone().contiguous() for key, value in network.state_dict().items()}
    facts = {"trimming": network.trimming} if isinstance(network, BPNetLite) else {}
    with atomic_path(directory / WEIGHTS) as temporary:
        save_file(weights, temporary)
    build = {"name": model.name, "settings": dict(settings), "dataset": model.dataset, "facts": facts}
    write_json(directory / SETTINGS, {"class": "external", "build": build, **extra, "versions": versions()})


def load_candidate(directory: str | os.PathLike) -> nn.Module:
    """Return the network of a candidate's folder, trained or from elsewhere, on the CPU in evaluation mode.

    Raises
    ------
    UserError
        As `models.store.load_model`; for a network from elsewhere also when the code of its class is gone or no
        longer fits its weights.
    """
    directory = Path(directory)
    try:
        described = read_json(directory / SETTINGS)
    except (OSError, ValueError):
        return load_model(directory)  # which says what is wrong
    if not isinstance(described, dict) or described.get("class") != "external":
        return load_model(directory)
    build = described["build"]
    path = directory / WEIGHTS
    try:
        weights: dict[str, Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} cannot be read ({error}): delete the folder and run again") from error
    settings, name = build["settings"], build["name"]
    if settings["kind"] == "pytorch":
        network = build_class(settings["class"], settings["arguments"])
        fit_weights(network, weights, str(path))
    elif settings["kind"] == "bpnetlite":
        network = build_bpnetlite(build["facts"], weights, str(path))
    else:
        network = load_program(settings["kind"], np.asarray(weights[_PROGRAM]).tobytes(), str(path))
    return ExternalNetwork(network, settings, build["dataset"], name=name).eval()
