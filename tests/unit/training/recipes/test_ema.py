"""The exponential moving average of the weights."""

import numpy as np
import pandas as pd
import pytest
import torch

from lucidna.errors import UserError
from lucidna.models.store import load_model
from lucidna.training.recipes.names import check_recipe
from lucidna.training.run import train_candidate

from .recording import Recorder, watch


def written_out(started, trained, *, decay, warm_up):
    """Return the average after each step of a stage, in float64, by a plain loop."""
    average, found = {name: value.double() for name, value in started.items()}, []
    for step, state in enumerate(trained, start=1):
        share = min(decay, (1 + step) / (10 + step)) if warm_up else decay
        average = {
            name: share * average[name] + (1 - share) * value.double() if value.is_floating_point() else value
            for name, value in state.items()
        }
        found.append(average)
    return found


def assert_same(state, expected):
    for name, value in state.items():
        np.testing.assert_allclose(value.numpy(), expected[name].numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("decay", "warm_up"), [(0.9, False), (0.5, True)])
def test_equals_a_loop_written_out(make_dataset, candidate, tmp_path, monkeypatch, decay, warm_up):
    seen = watch(monkeypatch, Recorder())
    settings = candidate(components=[["standard", {}], ["ema", {"decay": decay, "warm_up": warm_up}]])
    metrics = train_candidate(settings, make_dataset(), tmp_path / "out")
    trained = [state for _, state in seen.trained]
    assert len(trained) == 15
    averages = written_out(seen.started[0][1], trained, decay=decay, warm_up=warm_up)
    for epoch, (_, state) in enumerate(seen.validated):
        assert_same(state, averages[5 * epoch + 4])
        assert not torch.equal(state["head.linear.weight"], trained[5 * epoch + 4]["head.linear.weight"])
    best = seen.validated[metrics["best_epoch"] - 1][1]
    for name, value in load_model(tmp_path / "out").state_dict().items():
        assert torch.equal(value, best[name])


def test_training_goes_its_way_without_the_average(make_dataset, candidate, tmp_path):
    data = make_dataset()
    for name, more in (("plain", []), ("ema", [["ema", {}]])):
        train_candidate(candidate(components=[["standard", {}], *more]), data, tmp_path / name)
    plain, averaged = (pd.read_csv(tmp_path / name / "history.tsv", sep="\t") for name in ("plain", "ema"))
    assert plain["train_loss"].tolist() == averaged["train_loss"].tolist()
    assert (plain["valid_loss"] != averaged["valid_loss"]).all()


def test_decay_zero_is_training_without_it(make_dataset, candidate, tmp_path):
    data = make_dataset()
    for name, more in (("plain", []), ("ema", [["ema", {"decay": 0, "warm_up": False}]])):
        train_candidate(candidate(components=[["standard", {}], *more]), data, tmp_path / name)
    plain, averaged = (load_model(tmp_path / name).state_dict() for name in ("plain", "ema"))
    for name, value in plain.items():
        torch.testing.assert_close(averaged[name], value, rtol=1e-6, atol=1e-7)


def test_each_stage_starts_at_the_best_average_of_the_one_before(make_dataset, candidate, tmp_path, monkeypatch):
    seen = watch(monkeypatch, Recorder())
    components = [["standard", {}], ["evoaug", {"operations": ["mutation"], "finetune_epochs": 1}]]
    settings = candidate(components=[*components, ["ema", {"decay": 0.9, "warm_up": False}]])
    metrics = train_candidate(settings, make_dataset(), tmp_path / "out")
    best = dict(seen.validated)[0, metrics["stages"][0]["best_epoch"] - 1, -1]
    started = seen.started[1][1]
    assert all(torch.equal(started[name], best[name]) for name in best)
    trained = [state for (stage, _, _), state in seen.trained if stage == 1]
    averages = written_out(started, trained, decay=0.9, warm_up=False)
    assert_same(dict(seen.validated)[1, 0, -1], averages[-1])


@pytest.mark.parametrize(
    ("components", "message"),
    [
        ([["ema", {"decay": 1}]], "decay 1 is not a number from 0 below 1"),
        ([["ema", {"decay": "slow"}]], "decay 'slow'"),
        ([["ema", {"warm_up": 1}]], "warm_up 1 is neither true nor false"),
        ([["ema", {"decy": 0.9}]], "did you mean 'decay'"),
        ([["ema", {}], ["swa", {}]], "'ema' and 'swa' do not go together: both put an average"),
        ([["swa", {}], ["ema", {}]], "do not go together"),
    ],
)
def test_bad_input(components, message):
    with pytest.raises(UserError, match=message):
        check_recipe(components, target="counts", window=256, class_name="cnn_deep")
