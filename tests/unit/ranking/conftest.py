"""Toy networks whose quality is known, and the reference numbers."""

from dataclasses import dataclass

import numpy as np
import pytest

from lucidna.ranking.prepare import MapSet
from lucidna.sequence import one_hot_numpy

MOTIF = np.array([1, 0, 1, 2, 3, 2])


@dataclass
class Toy:
    onehot: np.ndarray
    truth: np.ndarray

    def maps(self, noise, seed=1):
        """One network per noise level: (n, N, 4, L) float32, truth plus noise."""
        rng = np.random.default_rng(seed)
        return np.stack([self.truth + s * rng.standard_normal(self.truth.shape) for s in noise]).astype(np.float32)


def make_toy(n_regions=60, length=80, seed=0, step=8):
    """Plant two sites in each region, at multiples of `step`: with few places, maps of other regions agree a little."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n_regions, length)).astype(np.uint8)
    truth = np.zeros((n_regions, 4, length))
    for row in range(n_regions):
        for start in rng.choice(np.arange(6, length - 12, step), 2, replace=False):
            place = np.arange(start, start + 6)
            codes[row, place] = MOTIF
            truth[row][:, place] = -1 / 3
            truth[row][MOTIF, place] = 1
    return Toy(one_hot_numpy(codes), truth)


@pytest.fixture(scope="session")
def toy():
    return make_toy()


@pytest.fixture(scope="session")
def reference(shared_data):
    """Read a reference file as a dictionary."""

    def read(name):
        with np.load(shared_data / "reference" / f"{name}.npz") as file:
            return dict(file)

    return read


@pytest.fixture(scope="session")
def population(reference):
    """The reference population: (MapSet, reference numbers)."""
    numbers = reference("consensus")
    onehot = numbers["X"].transpose(0, 2, 1)
    return MapSet(list(numbers["maps"].transpose(0, 1, 3, 2)), onehot), numbers
