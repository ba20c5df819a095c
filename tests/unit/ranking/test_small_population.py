"""Which fakes a population of 12 candidates and 2 controls catches: too few for the veto on the lowest share."""

import numpy as np
import pytest

from lucidna.attribution.correction import correct
from lucidna.ranking.panel import rank_candidates

from .conftest import make_toy

CAUGHT = ("noise", "sign flip", "swapped bases", "maps of other regions", "copy of the input", "window")
PASSING = ("spikes", "constant", "GC preference", "GC preference in a window")
"""What config/README.md says can pass: a large population catches these by its lowest share and by c_isolation."""


def fakes_of(toy, maps):
    rng = np.random.default_rng(3)
    n, _, length = toy.onehot.shape
    window = np.exp(-0.5 * ((np.arange(length) - length / 2) / 8) ** 2)
    places = rng.random((n, length)).argsort(axis=1) < 4
    gc = np.zeros_like(maps[0])
    gc[:, 1:3] = 1
    return {
        "noise": rng.standard_normal(maps[0].shape),
        "sign flip": -maps[0],
        "swapped bases": maps[1][:, [1, 0, 3, 2]],
        "maps of other regions": maps[1][::-1],
        "copy of the input": toy.onehot - 0.25,
        "window": correct(window * toy.onehot),
        "constant": np.tile(maps.mean(axis=(0, 1)), (n, 1, 1)),
        "spikes": maps[0] + 1.5 * places[:, None] * toy.onehot,
        "GC preference": correct(gc),
        "GC preference in a window": correct(gc * window),
    }


@pytest.fixture(scope="module")
def statuses():
    """Enter each fake alone beside 12 candidates; status of each, with 2 controls and with none."""
    toy = make_toy(step=1)
    maps = toy.maps(np.linspace(0.2, 0.9, 12))
    honest = {f"net{place}": one for place, one in enumerate(maps)}
    noise = np.random.default_rng(8).standard_normal((2, *maps[0].shape))
    found = {}
    for controls in (dict(zip(("c0", "c1"), noise, strict=True)), {}):
        for name, fake in fakes_of(toy, maps).items():
            everything = {**honest, "fake": fake, **controls}
            ranking = rank_candidates(everything, toy.onehot, controls=list(controls), bootstraps=100).ranking
            status = ranking.set_index("id")["status"]
            assert (status[list(honest)] == "passed").all(), name
            found[name, len(controls)] = status["fake"]
    return found


@pytest.mark.parametrize("controls", [2, 0])
def test_most_fakes_are_caught_with_and_without_controls(statuses, controls):
    assert [name for name in CAUGHT if statuses[name, controls] != "vetoed"] == []


@pytest.mark.parametrize("controls", [2, 0])
def test_what_passes_is_what_the_documentation_names(statuses, controls):
    assert [name for name in PASSING if statuses[name, controls] != "passed"] == []
