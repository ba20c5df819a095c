"""What is set aside leaves the order of the others as it was."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from lucidna.ranking.order import status_of
from lucidna.ranking.panel import rank_candidates
from lucidna.ranking.score import RULE_A, combined_score

FAST = {"bootstraps": 100}


def ranked(toy, maps, scores, **kwargs):
    names = list(maps)
    return rank_candidates(
        {name: maps[name] for name in names},
        toy.onehot,
        scores={name: scores[name] for name in names},
        metric="auroc",
        **FAST,
        **kwargs,
    )


@pytest.fixture
def networks(toy):
    """Five candidates, one at chance whose maps are smooth and in the middle of them, and a control."""
    maps = dict(zip("abcde", toy.maps([0.3, 0.4, 0.5, 0.6, 0.7]), strict=True))
    maps["chance"] = toy.maps([0.45], seed=5)[0] + 0.3 * toy.onehot
    maps["control"] = np.random.default_rng(3).standard_normal(toy.truth.shape).astype(np.float32)
    scores = dict.fromkeys(maps, (0.9, 0.88, 0.92)) | {"chance": (0.5, 0.45, 0.5)}
    return maps, scores


def test_dropping_a_network_at_chance_changes_nothing_for_the_others(toy, networks):
    maps, scores = networks
    kwargs = {"controls": ["control"], "top": 3}
    whole = ranked(toy, maps, scores, **kwargs)
    others = {name: array for name, array in maps.items() if name != "chance"}
    without = ranked(toy, others, scores, **kwargs)
    assert whole.ranking.set_index("id").loc["chance", "status"] == "gated"
    kept = whole.ranking[whole.ranking["id"] != "chance"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, without.ranking)
    assert {name: whole.verdict[name] for name in ("chosen", "best", "inseparable")} == {
        name: without.verdict[name] for name in ("chosen", "best", "inseparable")
    }


def test_percentiles_are_among_those_that_passed(toy, networks):
    maps, scores = networks
    scores = scores | {"c": (0.8, 0.7, 0.9)}
    found = ranked(toy, maps, scores, controls=["control"])
    ranking, panel = found.ranking.set_index("id"), found.panel.set_index("id")
    assert ranking.loc["c", "status"] == "gated"
    passed = list("abde")
    assert ranking.index[:4].tolist() == passed
    criteria = {name: panel.loc[passed, name].to_numpy() for name in RULE_A}
    np.testing.assert_allclose(ranking.loc[passed, "score"], combined_score(criteria, RULE_A, np.ones(4, dtype=bool)))
    # What was set aside is placed among them: below two, above two.
    assert ranking.loc["e", "score"] < ranking.loc["c", "score"] < ranking.loc["a", "score"]


class Rows:
    rule = "A*"

    def __init__(self, n):
        self.rows, self.n_regions = np.arange(n), 200
        self.measured = SimpleNamespace(zero=np.zeros(n, dtype=int))


def test_the_lowest_share_is_one_of_those_that_passed_the_gate():
    n = 45
    values = np.linspace(1, 0.6, n)
    prediction = np.full(n, 0.9)
    prediction[-5:] = 0.6
    panel = pd.DataFrame({"prediction": prediction, "prediction_lo": prediction - 0.05, "control": "none"})
    for name in ("c_cos", "c_auc", "sl_con", "c_local", "c_second", "c_isolation"):
        for end in ("", "_lo", "_hi"):
            panel[name + end] = values
    settings = {"margin": 0.0, "quantile": 0.05, "metric": "auroc"}

    def status(rows):
        m = len(rows)
        part = panel.iloc[rows].reset_index(drop=True)
        found, _ = status_of(part, {"f": Rows(m)}, np.ones(m, bool), np.zeros(m, bool), np.zeros(m, bool), **settings)
        return found

    whole, without = status(np.arange(n)), status(np.arange(n - 5))
    assert whole[-5:].tolist() == ["gated"] * 5
    np.testing.assert_array_equal(whole[:-5], without)
    assert np.flatnonzero(without == "vetoed").tolist() == [38, 39]


def test_where_none_passed_scores_are_among_all_candidates(toy):
    maps = toy.maps([0.8, 0.9, 1.0, 1.1, 0.2])
    found = rank_candidates(maps, toy.onehot, controls=["none"] * 4 + ["random_weights"], **FAST)
    assert found.verdict["status"] == "none"
    scores = found.ranking.set_index("id")["score"]
    assert scores["model_4"] == 1
    assert scores[[f"model_{index}" for index in range(4)]].mean() == pytest.approx(0.625)
