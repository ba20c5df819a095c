import numpy as np
import pytest

from lucidna.ranking.panel import rank_candidates
from lucidna.ranking.prediction import prediction_draws

from .test_panel import experiment, rank  # noqa: F401

FAST = {"bootstraps": 200}


def test_every_network_is_compared_with_the_best_in_the_same_samples(toy):
    names = ["best", "twin", "poor", "noise"]
    rng = np.random.default_rng(3)
    best = toy.maps([0.4])[0]
    maps = [
        best,
        best + 0.02 * rng.standard_normal(best.shape),
        *toy.maps([1.2], seed=5),
        9 * rng.normal(size=best.shape),
    ]
    found = rank_candidates(maps, toy.onehot, ids=names, controls=["noise"], **FAST)
    assert found.verdict["best"] in ("best", "twin")
    table = found.differences.set_index(["id", "criterion"])
    assert set(table["best"]) == {found.verdict["best"]}
    assert found.verdict["best"] not in table.index.get_level_values("id")
    panel = found.panel.set_index("id")
    for name in ("poor", "noise"):
        row = table.loc[(name, "c_auc")]
        assert row["difference"] == pytest.approx(panel.loc[name, "c_auc"] - panel.loc[row["best"], "c_auc"])
        assert row["lo"] <= row["difference"] <= row["hi"] < 0
        assert row["separate"]
    # What two networks have in common cancels: the interval of the difference is narrower than either's own.
    other = "twin" if found.verdict["best"] == "best" else "best"
    row = table.loc[(other, "sl_con")]
    width = panel.loc[other, "sl_con_hi"] - panel.loc[other, "sl_con_lo"]
    assert 0 < row["hi"] - row["lo"] < 0.5 * width
    assert "prediction" not in table.index.get_level_values("criterion")


def test_a_difference_that_decides_is_in_the_table(toy):
    found = rank_candidates(toy.maps([0.3] * 6), toy.onehot, **FAST)
    scores = found.differences[found.differences["criterion"] == "score"].set_index("id")
    assert set(scores.index[~scores["separate"]]) == set(found.verdict["inseparable"])


def test_prediction_is_compared_in_the_same_samples(experiment):  # noqa: F811
    _, folder, _ = experiment
    found = rank(experiment)
    table = found.differences[found.differences["criterion"] == "prediction"].set_index("id")
    assert set(table.index) == {"cnn-1", "cnn-2", "cnn-3", "cnn-4", "shuffled"}
    assert table.loc["shuffled", "hi"] < 0
    draws = {}
    for name in ("cnn-0", "cnn-1"):
        with np.load(folder / "train" / name / "valid.npz") as file:
            draws[name] = prediction_draws(file["prediction"], file["target"], metric="auroc", bootstraps=100)
    paired = draws["cnn-1"] - draws["cnn-0"]
    assert table.loc["cnn-1", "difference"] == pytest.approx(paired[0])
    assert table.loc["cnn-1", ["lo", "hi"]].tolist() == pytest.approx(np.quantile(paired[1:], [0.025, 0.975]).tolist())


def test_none_chosen_is_an_empty_table(toy):
    maps = toy.maps([0.8, 0.9, 1.0, 1.1, 0.2])
    found = rank_candidates(maps, toy.onehot, controls=["none"] * 4 + ["random_weights"], **FAST)
    assert found.verdict["status"] == "none"
    assert found.differences.empty
    assert list(found.differences)[:4] == ["fold", "id", "best", "criterion"]
