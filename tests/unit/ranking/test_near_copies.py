import numpy as np
import pytest

from lucidna.ranking import near_copies as module
from lucidna.ranking.near_copies import ALIKE, copies_notice, near_copies
from lucidna.ranking.panel import rank_candidates

FAST = {"bootstraps": 100}


@pytest.fixture
def maps(toy):
    first, second, third = toy.maps([0.3, 0.5, 0.7])
    noise = np.random.default_rng(3).standard_normal(first.shape).astype(np.float32)
    offset = np.arange(80, dtype=np.float32)
    return {"a": first, "b": second, "c": third, "near": 5 * (second + 0.02 * noise) + offset, "off": second + noise}


def test_pairs_are_found_on_corrected_maps(maps):
    arrays = list(maps.values())
    assert near_copies(arrays, list(maps)) == [(1, 3)]
    assert near_copies(arrays, ["a", "run", "c", "run", "off"]) == []
    assert near_copies(arrays[:1], ["a"]) == []
    copy = [arrays[1]] * 3
    assert near_copies(copy, "xyz") == [(0, 1), (0, 2), (1, 2)]
    # The other way round is no copy, and neither is nothing.
    assert near_copies([arrays[1], -arrays[1]], "xy") == []
    assert near_copies([arrays[1] * 0, arrays[1] * 0], "xy") == []


def test_few_regions_are_read_where_maps_are_many(maps, monkeypatch):
    read = []

    class Watched(np.ndarray):
        def __getitem__(self, rows):
            if isinstance(rows, np.ndarray):
                read.append(len(rows))
            return super().__getitem__(rows)

    arrays = [array.view(Watched) for array in maps.values()]
    assert near_copies(arrays, list(maps)) == [(1, 3)]
    monkeypatch.setattr(module, "MOST_NUMBERS", 5 * 4 * 80 * 7)
    assert near_copies(arrays, list(maps)) == [(1, 3)]
    assert read == [50] * 5 + [7] * 5


def test_the_verdict_names_them_and_what_to_do(toy, maps):
    notices = rank_candidates(maps, toy.onehot, **FAST).verdict["notices"]
    (found,) = [notice for notice in notices if "nearly the same" in notice]
    assert f"(cosine above {ALIKE}): b and near. Each has a vote" in found
    assert "give them the same label (`votes`, or `run` in a configuration)" in found
    votes = dict.fromkeys(maps, "x") | {"a": "a", "c": "c", "off": "off"}
    labelled = rank_candidates(maps, toy.onehot, votes=votes, **FAST).verdict["notices"]
    assert not any("nearly the same" in notice for notice in labelled)
    control = rank_candidates(maps, toy.onehot, controls=["near"], **FAST).verdict["notices"]
    assert not any("nearly the same" in notice for notice in control)


def test_five_pairs_are_named():
    (text,) = copies_notice({"x": [("a", f"b{n}") for n in range(4)], "y": [("c", f"d{n}") for n in range(4)]})
    assert "a and b0; a and b1; a and b2; a and b3; c and d0 and 3 more pairs." in text
    assert copies_notice({"x": []}) == []
