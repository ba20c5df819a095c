"""Metrics against scikit-learn and scipy, with ties, constants and single classes."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import average_precision_score, roc_auc_score

from lucidna.training.metrics import (
    aupr,
    auroc,
    mean_over_tasks,
    pearson,
    profile_jsd,
    score,
    spearman,
)


@pytest.fixture(params=["distinct", "tied"])
def scored(request):
    rng = np.random.default_rng(7)
    labels = (rng.random((200, 3)) < [0.5, 0.1, 0.9]).astype(np.float32)
    scores = rng.normal(size=(200, 3)) + labels
    if request.param == "tied":
        scores = np.round(scores)
    return scores.astype(np.float32), labels


def test_ranking_metrics_agree_with_scikit_learn(scored):
    scores, labels = scored
    expected = [roc_auc_score(y, s) for s, y in zip(scores.T, labels.T, strict=True)]
    np.testing.assert_allclose(auroc(scores, labels), expected, rtol=1e-12)
    expected = [average_precision_score(y, s) for s, y in zip(scores.T, labels.T, strict=True)]
    np.testing.assert_allclose(aupr(scores, labels), expected, rtol=1e-12)


def test_all_scores_equal():
    labels = np.array([[1], [0], [0], [0]], dtype=np.float32)
    assert auroc(np.zeros((4, 1)), labels) == 0.5
    assert aupr(np.zeros((4, 1)), labels) == 0.25


def test_one_class_is_undefined():
    assert np.isnan(auroc(np.arange(4.0)[:, None], np.ones((4, 1)))).all()
    assert np.isnan(aupr(np.arange(4.0)[:, None], np.zeros((4, 1)))).all()


def test_correlations_agree_with_scipy(scored):
    a, _ = scored
    b = a[::-1] ** 2 + a
    columns = list(zip(a.T, b.T, strict=True))
    np.testing.assert_allclose(pearson(a, b), [stats.pearsonr(x, y)[0] for x, y in columns], rtol=1e-6)
    np.testing.assert_allclose(spearman(a, b), [stats.spearmanr(x, y)[0] for x, y in columns], rtol=1e-9)
    assert np.isnan(pearson(np.ones((5, 1)), np.arange(5.0)[:, None])).all()


def test_jsd_agrees_with_scipy_jointly_over_strands():
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(5, 3, 30)).astype(np.float32)
    counts = rng.poisson(1.0, (5, 3, 30)).astype(np.float32)
    counts[4] = 0
    found = profile_jsd(logits, counts, [[0, 1], [2]])
    for row in range(4):
        for task, rows in enumerate([[0, 1], [2]]):
            p = np.exp(logits[row, rows].astype(float)).ravel()
            expected = jensenshannon(p / p.sum(), counts[row, rows].ravel())
            assert found[row, task] == pytest.approx(expected, rel=1e-5)
    assert np.isnan(found[4]).all()


def test_jsd_of_equal_and_disjoint_profiles():
    counts = np.zeros((1, 1, 4), dtype=np.float32)
    counts[0, 0, :2] = 3
    equal = np.log(counts + 1e-30)
    assert profile_jsd(equal, counts, [[0]])[0, 0] == pytest.approx(0, abs=1e-3)
    assert profile_jsd(equal[..., ::-1], counts, [[0]])[0, 0] == pytest.approx(np.sqrt(np.log(2)), rel=1e-5)


def test_score_names_and_mean():
    rng = np.random.default_rng(0)
    target, prediction = rng.random((20, 2)), rng.random((20, 2))
    jsd = np.array([[0.2, np.nan]] * 20)
    assert set(score(prediction, target, kind="binary")) == {"auroc", "aupr"}
    assert set(score(prediction, target, kind="counts")) == {"pearson", "spearman", "mse"}
    found = score(prediction, target, kind="profile", jsd=jsd)
    np.testing.assert_allclose(found["mse"], ((prediction - target) ** 2).mean(axis=0))
    assert found["jsd"][0] == pytest.approx(0.2)
    assert np.isnan(found["jsd"][1])
    assert mean_over_tasks(found["jsd"]) == pytest.approx(0.2)
    assert np.isnan(mean_over_tasks(np.array([np.nan])))
