import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from lucidna.ranking.bootstrap import resample
from lucidna.ranking.prediction import auroc_draws, pearson_draws, prediction_metric


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    target = (rng.random(120) < 0.4).astype(float)
    return np.round(target + rng.normal(0, 1, 120), 1), target  # rounding makes ties


def test_auroc_of_every_sample(data):
    prediction, target = data
    counts = resample(120, 5, seed=0)
    found = auroc_draws(prediction, target, counts)
    expected = [roc_auc_score(target, prediction, sample_weight=row) for row in counts]
    np.testing.assert_allclose(found, expected)


def test_pearson_of_every_sample(data):
    prediction, target = data
    counts = resample(120, 5, seed=0)
    drawn = [np.repeat(np.arange(120), row.astype(int)) for row in counts]
    expected = [np.corrcoef(prediction[rows], target[rows])[0, 1] for rows in drawn]
    np.testing.assert_allclose(pearson_draws(prediction, target, counts), expected)


@pytest.mark.parametrize("metric", ["auroc", "pearson"])
def test_metric_is_the_mean_over_tasks_inside_its_interval(data, metric):
    prediction, target = data
    one = prediction_metric(prediction, target, metric=metric)
    assert one[1] < one[0] < one[2]
    flipped = prediction_metric(np.stack([prediction, -prediction], 1), np.stack([target, target], 1), metric=metric)
    assert flipped[0] == pytest.approx(0.5 if metric == "auroc" else 0)
    assert prediction_metric(prediction, target, metric=metric) == one


def test_what_cannot_be_measured_is_nan(data):
    prediction, target = data
    assert np.isnan(prediction_metric(prediction, np.ones(120), metric="auroc")).all()
    assert np.isnan(prediction_metric(np.full(120, 3.3), target, metric="pearson")).all()
    # A task with one class only is left out of the mean.
    two = prediction_metric(np.stack([prediction] * 2, 1), np.stack([target, target * 0], 1), metric="auroc")
    assert two[0] == pytest.approx(prediction_metric(prediction, target, metric="auroc")[0])
