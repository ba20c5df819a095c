import shutil

import numpy as np
import pandas as pd
import pytest

from lucidna.errors import UserError
from lucidna.ranking.criteria import PER_REGION, measure
from lucidna.ranking.panel import rank_experiment
from lucidna.ranking.prepare import MapSet
from lucidna.ranking.shuffles import shuffled_regions
from lucidna.sequence import one_hot_numpy

from .test_panel import FAST, QUALITY, experiment  # noqa: F401


def test_shuffled_regions_keep_their_dinucleotides_and_lose_their_motif(toy):
    codes = toy.onehot.argmax(axis=1).astype(np.uint8)
    codes[0, 5:9] = 4
    shuffled = shuffled_regions(codes, seed=0)
    np.testing.assert_array_equal(shuffled, shuffled_regions(codes, seed=0))
    np.testing.assert_array_equal(shuffled[3:7], shuffled_regions(codes[3:7], seed=0))
    assert (shuffled != shuffled_regions(codes, seed=1)).mean() > 0.4
    np.testing.assert_array_equal(shuffled == 4, codes == 4)

    def pairs(row):
        return np.bincount(row[:-1].astype(int) * 5 + row[1:], minlength=25)

    for before, after in zip(codes, shuffled, strict=True):
        np.testing.assert_array_equal(pairs(before), pairs(after))
    assert (shuffled != codes).mean() > 0.5


@pytest.fixture
def shuffled(experiment, toy):  # noqa: F811
    """The experiment of the panel's tests, with maps of the shuffled regions: noise, without any motif."""
    candidates, folder, dataset = experiment
    (folder / "rank" / "shuffled").mkdir()
    rng = np.random.default_rng(5)
    for candidate in candidates:
        maps = rng.standard_normal(toy.truth.shape).astype(np.float32)
        np.save(folder / "rank" / "shuffled" / f"{candidate['id']}.npy", maps)
    return candidates, folder, dataset


def rank(given, shuffled=True):
    candidates, folder, dataset = given
    null = folder / "rank" / "shuffled" if shuffled else None
    return rank_experiment(
        candidates, folder / "train", folder / "rank" / "maps", dataset, shuffled_dir=null, margin=0.1, **FAST
    )


def test_every_criterion_has_its_null_beside_it_and_decides_as_before(shuffled, toy):
    candidates, folder, dataset = shuffled
    found, without = rank(shuffled), rank(shuffled, shuffled=False)
    panel = found.panel.set_index("id")
    for name in (*PER_REGION, "m1", "m2"):
        known = panel[f"{name}_shuffled"].notna()
        assert known.sum() >= 5, name
        ends = panel.loc[known, [f"{name}_shuffled_lo", f"{name}_shuffled_hi"]]
        assert (ends.iloc[:, 0] <= panel.loc[known, f"{name}_shuffled"]).all(), name
        assert (ends.iloc[:, 1] >= panel.loc[known, f"{name}_shuffled"]).all(), name
    assert panel.loc["cnn-0", "c_cos"] > 0.4 > 0.2 > panel.loc["cnn-0", "c_cos_shuffled_hi"]
    assert panel.loc["cnn-0", "sl_con_lo"] > panel.loc["cnn-0", "sl_con_shuffled_hi"]
    assert found.verdict == without.verdict
    pd.testing.assert_frame_equal(found.ranking, without.ranking)
    pd.testing.assert_frame_equal(found.panel[without.panel.columns], without.panel)
    # The same lines measured them, on the sequences that the maps were made of.
    maps = [np.load(folder / "rank" / "shuffled" / f"{candidate['id']}.npy") for candidate in candidates]
    onehot = one_hot_numpy(shuffled_regions(dataset.codes(np.arange(60)), seed=0))
    direct = measure(
        MapSet(maps, onehot), families=["cnn x standard"] * 6, voters=np.array([True] * 5 + [False]), seed=0
    )
    np.testing.assert_allclose(panel["c_auc_shuffled"], direct.means()["c_auc"])
    np.testing.assert_allclose(panel["m1cf_shuffled"], direct.means()["m1cf"])


def test_maps_of_shuffled_regions_may_be_empty_but_not_missing_or_broken(shuffled):
    _, folder, _ = shuffled
    path = folder / "rank" / "shuffled" / "cnn-1.npy"
    maps = np.load(path)
    np.save(path, maps * 0)
    assert rank(shuffled).panel.set_index("id").loc["cnn-1", "c_cos_shuffled"] == 0
    np.save(path, maps * np.nan)
    failed = {entry["id"]: entry["reason"] for entry in rank(shuffled).verdict["failed"]}
    assert failed == {"cnn-1": "on shuffled regions its maps of 60 of 60 regions contain NaN or infinite values"}
    path.unlink()
    with pytest.raises(UserError, match=r"cnn-1.npy is missing: make the maps of the shuffled regions, or set ranking"):
        rank(shuffled)


def test_networks_of_one_run_share_a_vote(experiment, toy):  # noqa: F811
    candidates, folder, dataset = experiment
    # Near-copies agree with each other, which says nothing: known to be of one run, they are no references.
    rng = np.random.default_rng(1)
    maps = toy.maps(QUALITY)[2]
    for index in range(3):
        twin = {**candidates[2], "id": f"twin-{index}"}
        candidates.append(twin)
        shutil.copytree(folder / "train" / "cnn-2", folder / "train" / twin["id"])
        np.save(folder / "rank" / "maps" / f"{twin['id']}.npy", maps + 0.01 * rng.standard_normal(maps.shape))
    alone = rank((candidates, folder, dataset), shuffled=False).panel.set_index("id")
    twins = ["cnn-2", "twin-0", "twin-1", "twin-2"]
    known = [{**candidate, "run": "one"} if candidate["id"] in twins else candidate for candidate in candidates]
    shared = rank((known, folder, dataset), shuffled=False).panel.set_index("id")
    assert (alone.loc[twins, "c_cos"] > 0.9).all()
    assert (shared.loc[twins, "c_cos"] < 0.5).all()
    assert shared.loc["cnn-0", "c_cos"] > shared.loc["cnn-2", "c_cos"]
