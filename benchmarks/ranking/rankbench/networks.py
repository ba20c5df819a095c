"""Which networks a population holds, and how each of them is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

CONTROLS = ("label_shuffled", "random_weights")
"""Roles that are controls in the sense of lucidna: scored like the others, never chosen, without a vote."""
REFERENCES = ("control_track", "bias_matched")
"""Roles that exist to see the assay's preference; they are neither candidates nor controls."""


@dataclass(frozen=True)
class Network:
    """Settings of one network.

    Attributes
    ----------
    id, family
        Name; architecture and first activation.
    role
        "candidate", or one of `CONTROLS` and `REFERENCES`.
    seed
        Of the weights, the order of the rows, and the dropout.
    epochs, share, dropout, rate, noise
        Epochs; share of the training rows; rate of every dropout layer; Adam's learning rate; share of the
        training labels that are flipped.
    """

    id: str
    family: str
    architecture: str
    activation: str
    role: str
    seed: int
    epochs: int
    share: float
    dropout: float
    rate: float
    noise: float


def networks_of(population: Mapping, training: Mapping, families: Mapping[str, Mapping]) -> list[Network]:
    """List the networks of a population, candidates first, families in turn.

    Parameters
    ----------
    population
        kind ("seed": all settings alike; "quality": every setting drawn per network), networks (candidates),
        controls (of each kind), references (of each kind, 0 without a preference), seed.
    training
        fixed: epochs, share, dropout, rate, noise; ranges: the same, (low, high) each.
    families
        name -> architecture, activation, arguments.
    """
    rng = np.random.default_rng(population["seed"])
    names = list(families)
    roles = ["candidate"] * population["networks"]
    for role in CONTROLS:
        roles += [role] * population["controls"]
    for role in REFERENCES:
        roles += [role] * population.get("references", 0)
    found = []
    for index, role in enumerate(roles):
        family = names[index % len(names)]
        drawn = population["kind"] == "quality" and role == "candidate"
        settings = _draw(training["ranges"], rng) if drawn else dict(training["fixed"])
        found.append(
            Network(
                id=f"{role}_{index:03d}",
                family=family,
                architecture=families[family]["architecture"],
                activation=families[family]["activation"],
                role=role,
                seed=1000 * population["seed"] + index,
                **settings,
            )
        )
    return found


def _draw(ranges: Mapping, rng: np.random.Generator) -> dict:
    """Draw epochs evenly among whole numbers, the learning rate evenly in its logarithm, the rest evenly."""
    low, high = ranges["epochs"]
    return {
        "epochs": int(rng.integers(low, high + 1)),
        "share": float(rng.uniform(*ranges["share"])),
        "dropout": float(rng.uniform(*ranges["dropout"])),
        "rate": float(np.exp(rng.uniform(*np.log(ranges["rate"])))),
        "noise": float(rng.uniform(*ranges["noise"])),
    }


def chunks_of(networks: int, size: int) -> list[tuple[int, int]]:
    """Cut so many networks into slices (first, end) of at most `size`."""
    return [(first, min(first + size, networks)) for first in range(0, networks, size)]


def number_of(population: Mapping) -> int:
    """Count the networks of a population, all roles together."""
    return (
        population["networks"]
        + len(CONTROLS) * population["controls"]
        + len(REFERENCES) * population.get("references", 0)
    )
