"""Prediction and scores of a network on rows of a data set."""

import numpy as np
import pytest
import torch

from lucidna.dataset import Dataset
from lucidna.models import build
from lucidna.training.batches import BatchReader
from lucidna.training.evaluate import evaluate, predict, without_nan


@pytest.fixture
def profile(make_dataset):
    dataset = Dataset.open(make_dataset(target="profile", controls=True, n=60), fold="fold0")
    reader = BatchReader(dataset)
    torch.manual_seed(0)
    model = build(
        "bpnet",
        input_length=64,
        output_length=40,
        target="profile",
        n_tasks=2,
        channels=reader.channels,
        n_controls=1,
        n_filters=8,
        n_layers=2,
    )
    return dataset, model


def test_predictions_do_not_depend_on_the_batch_and_keep_the_order(profile):
    dataset, model = profile
    rows = np.array([9, 3, 30, 4, 0])
    whole = predict(model, dataset, rows)
    parts = predict(model, dataset, rows, batch_size=2)
    assert whole["prediction"].shape == (5, 2)
    assert whole["profile"].shape == (5, 3, 40)
    for key in whole:
        np.testing.assert_allclose(whole[key], parts[key], atol=1e-5)
    np.testing.assert_allclose(whole["profile"][1], predict(model, dataset, rows[1:2])["profile"][0], atol=1e-5)
    assert predict(model, dataset, rows[:0])["prediction"].shape == (0, 2)


def test_the_average_over_strands_is_the_same_for_both_strands(profile):
    """Predicting the other strand of everything gives the same counts and the turned profile."""
    dataset, model = profile
    rows = np.arange(6)
    one = predict(model, dataset, rows, rc_average=True)
    plain = predict(model, dataset, rows)
    assert not np.allclose(one["prediction"], plain["prediction"])
    # Turned about the same centre: an even window's centre crop of the turned array is the turned crop.
    codes = np.asarray(dataset.sequences)
    dataset.sequences = np.where(codes < 4, 3 - codes, codes)[:, ::-1]
    dataset.controls = np.asarray(dataset.controls)[..., ::-1]
    other = predict(model, dataset, rows, rc_average=True)
    np.testing.assert_allclose(one["prediction"], other["prediction"], atol=1e-5)
    np.testing.assert_allclose(one["profile"], other["profile"][:, [1, 0, 2], ::-1], atol=1e-5)


def test_metrics_of_a_network_that_knows_the_answer(profile):
    dataset, _ = profile
    rows = dataset.rows_of("test")

    class Oracle(torch.nn.Module):
        def forward(self, x, control):
            signal = torch.from_numpy(np.array(dataset.signals[rows][:, :, 4:44]))
            return torch.log(signal + 1e-9), torch.from_numpy(np.array(dataset.targets[rows]))

    metrics = evaluate(Oracle(), dataset, "test")
    assert metrics["pearson"] == pytest.approx(1)
    assert metrics["mse"] == pytest.approx(0, abs=1e-10)
    assert metrics["jsd"] == pytest.approx(0, abs=1e-3)
    assert [task["task"] for task in metrics["per_task"]] == ["stranded", "plain"]


def test_undefined_numbers_become_null():
    assert without_nan({"a": [float("nan"), 1.0], "b": {"c": float("inf")}, "d": "nan"}) == {
        "a": [None, 1.0],
        "b": {"c": None},
        "d": "nan",
    }
