"""Seeds trained together against the same seeds trained one at a time."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from lucidna.models.store import load_model
from lucidna.training import evaluate as evaluate_module
from lucidna.training.recipes import registry
from lucidna.training.recipes.base import Component
from lucidna.training.recipes.names import COMPONENTS
from lucidna.training.run import train_candidate
from lucidna.training.stack import Stack, StackedAdam
from lucidna.training.stacked import train_stacked
from lucidna.training.stacking import STACKABLE

SMALL_BPNET = {"n_filters": 6, "n_layers": 2, "first_kernel": 7, "profile_kernel": 9}
SHALLOW = {"filters": [8, 8], "kernel_sizes": [9, 3], "pool_sizes": [8, 2], "dense": [8]}
EVOAUG = ["evoaug", {"preset": "none"}]


@pytest.fixture
def in_double(monkeypatch):
    """Compute in float64: what is left of a difference is no rounding."""
    before = torch.get_default_dtype()
    one_hot = evaluate_module.one_hot
    monkeypatch.setattr(evaluate_module, "one_hot", lambda codes: one_hot(codes).double())
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def seeds_of(candidate, n=3, **settings):
    """Return the candidates of n seeds."""
    return [candidate(id=f"small-standard-fold0-s{seed}-0123abcd", seed=seed, **settings) for seed in range(n)]


def both_ways(candidates, data, folder):
    """Train one at a time and together; return the folders of each."""
    apart = [folder / f"apart{candidate['seed']}" for candidate in candidates]
    together = [folder / f"together{candidate['seed']}" for candidate in candidates]
    for candidate, out in zip(candidates, apart, strict=True):
        train_candidate(candidate, data, out)
    train_stacked(candidates, data, together)
    return apart, together


def history(folder):
    """Read what an epoch is judged by."""
    return pd.read_csv(folder / "history.tsv", sep="\t").drop(columns="seconds")
