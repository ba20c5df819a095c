import json

import numpy as np
import pandas as pd
import pytest

from lucidna.errors import UserError
from lucidna.ranking.agreement import family_agreement
from lucidna.ranking.inputs import Networks
from lucidna.ranking.panel import rank_candidates, rank_experiment
from lucidna.ranking.prepare import MapSet, unit_norm
from lucidna.ranking.probed import fold_agreement, placed, probed_values
from lucidna.ranking.probes.store import Probes, no_probes, read_probes
from lucidna.ranking.rank import rank_networks

from .conftest import make_toy
from .test_panel import FAST, QUALITY, experiment  # noqa: F401


def test_places_are_found_by_the_rows_of_the_dataset():
    probes = Probes(
        rows=np.array([7, 30]),
        values={"x": np.array([0.1, 0.2])},
        fold_rows={"b": np.array([5]), "gone": np.array([1])},
        fold_maps={"b": np.ones((1, 4, 3)), "gone": np.ones((1, 4, 3))},
    )
    found = placed(probes, "a", {"a": np.array([30, 2, 7]), "b": np.array([4, 5])})
    assert found.rows.tolist() == [2, 0]
    assert found.fold_rows["b"].tolist() == [1]
    assert set(found.fold_maps) == {"b"}
    with pytest.raises(UserError, match="1 of 2 probed regions are not among those of fold 'a'"):
        placed(probes, "a", {"a": np.array([30, 2, 8]), "b": np.array([4, 5])})
    assert len(placed(no_probes(), "a", {"a": np.array([3])}).rows) == 0


def test_values_stand_at_their_regions_and_nowhere_else():
    first = Probes(rows=np.array([2, 0]), values={"x": np.array([0.5, 0.7])}, weights={"x": np.array([1.0, 3.0])})
    values, weights = probed_values([first, None, no_probes()], 4)
    assert values["x"].shape == (3, 4)
    np.testing.assert_array_equal(values["x"][0], [0.7, np.nan, 0.5, np.nan])
    assert np.isnan(values["x"][1:]).all()
    np.testing.assert_array_equal(weights["x"][0], [3, 0, 1, 0])


def test_agreement_between_folds_is_with_the_same_family_only(toy):
    maps = MapSet(list(toy.maps([0.1, 0.1, 0.1])), toy.onehot)
    places = np.array([4, 9, 1])
    same = unit_norm(toy.truth[places])
    others = [("f", places, same), ("g", places[:1], -same[:1])]
    found = fold_agreement(maps, ["f", "g", "h"], others)
    assert (found[0, places] > 0.9).all()
    assert found[1, 4] < -0.9
    assert np.isfinite(found).sum(axis=1).tolist() == [3, 1, 0]


def test_agreement_of_seeds_is_with_candidates_not_with_their_controls(toy):
    maps = np.concatenate([toy.maps([0.1, 0.1]), np.random.default_rng(0).normal(size=(1, *toy.truth.shape))])
    maps = MapSet(list(maps), toy.onehot)
    voters = np.array([True, True, False])
    found = family_agreement(maps, ["f"] * 3, voters=voters).mean(axis=1)
    assert found[0] == pytest.approx(found[1])
    assert found[0] > 0.8
    assert abs(found[2]) < 0.1
    alone = family_agreement(maps, ["f", "g", "g"], voters=voters)
    assert np.isnan(alone[:2]).all()
    assert np.isfinite(alone[2]).all()


@pytest.fixture
def probed(experiment):  # noqa: F811
    """The experiment of the panel's tests with a probe file for each candidate."""
    candidates, folder, dataset = experiment
    rng = np.random.default_rng(0)
    for quality, candidate in zip([0.9, 0.8, 0.7, 0.6, 0.5, 0.1], candidates, strict=True):
        values = {"rc_stability": quality + 0.05 * rng.standard_normal(40), "insertion": rng.random(40)}
        weights = {"insertion": np.where(np.arange(40) < 20, 1.0, 0.0)}
        Probes(rows=np.arange(10, 50), values=values, weights=weights).save(
            folder / "rank" / "probes" / f"{candidate['id']}.npz"
        )
    return candidates, folder, dataset


def rank(given, **arguments):
    candidates, folder, dataset = given
    probes = folder / "rank" / "probes"
    return rank_experiment(
        candidates, folder / "train", folder / "rank" / "maps", dataset, probes_dir=probes, margin=0.1, **FAST
    )


def test_probes_are_in_the_panel_with_intervals_and_change_nothing_else(probed):
    found = rank(probed)
    panel = found.panel.set_index("id")
    assert (panel["rc_stability_lo"] < panel["rc_stability"]).all()
    assert (panel["rc_stability"] < panel["rc_stability_hi"]).all()
    assert panel["rc_stability"].rank().tolist() == [6, 5, 4, 3, 2, 1]
    folder = probed[1] / "rank" / "probes"
    first = read_probes(folder / "cnn-0.npz").values["insertion"][:20].mean()
    assert panel.loc["cnn-0", "insertion"] == pytest.approx(first)
    candidates, folder, dataset = probed
    without = rank_experiment(candidates, folder / "train", folder / "rank" / "maps", dataset, margin=0.1, **FAST)
    assert found.verdict == without.verdict
    pd.testing.assert_frame_equal(found.ranking, without.ranking)
    pd.testing.assert_frame_equal(found.panel[without.panel.columns], without.panel)


def cross_entropy(logit, target):
    chance = 1 / (1 + np.exp(-logit.astype(float)))
    return -np.mean(target * np.log(chance) + (1 - target) * np.log(1 - chance))


def test_the_panel_holds_the_metrics_of_prediction(probed):
    candidates, folder, _ = probed
    (folder / "train" / "cnn-0" / "metrics.json").write_text(json.dumps({"status": "ok", "valid": {"loss": 0.25}}))
    found = rank(probed)
    panel = found.panel.set_index("id")
    assert panel.loc["cnn-0", "valid_loss"] == 0.25
    with np.load(folder / "train" / "cnn-0" / "valid.npz") as file:
        shown = cross_entropy(file["prediction"], file["target"])
    assert panel.loc["cnn-0", "valid_loss_lo"] < shown < panel.loc["cnn-0", "valid_loss_hi"]
    assert np.isnan(panel.loc["cnn-1", ["valid_loss", "valid_loss_lo", "valid_loss_hi"]].astype(float)).all()
    for name in ("aupr", "calibration_error"):
        assert (panel[f"{name}_lo"] <= panel[name]).all()
        assert (panel[name] <= panel[f"{name}_hi"]).all()
    assert panel.loc["cnn-0", "aupr"] > panel.loc["shuffled", "aupr"] + 0.2
    tracks = found.tracks
    assert set(tracks["id"]) == {candidate["id"] for candidate in candidates}
    overall = tracks[(tracks["metric"] == "auroc") & (tracks["task"] == "all")].set_index("id")
    np.testing.assert_allclose(overall["value"].loc[panel.index], panel["prediction"])
    found.write(folder / "out")
    assert len(pd.read_csv(folder / "out" / "prediction.tsv", sep="\t")) == len(tracks)


def test_candidates_that_failed_need_no_probes(probed):
    _, folder, _ = probed
    (folder / "train" / "cnn-4" / "metrics.json").write_text('{"status": "failed", "reason": "loss is NaN"}')
    no_probes().save(folder / "rank" / "probes" / "cnn-4.npz")
    assert "cnn-4" not in set(rank(probed).panel["id"])
    no_probes().save(folder / "rank" / "probes" / "cnn-3.npz")
    panel = rank(probed).panel.set_index("id")
    assert np.isnan(panel.loc["cnn-3", "rc_stability"])
    assert np.isfinite(panel.loc["cnn-2", "rc_stability"])


def test_probes_that_are_missing_damaged_or_of_other_regions_are_named(probed):
    _, folder, _ = probed
    path = folder / "rank" / "probes" / "cnn-1.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(UserError, match=r"cnn-1.npz does not hold probes"):
        rank(probed)
    path.unlink()
    with pytest.raises(UserError, match=r"cnn-1.npz is missing"):
        rank(probed)
    Probes(rows=np.array([10, 77]), values={}).save(path)
    with pytest.raises(UserError, match="1 of 2 probed regions are not among those of fold 'f'"):
        rank(probed)


def test_folds_are_compared_on_each_others_regions(toy):
    other = make_toy(seed=8)
    maps = [*toy.maps([0.1, 0.2]), *other.maps([0.1, 0.2])]
    onehot = {"a": toy.onehot, "b": other.onehot}
    rows = np.arange(20)
    here, there = unit_norm(toy.truth[rows]), unit_norm(other.truth[rows])
    probes = [
        Probes(rows=rows, values={}, fold_rows={fold: rows}, fold_maps={fold: array})
        for fold, array in (("b", there), ("b", -there), ("a", here), ("a", here))
    ]
    table = pd.DataFrame({"id": list("wxyz"), "family": ["f", "g", "f", "g"], "fold": ["a", "a", "b", "b"]})
    table = table.assign(control="none", prediction=np.nan, prediction_lo=np.nan, prediction_hi=np.nan)
    networks = Networks(table=table, maps=maps, onehot=onehot, probes=probes)
    panel = rank_networks(networks, bootstraps=60).panel.set_index("id")
    assert (panel.loc[["w", "x", "y"], "fold_agreement"] > 0.7).all()
    assert panel.loc["z", "fold_agreement"] < -0.7
    assert (panel["fold_agreement_lo"] < panel["fold_agreement_hi"]).all()


def test_arrays_alone_have_no_probes_and_no_tracks(toy):
    found = rank_candidates(toy.maps(QUALITY), toy.onehot, **FAST)
    assert found.tracks is None
    assert "rc_stability" not in found.panel
