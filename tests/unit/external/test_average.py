import h5py
import numpy as np
import pytest

from lucidna.attribution.hdf5 import AttributionFile
from lucidna.attribution.members import NONE_CHOSEN
from lucidna.errors import UserError
from lucidna.external.maps import rank_maps
from lucidna.files import sha256
from lucidna.ranking.panel import rank_candidates
from lucidna.ranking.prepare import unit_norm

from .conftest import entry

FAST = {"bootstraps": 100}


def test_the_average_covers_all_regions_whatever_is_compared(entries, maps, toy, tmp_path):
    path = tmp_path / "average.attributions.h5"
    ranking = rank_maps(entries, regions=40, top=2, average=path, **FAST)
    expected = rank_candidates(maps, toy.onehot, top=2, **FAST).average(maps, toy.onehot)
    with AttributionFile(path) as file:
        found = file.read()
        assert file.attributes["candidates"] == ranking.verdict["chosen"] == ["a", "b"]
        assert file.attributes["sources"] == {name: sha256(entries[name]["maps"]) for name in "ab"}
        assert file.region_ids == [str(place) for place in range(1, 61)]
        assert np.isnan(file.prediction).all()
    np.testing.assert_array_equal(found.onehot, toy.onehot)
    # float16, of which the largest value keeps 11 bits.
    np.testing.assert_allclose(found.maps, expected.mean, atol=np.abs(expected.mean).max() / 1000)
    np.testing.assert_allclose(found.spread, expected.spread, atol=np.abs(expected.spread).max() / 1000)
    assert not list(tmp_path.glob(".average*"))


def test_the_average_can_be_ranked_like_any_other_maps(entries, tmp_path):
    path = tmp_path / "average.attributions.h5"
    names = tmp_path / "names.txt"
    names.write_text("\n".join(f"region{row}" for row in range(60)))
    entries["b"]["ids"] = str(names)
    rank_maps(entries, top=3, average=path, **FAST)
    with h5py.File(path) as file:
        assert file["region_id"][3] == b"region3"
    entries["average"] = entry("maps", maps=str(path))
    assert rank_maps(entries, **FAST).ranking["id"][0] == "average"


def test_projected_members_give_a_projected_average(entries, maps, toy, tmp_path):
    np.save(tmp_path / "a.npy", (maps["a"] * toy.onehot).sum(axis=1))
    entries["a"] |= {"maps": str(tmp_path / "a.npy"), "contributions": "projected"}
    path = tmp_path / "average.attributions.h5"
    ranking = rank_maps(entries, top=2, average=path, **FAST)
    assert "a" in ranking.verdict["chosen"]
    with AttributionFile(path) as file:
        found = file.read()
        assert file.attributes["parameters"] == {"contributions": "projected"}
    shown = np.mean([unit_norm(maps[name] * toy.onehot) for name in ranking.verdict["chosen"]], axis=0)
    np.testing.assert_allclose(unit_norm(found.maps), unit_norm(shown), atol=2e-3)
    assert not found.maps[toy.onehot == 0].any()


def test_a_member_that_is_not_compared_as_projected_keeps_its_other_bases(entries, maps, toy, tmp_path):
    np.save(tmp_path / "d.npy", (maps["d"] * toy.onehot).sum(axis=1))
    entries["d"] |= {"maps": str(tmp_path / "d.npy"), "contributions": "projected"}
    path = tmp_path / "average.attributions.h5"
    assert rank_maps(entries, top=2, average=path, **FAST).verdict["chosen"] == ["a", "b"]
    with AttributionFile(path) as file:
        assert file.attributes["parameters"] == {"contributions": "hypothetical"}
        assert file.read().maps[toy.onehot == 0].any()


def test_none_chosen_is_a_file_without_regions(entries, toy, tmp_path):
    noise = np.random.default_rng(3).standard_normal((2, *toy.truth.shape))
    for name, values in zip("ab", noise, strict=True):
        np.savez_compressed(entries[name]["maps"], values.astype(np.float32))
    entries["c"]["control"] = "random_weights"
    path = tmp_path / "average.attributions.h5"
    three = {name: entries[name] for name in "abc"}
    assert rank_maps(three, average=path, **FAST).verdict["chosen"] == []
    with AttributionFile(path) as file:
        assert len(file) == 0
        assert file.length == toy.onehot.shape[-1]
        assert file.attributes["note"] == NONE_CHOSEN


def test_a_damaged_region_that_was_not_compared_is_named(entries, maps, tmp_path):
    drawn = np.random.default_rng(0).choice(60, size=20, replace=False)
    row = next(row for row in range(60) if row not in drawn)
    maps["a"][row, 2, 5] = np.nan
    np.savez_compressed(entries["a"]["maps"], maps["a"])
    path = tmp_path / "average.attributions.h5"
    with pytest.raises(
        UserError, match=f"external.a': its maps contain NaN or infinite values, first in row {row + 1}"
    ):
        rank_maps(entries, regions=20, average=path, **FAST)
    assert not path.exists()
