"""Stochastic weight averaging: the mean, its batch normalisation, and what is kept."""

import itertools

import pandas as pd
import pytest
import torch

from lucidna.dataset import Dataset
from lucidna.errors import UserError
from lucidna.models.store import load_model
from lucidna.sequence import one_hot
from lucidna.training import module
from lucidna.training.batches import BatchReader
from lucidna.training.recipes.entries.swa import DEFAULTS
from lucidna.training.recipes.names import check_recipe
from lucidna.training.run import train_candidate

from .recording import Recorder, watch

PLAIN = ["standard", {"jitter": False}]


def rates(directory):
    return pd.read_csv(directory / "history.tsv", sep="\t")["learning_rate"].tolist()


def test_equals_the_mean_of_the_last_epochs(make_dataset, candidate, tmp_path, monkeypatch):
    seen = watch(monkeypatch, Recorder())
    settings = candidate(components=[PLAIN, ["swa", {"start": 0.4}]], trainer={"max_epochs": 5})
    train_candidate(settings, make_dataset(), tmp_path / "out")
    ends, weights = seen.last_of_epochs(), [name for name, _ in load_model(tmp_path / "out").named_parameters()]
    for (_, epoch, _), state in seen.validated:
        taken = ends[2 : epoch + 1] if epoch >= 2 else [ends[epoch]]
        for name in weights:
            mean = torch.stack([end[name].double() for end in taken]).mean(dim=0)
            torch.testing.assert_close(state[name].double(), mean, rtol=1e-5, atol=1e-7)
    assert any((ends[4][name] - seen.validated[-1][1][name]).abs().max() > 1e-3 for name in weights)


def test_saved_is_the_best_average_even_if_an_earlier_epoch_was_better(make_dataset, candidate, tmp_path, monkeypatch):
    metrics = module.Collector.metrics
    falling = itertools.count(0.9, -0.01)
    monkeypatch.setattr(module.Collector, "metrics", lambda self: {**metrics(self), "auroc": next(falling)})
    seen = watch(monkeypatch, Recorder())
    settings = candidate(
        components=[PLAIN, ["swa", {"start": 0.5}]], trainer={"max_epochs": 6, "patience": 1, "monitor": "auroc"}
    )
    done = train_candidate(settings, make_dataset(target="binary"), tmp_path / "out")
    # Early stopping would have ended training in the third epoch.
    assert done["epochs"] == 6
    assert done["best_epoch"] == 4
    saved = load_model(tmp_path / "out").state_dict()
    validated = dict(seen.validated)[0, 3, -1]
    assert all(torch.equal(value, validated[name]) for name, value in saved.items())


def test_batch_norm_fits_the_average(make_dataset, candidate, tmp_path, monkeypatch):
    """The first layer's statistics are those of its output over all training rows, with the averaged filters."""
    seen = watch(monkeypatch, Recorder())
    data = make_dataset(n=640)
    swa = ["swa", {"start": 0.0, "batch_norm_batches": None}]
    settings = candidate(components=[PLAIN, swa], trainer={"max_epochs": 2, "learning_rate": 0.02})
    metrics = train_candidate(settings, data, tmp_path / "out")
    model, dataset = load_model(tmp_path / "out"), Dataset.open(data, fold="fold0")
    block, batch = model.blocks[0], BatchReader(dataset).read(dataset.rows_of("train"))
    with torch.no_grad():
        features = block.conv(one_hot(batch["codes"])).double()
    torch.testing.assert_close(block.norm.running_mean.double(), features.mean(dim=(0, 2)), rtol=1e-4, atol=1e-5)
    # Rows come in 10 batches of 32: the variances are the means of the batches', a little smaller.
    torch.testing.assert_close(block.norm.running_var.double(), features.var(dim=(0, 2)), rtol=0.05, atol=0)
    assert block.norm.num_batches_tracked == 10
    own = seen.last_of_epochs()[metrics["best_epoch"] - 1]["blocks.0.norm.running_var"]
    assert ((block.norm.running_var / own - 1).abs() > 0.02).any()


def test_batch_norm_reads_so_many_batches(make_dataset, candidate, tmp_path):
    swa = ["swa", {"start": 0.0, "batch_norm_batches": 3}]
    train_candidate(candidate(components=[PLAIN, swa]), make_dataset(), tmp_path / "out")
    assert load_model(tmp_path / "out").blocks[1].norm.num_batches_tracked == 3


@pytest.mark.parametrize("more", [[], [["spectral_norm", {}]], [["conjoined", {}]]])
def test_training_goes_its_way_without_the_average(make_dataset, candidate, tmp_path, more):
    data = make_dataset()
    swa = [["swa", {"start": 0.0, "learning_rate_factor": 1}]]
    for name, last in (("plain", []), ("swa", swa)):
        train_candidate(candidate(components=[["standard", {}], *last, *more]), data, tmp_path / name)
    plain, averaged = (pd.read_csv(tmp_path / name / "history.tsv", sep="\t") for name in ("plain", "swa"))
    assert plain["train_loss"].tolist() == averaged["train_loss"].tolist()
    assert (plain["valid_loss"] != averaged["valid_loss"]).all()


@pytest.mark.parametrize("schedule", ["plateau", "cosine"])
def test_rate(make_dataset, candidate, tmp_path, schedule):
    data = make_dataset(n=120)
    trainer = {"max_epochs": 8, "learning_rate": 0.004, "schedule": schedule, "plateau_patience": 100}
    for name, epochs in (("constant", 0), ("annealed", 2)):
        swa = ["swa", {"start": 0.5, "learning_rate_factor": 0.25, "anneal_epochs": epochs}]
        train_candidate(candidate(components=[PLAIN, swa], trainer=trainer), data, tmp_path / name)
    constant, annealed = rates(tmp_path / "constant"), rates(tmp_path / "annealed")
    assert constant[:4] == annealed[:4]
    assert constant[4:] == pytest.approx([0.001] * 4)
    before = constant[3]
    assert before == 0.004 if schedule == "plateau" else before < 0.004
    path = [before + (0.001 - before) * share for share in (1 / 3, 2 / 3, 1, 1)]
    assert annealed[4:] == pytest.approx(path)


def test_each_stage_has_an_average_of_its_own(make_dataset, candidate, tmp_path, monkeypatch):
    seen = watch(monkeypatch, Recorder())
    evoaug = ["evoaug", {"operations": ["mutation"], "finetune_epochs": 3}]
    settings = candidate(components=[PLAIN, ["swa", {"start": 0.5}], evoaug])
    metrics = train_candidate(settings, make_dataset(), tmp_path / "out")
    assert [stage["epochs"] for stage in metrics["stages"]] == [3, 3]
    assert metrics["stages"][0]["best_epoch"] in (2, 3)
    assert metrics["best_epoch"] in (5, 6)
    ends = seen.last_of_epochs(stage=1)
    mean = (ends[1]["head.linear.weight"] + ends[2]["head.linear.weight"]) / 2
    torch.testing.assert_close(dict(seen.validated)[1, 2, -1]["head.linear.weight"], mean)
    best = dict(seen.validated)[0, metrics["stages"][0]["best_epoch"] - 1, -1]
    assert all(torch.equal(seen.started[1][1][name], value) for name, value in best.items())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start": 1}, "start 1 is not a number from 0 below 1"),
        ({"learning_rate_factor": 0}, "learning_rate_factor 0"),
        ({"anneal_epochs": 1.5}, "anneal_epochs 1.5 is not a whole number"),
        ({"batch_norm_batches": 0}, "batch_norm_batches 0"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(UserError, match=message):
        check_recipe([["swa", arguments]], target="counts", window=256, class_name="cnn_deep")
    check_recipe([["swa", DEFAULTS]], target="counts", window=256, class_name="cnn_deep")
