import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from lucidna.ranking.calibration import calibration_error, calibration_interval
from lucidna.ranking.prediction_table import (
    OVERALL,
    aupr_draws,
    cross_entropy_interval,
    overall_columns,
    prediction_table,
)
from lucidna.training.metrics import score

FAST = {"bootstraps": 100, "seed": 0}


def labels(n=400, seed=0):
    rng = np.random.default_rng(seed)
    logit = rng.normal(size=(n, 2)) * 2
    return logit, (rng.random((n, 2)) < 1 / (1 + np.exp(-logit))).astype(np.float32)


def test_values_are_those_of_the_training_stage():
    logit, target = labels()
    table = prediction_table(logit, target, kind="binary", tasks=["a", "b"], **FAST).set_index(["task", "metric"])
    known = score(logit, target, kind="binary")
    for task, name in enumerate("ab"):
        for metric in ("auroc", "aupr"):
            assert table.loc[(name, metric), "value"] == pytest.approx(known[metric][task])
    rng = np.random.default_rng(1)
    counts = rng.normal(size=(300, 1))
    predicted = counts + rng.normal(size=counts.shape)
    jsd = rng.random((300, 1))
    jsd[:40] = np.nan
    table = prediction_table(predicted, counts, kind="profile", tasks=["t"], jsd=jsd, **FAST)
    known = score(predicted, counts, kind="profile", jsd=jsd)
    table = table.set_index(["task", "metric"])
    for metric in ("pearson", "spearman", "mse", "jsd"):
        assert table.loc[("t", metric), "value"] == pytest.approx(known[metric][0]), metric


def test_overall_is_the_mean_over_tracks_and_every_interval_holds_its_value():
    logit, target = labels()
    table = prediction_table(logit, target, kind="binary", tasks=["a", "b"], **FAST)
    assert len(table) == 3 * 3
    for metric, part in table.groupby("metric"):
        each = part[part["task"] != OVERALL]
        mean = part[part["task"] == OVERALL].iloc[0]
        assert mean["value"] == pytest.approx(each["value"].mean()), metric
    assert (table["lo"] <= table["value"]).all()
    assert (table["hi"] >= table["value"]).all()
    assert (table["hi"] - table["lo"] > 0).all()
    columns = overall_columns(table, without="auroc")
    assert set(columns) == {"aupr", "aupr_lo", "aupr_hi", "calibration_error", "calibration_error_lo"} | {
        "calibration_error_hi"
    }


def test_a_track_without_two_classes_is_left_out_of_the_mean():
    logit, target = labels()
    target[:, 1] = 0
    table = prediction_table(logit, target, kind="binary", tasks=["a", "b"], **FAST).set_index(["task", "metric"])
    assert np.isnan(table.loc[("b", "aupr"), "value"])
    assert table.loc[(OVERALL, "aupr"), "value"] == table.loc[("a", "aupr"), "value"]
    target[:] = 0
    table = prediction_table(logit, target, kind="binary", tasks=["a", "b"], **FAST).set_index(["task", "metric"])
    assert np.isnan(table.loc[(OVERALL, "auroc"), "value"])


def test_average_precision_of_samples_equals_that_of_the_repeated_rows():
    rng = np.random.default_rng(0)
    prediction = rng.integers(0, 20, 80).astype(float)  # with ties
    target = (rng.random(80) < 0.3).astype(float)
    counts = rng.multinomial(80, np.full(80, 1 / 80), size=5)
    found = aupr_draws(prediction, target, counts, chunk=2)
    for draw, count in zip(found, counts, strict=True):
        rows = np.repeat(np.arange(80), count)
        assert draw == pytest.approx(average_precision_score(target[rows], prediction[rows]))
    assert np.isnan(aupr_draws(prediction, np.zeros(80), counts)).all()


def test_the_interval_of_the_cross_entropy_is_that_of_its_mean():
    logit, target = labels(400)
    each = -np.log(np.where(target > 0.5, 1 / (1 + np.exp(-logit)), 1 / (1 + np.exp(logit)))).mean(axis=1)
    lo, hi = cross_entropy_interval(logit, target, bootstraps=2000)
    half = 1.96 * each.std() / 20
    np.testing.assert_allclose([lo, hi], [each.mean() - half, each.mean() + half], atol=0.1 * half)


def test_a_calibrated_network_has_little_error_and_an_overconfident_one_much():
    logit, target = labels(20_000)
    each, overall = calibration_interval(logit, target, logits=True)
    assert each.shape == (2, 3)
    assert overall[0] < 0.02
    assert overall[1] <= overall[0] <= overall[2]
    assert calibration_interval(5 * logit, target, logits=True)[1][0] > 0.05


def test_calibration_of_counts_is_in_their_units():
    target = np.random.default_rng(0).normal(size=500)
    assert calibration_error(target, target) == 0
    assert calibration_error(target + 0.7, target) == pytest.approx(0.7)
    # Half of every distance from the mean is missing: the error is half of the mean distance of the bins.
    ordered = np.sort(target - target.mean()).reshape(10, 50).mean(axis=1)
    assert calibration_error(0.5 * (target - target.mean()), target - target.mean()) == pytest.approx(
        0.5 * np.abs(ordered).mean(), rel=1e-6
    )


def test_equal_predictions_share_a_bin_whatever_their_order():
    # Peaks come before negatives in the data: bins by place would call this badly calibrated.
    target = np.repeat([1.0, 0.0], 200)
    assert calibration_error(np.full(400, 0.5), target) == 0
    assert calibration_error(np.full(400, 0.8), target) == pytest.approx(0.3)
