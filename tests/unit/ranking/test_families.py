import numpy as np
import pandas as pd
import pytest

from lucidna.ranking.families import family_table, spread_over_seeds
from lucidna.ranking.panel import rank_candidates

from .conftest import make_toy

FAST = {"bootstraps": 100}


def test_the_interval_is_over_seeds_within_folds():
    values = pd.Series([0.4, 0.6, 0.7, 0.9])
    found = spread_over_seeds(values, pd.Series(["x", "x", "y", "y"]))
    # Both folds have seeds 0.2 apart: s.d. 0.1414 with 2 degrees of freedom, t 4.303, over 4 runs.
    assert found.mean == pytest.approx(0.65)
    assert found.sd == pytest.approx(0.02**0.5)
    assert found.freedom == 2
    assert found.hi - found.mean == pytest.approx(4.3027 * 0.02**0.5 / 2, rel=1e-4)
    assert found.mean - found.lo == pytest.approx(found.hi - found.mean)
    # The same numbers as seeds of one fold: the difference between the folds is then between seeds too.
    assert spread_over_seeds(values, pd.Series(["x"] * 4)).sd > found.sd


def test_one_seed_and_missing_values_have_no_interval():
    one = spread_over_seeds(pd.Series([0.4, 0.7]), pd.Series(["x", "y"]))
    assert (one.mean, one.freedom) == (pytest.approx(0.55), 0)
    assert np.isnan([one.sd, one.lo, one.hi]).all()
    none = spread_over_seeds(pd.Series([np.nan]), pd.Series(["x"]))
    assert np.isnan(none.mean)


def test_families_of_the_table(toy):
    maps = toy.maps([0.2, 0.25, 0.5, 0.55, 0.9])
    found = rank_candidates(maps, toy.onehot, families=["a", "a", "b", "b", "c"], **FAST)
    table = found.families.set_index("family")
    assert table.index.tolist() == ["a", "b", "c"]
    assert table["n"].tolist() == [2, 2, 1]
    panel = found.panel.set_index("id")
    assert table.loc["a", "c_cos_mean"] == pytest.approx(panel.loc[["model_0", "model_1"], "c_cos"].mean())
    assert table.loc["a", "c_cos_mean_lo"] < table.loc["a", "c_cos_mean"] < table.loc["a", "c_cos_mean_hi"]
    assert table[["score_mean_lo", "score_mean_hi"]].loc[["a", "b"]].stack().between(0, 1).all()
    assert table.loc["c", ["score_mean_lo", "score_sd", "c_cos_mean_hi"]].isna().all()
    assert table["prediction_mean"].isna().all()


def test_no_candidate_left_is_an_empty_table():
    frame = pd.DataFrame({"control": ["label_shuffled"], "status": ["control"], "family": ["a"], "score": [0.1]})
    assert family_table(frame.assign(fold="f")).empty


def test_the_order_within_a_family_is_by_percentiles_of_its_own_members(toy):
    maps = toy.maps([0.15, 0.2, 0.25, 0.3, 0.4])
    found = rank_candidates(
        [*maps, np.random.default_rng(1).standard_normal(maps[0].shape)],
        toy.onehot,
        families=["a", "b", "a", "b", "b", "a"],
        controls=["none"] * 5 + ["random_weights"],
        **FAST,
    )
    ranking = found.ranking.set_index("id")
    assert ranking.loc[["model_0", "model_2"], "family_rank"].tolist() == [1, 2]
    assert ranking.loc[["model_1", "model_3", "model_4"], "family_rank"].tolist() == [1, 2, 3]
    assert np.isnan(ranking.loc["model_5", "family_rank"])
    assert (ranking["family_rank_lo"].dropna() <= ranking["family_rank"].dropna()).all()
    assert (ranking["family_rank_hi"].dropna() >= ranking["family_rank"].dropna()).all()


def test_the_order_within_a_family_is_within_a_fold(toy):
    other = make_toy(seed=8)
    maps = [*toy.maps([0.2, 0.4, 0.8, 1.2]), *other.maps([0.3, 0.5, 0.9, 1.4])]
    onehot = {"x": toy.onehot, "y": other.onehot}
    found = rank_candidates(maps, onehot, folds=["x"] * 4 + ["y"] * 4, families=["a", "a", "b", "b"] * 2, **FAST)
    ranks = found.ranking.set_index("id")["family_rank"]
    assert ranks[[f"model_{index}" for index in range(8)]].tolist() == [1, 2, 1, 2, 1, 2, 1, 2]
