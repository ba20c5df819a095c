"""Where a network's code comes from: a class of the user's, a TorchScript or a torch.export program."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import io
import json
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from lucidna.errors import UserError, nearest

_PT2_FILES = ("data/weights/", "data/constants/", "models/", "archive_", ".data/", "byteorder", "version")


def build_class(name: str, arguments: Mapping[str, Any]) -> nn.Module:
    """Import a class (or a function that returns a network) by its path and call it.

    Parameters
    ----------
    name : str
        "package.module:Class", with the working folder on the path, or "path/to/file.py:Class".
    arguments : mapping
        Keyword arguments.

    Raises
    ------
    UserError
        No such module or class, arguments that it does not take, or a result that is no torch.nn.Module.
    """
    source, _, attribute = name.rpartition(":")
    module = _import_file(source) if source.endswith(".py") else _import_module(source)
    if not hasattr(module, attribute):
        guess = nearest(attribute, [key for key in vars(module) if not key.startswith("_")])
        hint = f"did you mean '{guess}'?" if guess else "mend the name after the colon"
        raise UserError(f"{source} has no '{attribute}': {hint}")
    try:
        with torch.random.fork_rng(devices=[]):  # weights drawn here are overwritten
            model = getattr(module, attribute)(**arguments)
    except Exception as error:
        raise UserError(
            f"{name} cannot be built with arguments {dict(arguments)} ({_first_line(error)}): mend the arguments"
        ) from error
    if not isinstance(model, nn.Module):
        raise UserError(f"{name} gives {type(model).__name__}, which is no torch.nn.Module: name the network's class")
    return model


def _import_file(path: str) -> ModuleType:
    if not Path(path).is_file():
        raise UserError(f"there is no file '{path}' (paths are relative to {Path.cwd()}): mend the path")
    # Two files of the same name are two modules.
    name = f"lucidna_external_{hashlib.sha256(str(Path(path).resolve()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        # Compiled here, not by the loader: its cache knows a file by second and size, and would give old code for a
        # file that was edited within the second it was first read in.
        exec(compile(Path(path).read_bytes(), path, "exec"), module.__dict__)
    except Exception as error:
        del sys.modules[name]
        raise UserError(f"{path} cannot be imported ({_first_line(error)}): mend the file") from error
    return module


def _import_module(name: str) -> ModuleType:
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise UserError(
            f"the module '{name}' cannot be imported ({_first_line(error)}): install its package, or give "
            "path/to/file.py:Class"
        ) from error
    finally:
        sys.path.remove(here)


class Program(nn.Module):
    """A loaded program; it is in the mode in which it was saved, whatever mode is asked for.

    Parameters
    ----------
    program : nn.Module
        TorchScript module or the module of an exported program.
    content : bytes
        The file that it was loaded from.
    """

    def __init__(self, program: nn.Module, content: bytes):
        super().__init__()
        self.program, self.content = program, content
        for weight in program.parameters():
            weight.requires_grad_(False)

    def train(self, mode: bool = True) -> Program:
        """Set the mode of the wrapper alone: exported programs have none, and refuse to be asked."""
        self.training = mode
        return self

    def forward(self, x: Tensor) -> Any:
        """Run the program."""
        return self.program(x)


def load_program(kind: str, content: bytes, where: str) -> Program:
    """Load a TorchScript ("torchscript") or torch.export ("export") program from the bytes of its file.

    Raises
    ------
    UserError
        The bytes are no such program, or an exported program carries pickled objects beside its tensors.
    """
    if kind == "export":
        _refuse_pickles(content, where)
    try:
        if kind == "torchscript":
            return Program(torch.jit.load(io.BytesIO(content), map_location="cpu").eval(), content)
        return Program(torch.export.load(io.BytesIO(content)).module(), content)
    except Exception as error:
        other = "export" if kind == "torchscript" else "torchscript"
        raise UserError(
            f"{where} cannot be loaded as kind '{kind}' ({_first_line(error)}): give the file that "
            f"{'torch.jit.save' if kind == 'torchscript' else 'torch.export.save'} wrote, or kind '{other}'"
        ) from error


def _refuse_pickles(content: bytes, where: str) -> None:
    """Refuse an exported program for which torch would run a pickle."""
    again = "save it again with torch.export.save of torch 2.9 or later"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                inner = name.split("/", 1)[-1]
                if inner.startswith("data/sample_inputs/"):
                    torch.load(io.BytesIO(archive.read(name)), weights_only=True)
                elif not inner.startswith(_PT2_FILES) or inner.endswith(".pt"):
                    raise UserError(f"{where} holds '{inner}', which may be code and is not read: {again}")
                elif inner.endswith("_config.json"):
                    _refuse_pickled_entries(json.loads(archive.read(name)), where)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{where} is no exported program without code in it ({_first_line(error)}): {again}") from error


def _refuse_pickled_entries(config: Mapping[str, Any], where: str) -> None:
    for key, entry in config["config"].items():
        path = entry["path_name"]
        if entry["use_pickle"] or not path.startswith(("weight_", "tensor_")):
            raise UserError(
                f"{where} holds '{key}' as a pickled object, which is never run: export the network with plain tensors"
            )


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__
