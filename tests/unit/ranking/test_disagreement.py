import numpy as np
import pandas as pd
import pytest

from lucidna.ranking.panel import rank_candidates
from lucidna.ranking.prepare import codes_of, unit_norm

FAST = {"bootstraps": 60}
NAMES = ["best", "good", "fair", "poor", "worst"]


@pytest.fixture(scope="module")
def found(toy):
    maps = toy.maps([0.1, 0.2, 0.4, 0.7, 0.9])
    # In these regions, and in no others, the worst network has another idea altogether.
    maps[-1, [3, 11]] *= -1
    control = np.random.default_rng(2).standard_normal(maps[0].shape)
    return rank_candidates(
        [*maps, control],
        toy.onehot,
        ids=[*NAMES, "noise"],
        controls=["noise"],
        region_ids=[f"peak_{row}" for row in range(60)],
        **FAST,
    )


def test_first_middle_and_last_of_the_order_are_compared(found, toy):
    result = found.disagreement
    assert dict(zip(result.words, result.ids, strict=True)) == {"best": "best", "median": "fair", "worst": "worst"}
    assert result.maps.shape == (3, len(result.table), 4, 80)
    np.testing.assert_allclose(unit_norm(result.maps), result.maps, atol=1e-6)
    np.testing.assert_allclose(result.maps.sum(axis=2), 0, atol=1e-5)
    rows = result.table["place"].to_numpy() - 1
    np.testing.assert_array_equal(result.codes, codes_of(toy.onehot)[rows])
    assert result.table["region_id"].tolist() == [f"peak_{row}" for row in rows]


def test_regions_with_the_largest_distance_come_first_among_those_with_something_to_see(found, toy):
    table = found.disagreement.table
    assert set(table["place"].head(2)) == {4, 12}
    assert table["distance"].is_monotonic_decreasing
    pairs = table[["cos_best_median", "cos_best_worst", "cos_median_worst"]]
    np.testing.assert_allclose(table["distance"], (1 - pairs).mean(axis=1), atol=1e-5)
    assert (table["cos_best_worst"].head(2) < 0).all()
    # Turned in a region of the worse half, the best network's own map is nothing to look at.
    maps = toy.maps([0.1, 0.2, 0.4, 0.7, 0.9])
    maps[0, 7] = np.random.default_rng(0).standard_normal(maps[0, 7].shape)
    again = rank_candidates(maps, toy.onehot, **FAST).disagreement
    assert 8 not in set(again.table["place"])
    assert again.table["region_id"].tolist() == [str(place) for place in again.table["place"]]


def test_files_are_read_again_without_pickle(found, tmp_path):
    found.write(tmp_path)
    with np.load(tmp_path / "disagreement.npz", allow_pickle=False) as file:
        assert file["ids"].tolist() == ["best", "fair", "worst"]
        assert file["words"].tolist() == ["best", "median", "worst"]
        np.testing.assert_array_equal(file["maps"], found.disagreement.maps)
        np.testing.assert_array_equal(file["codes"], found.disagreement.codes)
    assert len(pd.read_csv(tmp_path / "disagreement.tsv", sep="\t")) == len(found.disagreement.table)


def test_two_candidates_and_one(toy):
    maps = toy.maps([0.1, 0.4])
    two = rank_candidates(maps, toy.onehot, **FAST).disagreement
    assert two.words == ["best", "worst"]
    assert len(two.table) > 0
    control = np.random.default_rng(2).standard_normal(maps[0].shape)
    one = rank_candidates([maps[0], control], toy.onehot, controls=["none", "random_weights"], **FAST).disagreement
    assert one.words == ["best"]
    assert (one.table["distance"] == 0).all()
