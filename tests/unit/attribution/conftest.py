"""Toy networks and datasets with answers that can be written down."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from lucidna.sequence import one_hot_numpy


class LinearNet(nn.Module):
    """sum(weights * x) + bias: every method has a closed form."""

    def __init__(self, length, n_tasks=1, seed=0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.weights = nn.Parameter(torch.randn(n_tasks, 4, length, generator=generator))
        self.bias = nn.Parameter(torch.randn(n_tasks, generator=generator))

    def forward(self, x, control=None):
        return torch.einsum("nal,tal->nt", x, self.weights) + self.bias


class Exponential(nn.Module):
    """An activation that tangermeme does not know by name."""

    def forward(self, x):
        return torch.exp(0.3 * x)


class ToyCNN(nn.Module):
    """Convolution, a first activation, pooling, ReLU and a dense layer."""

    def __init__(self, length, activation=nn.ReLU, functional=False, seed=0):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.first = nn.Conv1d(4, 6, 5, padding=2)
            self.norm = nn.BatchNorm1d(6)
            self.activation = activation()
            self.pool = nn.MaxPool1d(4, 2)
            self.second = nn.Conv1d(6, 6, 3, padding=1)
            self.relu = nn.ReLU()
            self.flatten = nn.Flatten()
            self.dense = nn.Linear(6 * ((length - 4) // 2 + 1), 1)
        self.functional = functional

    def forward(self, x, control=None):
        hidden = self.second(self.pool(self.activation(self.norm(self.first(x)))))
        hidden = torch.relu(hidden) if self.functional else self.relu(hidden)
        return self.dense(self.flatten(hidden))


class ProfileNet(nn.Module):
    """Two strands of one track and one strand of another, behind a pool with overlapping windows."""

    def __init__(self, seed=0):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.first = nn.Conv1d(4, 8, 5, padding=2)
            self.relu = nn.ReLU()
            self.pool = nn.MaxPool1d(3, 1)
            self.profile = nn.Conv1d(8, 3, 5)
            self.counts = nn.Linear(8, 2)
        self.build_arguments = {"channels": [[0, 1], [2]]}

    def forward(self, x, control=None):
        hidden = self.pool(self.relu(self.first(x)))
        return 3 * self.profile(hidden), self.counts(hidden.mean(dim=-1))


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def toys():
    return SimpleNamespace(LinearNet=LinearNet, ToyCNN=ToyCNN, ProfileNet=ProfileNet, Exponential=Exponential)


@pytest.fixture
def codes():
    """Nine sequences of 40 bp, two of them with N bases."""
    drawn = np.random.default_rng(3).integers(0, 4, size=(9, 40)).astype(np.uint8)
    drawn[2, 5:8] = 4
    drawn[7, 39] = 4
    return drawn


@pytest.fixture
def onehot(codes):
    return one_hot_numpy(codes)


class ToyDataset:
    """What `attribute` reads of a dataset: peaks and negatives in turn on two chromosomes."""

    def __init__(self, sequences, tasks=("a",), target="counts"):
        n, length = sequences.shape
        self.sequences = sequences
        self.info = {
            "kind": "genome",
            "target": target,
            "window": {"input": length, "output": length, "jitter": 0},
            "tasks": list(tasks),
            "digest": "0" * 64,
        }
        chroms = np.where(np.arange(n) < n // 2, "chr1", "chr2")
        self.rows = pd.DataFrame(
            {
                "region_id": [f"{'peak' if i % 3 else 'negative'}_{i}" for i in range(n)],
                "chrom": chroms,
                "summit": 100 + 15 * np.arange(n),
                "role": ["peak" if i % 3 else "negative" for i in range(n)],
            }
        )

    def codes(self, indices, *, shift=0):
        return self.sequences[np.asarray(indices)]


@pytest.fixture
def toy_dataset():
    return ToyDataset
