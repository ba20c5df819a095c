"""A toy network from elsewhere in every form in which it can come, and candidates that are maps alone."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lucidna.external.settings import KINDS

from ..ranking.conftest import make_toy

LENGTH = 60

SOURCE = '''
import torch
from torch import nn


class Net(nn.Module):
    """Takes (N, 4, 40), gives (N, 2)."""

    def __init__(self, width: int = 6):
        super().__init__()
        self.conv = nn.Conv1d(4, width, 7)
        self.relu = nn.ReLU()
        self.dense = nn.Linear(width, 2)

    def forward(self, x):
        return self.dense(self.relu(self.conv(x)).mean(-1))


class Constant(nn.Module):
    def __init__(self):
        super().__init__()
        self.value = nn.Parameter(torch.ones(1, 2))

    def forward(self, x):
        return self.value.expand(len(x), 2)


class Restless(Net):
    def forward(self, x):
        return super().forward(nn.functional.dropout(x, 0.5, training=True))


NOT_A_CLASS = 3
'''


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file with the classes of somebody else's networks."""
    path = tmp_path / "nets.py"
    path.write_text(SOURCE)
    return path


@pytest.fixture
def onehot() -> torch.Tensor:
    codes = np.random.default_rng(0).integers(0, 4, (5, LENGTH))
    return torch.from_numpy(np.eye(4, dtype=np.float32)[codes].transpose(0, 2, 1).copy())


def entry(kind: str, **given) -> dict:
    """An entry of `external` with its defaults; `input` and `output` are merged."""
    settings = {"kind": kind}
    for key, default in KINDS[kind].items():
        value = given.pop(key, None if default is ... else default)
        settings[key] = {**default, **value} if isinstance(default, dict) else value
    assert not given, given
    return settings


def facts(**changes) -> dict:
    """What a wrapped network must know of the data: here log counts of two tracks."""
    known = {"target": "counts", "input_length": LENGTH, "output_length": 20, "n_tasks": 2, "channels": [[0, 1], [2]]}
    return {**known, **changes}


@pytest.fixture(scope="session")
def toy():
    return make_toy(n_regions=60)


@pytest.fixture
def maps(toy) -> dict[str, np.ndarray]:
    """Maps of four candidates, best first."""
    return dict(zip("abcd", toy.maps([0.2, 0.35, 0.6, 1.0], seed=7), strict=True))


@pytest.fixture
def entries(toy, maps, tmp_path) -> dict[str, dict]:
    """The same, in files: one npz each, sequences in another."""
    np.savez_compressed(tmp_path / "ohe.npz", toy.onehot.astype(np.int8))
    for name, values in maps.items():
        np.savez_compressed(tmp_path / f"{name}.npz", values)
    return {name: entry("maps", maps=str(tmp_path / f"{name}.npz"), onehot=str(tmp_path / "ohe.npz")) for name in maps}
