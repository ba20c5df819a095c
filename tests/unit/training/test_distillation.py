"""What members say: moments, the file, members that failed; and how far an uncertainty orders errors."""

import json

import numpy as np
import pytest
from scipy.stats import spearmanr

from lucidna.dataset import Dataset
from lucidna.errors import UserError
from lucidna.models.store import load_model
from lucidna.training.distillation import EPSILON, RunningMoments, read_targets, write_targets
from lucidna.training.evaluate import predict
from lucidna.training.run import train_candidate
from lucidna.training.uncertainty import mean_by_part, rank_correlation, uncertainty_summary


def moments_of(members):
    moments = RunningMoments()
    for values in members:
        moments.add(values)
    return moments.targets()


def test_targets_equal_the_published_ones(shared_data):
    with np.load(shared_data / "reference" / "degu_targets.npz") as reference:
        mean, log_variance = moments_of(reference["ensemble_preds"])
        np.testing.assert_allclose(mean, reference["mean"], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(log_variance, reference["logvar"], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(np.exp(log_variance / 2), reference["std"], rtol=1e-5)


def test_moments_do_not_lose_a_small_spread_on_a_large_mean():
    rng = np.random.default_rng(0)
    members = 1e4 + rng.normal(0, 0.1, (7, 50, 2))
    mean, log_variance = moments_of(members)
    np.testing.assert_allclose(mean, members.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(log_variance, np.log(members.var(axis=0) + EPSILON), rtol=1e-4)


def test_members_that_agree_have_a_finite_log_variance():
    _, log_variance = moments_of(np.ones((3, 4, 1)))
    np.testing.assert_allclose(log_variance, np.log(EPSILON), rtol=1e-6)


@pytest.fixture
def members(make_dataset, candidate, tmp_path):
    """Three trained members of one recipe and the data that they were trained on."""
    data = make_dataset(target="counts", jitter=0)
    folders = [tmp_path / "train" / f"member{seed}" for seed in range(3)]
    for seed, folder in enumerate(folders):
        train_candidate(candidate(id=folder.name, seed=seed, trainer={"max_epochs": 1}), data, folder)
    return data, folders


@pytest.mark.parametrize("both_strands", [False, True])
def test_the_file_holds_the_moments_of_the_members_outside_of_the_test_split(members, tmp_path, both_strands):
    data, folders = members
    written = write_targets(tmp_path / "targets.npz", data, folders, fold="fold0", both_strands=both_strands)
    read = read_targets(tmp_path / "targets.npz")
    dataset = Dataset.open(data, fold="fold0")
    rows = np.flatnonzero(dataset.split != "test")
    np.testing.assert_array_equal(read.row, rows)
    outputs = [predict(load_model(f), dataset, rows, rc_average=both_strands)["prediction"] for f in folders]
    np.testing.assert_allclose(read.mean, np.mean(outputs, axis=0), atol=1e-5)
    np.testing.assert_allclose(read.log_variance, np.log(np.var(outputs, axis=0) + EPSILON), atol=1e-3)
    np.testing.assert_array_equal(read.mean, written.mean)
    assert (read.members, read.left_out, read.kind) == (["member0", "member1", "member2"], [], "counts")
    assert read.obstacle() is None
    mean, log_variance = read.at(rows[[5, 2]])
    np.testing.assert_array_equal(mean, read.mean[[5, 2]])
    np.testing.assert_array_equal(log_variance, read.log_variance[[5, 2]])
    with pytest.raises(UserError, match="other regions"):
        read.at(np.flatnonzero(dataset.split == "test"))


def test_members_that_failed_are_left_out(members, tmp_path):
    data, folders = members
    for failed, left in ((folders[:1], 2), (folders[:2], 1)):
        for folder in failed:
            metrics = json.loads((folder / "metrics.json").read_text())
            (folder / "metrics.json").write_text(json.dumps({**metrics, "status": "failed"}))
        write_targets(tmp_path / "targets.npz", data, folders, fold="fold0", both_strands=False)
        read = read_targets(tmp_path / "targets.npz")
        assert len(read.members) == left
        assert read.left_out == [folder.name for folder in failed]
    assert len(read.row) == 0
    assert read.obstacle() == (
        "distillation needs at least 2 members, and 2 of 3 failed in training (member0, member1): mend these or give "
        "more seeds"
    )


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "targets.npz").write_bytes(b"PK")
    with pytest.raises(UserError, match="npz holds no distillation targets"):
        read_targets(tmp_path / "targets.npz")


def test_rank_correlation_is_spearmans_with_an_interval_around_it():
    rng = np.random.default_rng(1)
    a = rng.normal(size=(400, 2))
    b = a + rng.normal(size=(400, 2)) * [1.0, 2.0]
    found = rank_correlation(np.exp(a), b)
    expected = np.mean([spearmanr(a[:, task], b[:, task]).statistic for task in range(2)])
    assert found["value"] == pytest.approx(expected, abs=1e-9)
    assert found["lo"] < found["value"] < found["hi"]
    # The standard error of two independent correlations of about 0.7 and 0.4 at n = 400.
    assert 0.04 < found["hi"] - found["lo"] < 0.16
    assert rank_correlation(a, np.ones_like(b)) == {"value": None, "lo": None, "hi": None}


def test_rank_correlation_covers_the_truth():
    """Of 60 intervals at 95 %, about 57 hold the correlation of the population: 6 / pi asin(r / 2)."""
    rng = np.random.default_rng(2)
    truth, held = 6 / np.pi * np.arcsin(0.6 / 2), 0
    for _ in range(60):
        a = rng.normal(size=(300, 1))
        b = 0.6 * a + 0.8 * rng.normal(size=(300, 1))
        found = rank_correlation(a, b, draws=200)
        held += found["lo"] <= truth <= found["hi"]
    assert 51 <= held <= 60


def test_fifths_rise_where_the_variance_is_that_of_the_errors():
    rng = np.random.default_rng(3)
    log_variance = rng.normal(0, 1, (5000, 1))
    target = rng.normal(0, np.exp(log_variance / 2))
    members = (np.zeros_like(target), log_variance + rng.normal(0, 0.1, target.shape))
    found = uncertainty_summary(np.zeros_like(target), target, log_variance, members=members, binary=False)
    assert found["fifths"] == sorted(found["fifths"])
    assert found["fifths"][4] > 5 * found["fifths"][0]
    assert found["error"]["lo"] > 0.3
    assert found["spread"]["value"] > 0.98
    assert found["members_error"]["value"] == pytest.approx(found["error"]["value"], abs=0.02)
    assert found["confidence"] is None
    assert mean_by_part(log_variance, np.ones_like(target)) == [1.0] * 5


def test_binary_variances_are_carried_over_to_probabilities():
    """An equal variance of the logit moves a probability near 0 or 1 the least."""
    logits = np.array([[-80.0], [-2.0], [0.0], [1.0], [5.0]])
    p = 1 / (1 + np.exp(-logits))
    found = uncertainty_summary(
        logits, np.zeros_like(logits), np.zeros_like(logits), members=(logits, np.zeros_like(logits)), binary=True
    )
    order = np.argsort((p * (1 - p))[:, 0])
    np.testing.assert_allclose(found["fifths"], (p[order] ** 2)[:, 0], atol=1e-12)
    # p (1 - p) rises in the order -80, 5, -2, 1, 0, and p itself in the order of the logits.
    assert found["confidence"]["value"] == pytest.approx(spearmanr([0, 2, 4, 3, 1], [0, 1, 2, 3, 4]).statistic)
