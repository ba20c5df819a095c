"""Read the tensors of a pickled PyTorch module without running anything that its pickle asks for.

A module saved whole (``torch.save(model)``) is a zip archive of raw storages and a pickle that names the classes to
import and the functions to call. Here every class of a module becomes an inert record, tensors are cut from the
storages, plain containers are made, and any other name in the pickle is refused.
"""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lucidna.errors import UserError

DTYPES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}

MODULES = {
    "bpnetlite.bpnet": {"BPNet"},
    "torch.nn.modules.conv": {"Conv1d"},
    "torch.nn.modules.activation": {"ReLU"},
    "torch.nn.modules.container": {"ModuleList"},
    "torch.nn.modules.linear": {"Linear"},
}
"""Classes that become records with tensors in them."""

IGNORED = {
    "bpnetlite.logging": {"Logger"},
    "numpy": {"dtype"},
    "numpy.core.multiarray": {"scalar"},
    "numpy._core.multiarray": {"scalar"},
    "_codecs": {"encode"},
}
"""Names of a training log kept in the checkpoint: records that are read and thrown away."""


class Record:
    """What stands for an object of the pickle: its class by name, and its attributes as data.

    Attributes
    ----------
    kind : str
        "module.Class".
    attributes : dict
        What the pickle sets on it; empty when it sets none.
    """

    kind = ""

    def __init__(self, *_: Any):
        self.attributes: dict[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        self.attributes = state if isinstance(state, dict) else {}


class _Reader(pickle.Unpickler):
    """An unpickler to which the names of the pickle are data: it imports nothing and calls only what is here."""

    def __init__(self, archive: zipfile.ZipFile, prefix: str):
        super().__init__(io.BytesIO(archive.read(f"{prefix}data.pkl")))
        self.archive, self.prefix = archive, prefix
        self.storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _parameter
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) in (("__builtin__", "set"), ("builtins", "set")):
            return set
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        if name in MODULES.get(module, ()) or name in IGNORED.get(module, ()):
            return type(name, (Record,), {"kind": f"{module}.{name}"})
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")

    def persistent_load(self, pid: Any) -> Tensor:
        kind, dtype, key, _, n = pid
        if kind != "storage" or not isinstance(dtype, torch.dtype):
            raise pickle.UnpicklingError(f"it asks for the outside object {kind!r}")
        if key not in self.storages:
            raw = self.archive.read(f"{self.prefix}data/{key}")
            storage = torch.frombuffer(bytearray(raw), dtype=dtype) if raw else torch.empty(0, dtype=dtype)
            if len(storage) != n:
                raise pickle.UnpicklingError(f"storage {key} has {len(storage)} numbers, its header says {n}")
            self.storages[key] = storage
        return self.storages[key]


def _tensor(storage: Tensor, offset: int, size: tuple, stride: tuple, *_: Any) -> Tensor:
    if math.prod(size) > len(storage):
        raise pickle.UnpicklingError(f"a tensor of shape {tuple(size)} is larger than its storage")
    # as_strided refuses what leaves the storage.
    return torch.as_strided(storage, size, stride, offset).clone()


def _parameter(tensor: Tensor, *_: Any) -> Tensor:
    return tensor


def read_pickled_module(path: str | Path) -> tuple[str, dict[str, Any], dict[str, Tensor]]:
    """Read class name, plain settings and weights of a module saved whole.

    Parameters
    ----------
    path : path
        Zip archive written by ``torch.save(model)``.

    Returns
    -------
    kind : str
        The module's class, "package.module.Class".
    settings : dict
        Its attributes that are numbers, text, truth values or None.
    weights : dict[str, Tensor]
        As its ``state_dict()`` would be.

    Raises
    ------
    UserError
        The file is no such archive, or its pickle asks for anything but tensors, plain containers and the
        layers in `MODULES`.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith("/data.pkl") and name.count("/") == 1]
            if len(names) != 1:
                raise UserError(f"{path} is no PyTorch checkpoint (it has no data.pkl): give another file")
            prefix = names[0].removesuffix("data.pkl")
            order = f"{prefix}byteorder"
            if order in archive.namelist() and archive.read(order) != b"little":
                raise UserError(f"{path} is big-endian: save it again on a little-endian machine")
            top = _Reader(archive, prefix).load()
    except UserError:
        raise
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist: mend the path") from error
    except zipfile.BadZipFile as error:
        raise UserError(f"{path} is no PyTorch checkpoint (not a zip archive): give another file") from error
    except Exception as error:
        # A pickle that is not what it should be can fail in any way; it has run nothing.
        raise UserError(
            f"{path} is not loaded, because its pickle holds more than tensors and known layers "
            f"({str(error).splitlines()[0] if str(error) else type(error).__name__}): "
            "save its state_dict as safetensors, and load that"
        ) from error
    if not isinstance(top, Record) or not top.attributes:
        raise UserError(f"{path} holds no pickled module: for a state_dict use kind pytorch")
    settings = {
        key: value
        for key, value in top.attributes.items()
        if not key.startswith("_") and isinstance(value, int | float | str | bool | None)
    }
    return top.kind, settings, dict(_weights(top, ""))


def _weights(module: Record, prefix: str):
    for part in ("_parameters", "_buffers"):
        for name, value in (module.attributes.get(part) or {}).items():
            if isinstance(value, Tensor):
                yield prefix + name, value
    for name, child in (module.attributes.get("_modules") or {}).items():
        if isinstance(child, Record):
            yield from _weights(child, f"{prefix}{name}.")
