"""Dropout rates epoch by epoch and step by step."""

import json

import numpy as np
import pytest
from pytorch_lightning import Callback

from lucidna.dataset import Dataset
from lucidna.errors import UserError
from lucidna.models.store import load_model
from lucidna.training.evaluate import predict
from lucidna.training.recipes.dropout_schedule import dropout_layers
from lucidna.training.recipes.names import check_recipe
from lucidna.training.run import train_candidate

from .recording import watch


class Rates(Callback):
    """The rates of all layers in each step, and the values with which layers are seen to drop."""

    def __init__(self):
        self.rates = {}

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        where = (module.stage_index, trainer.current_epoch, batch_idx)
        self.rates[where] = [layer.p for layer in dropout_layers(module.model)]

    def of_epochs(self, stage=0):
        return [rates[0] for (at, _, step), rates in self.rates.items() if at == stage and step == 0]


def train(candidate, data, out, monkeypatch, *, epochs=5, more=(), trainer=None, **arguments):
    seen = watch(monkeypatch, Rates())
    components = [["standard", {"dropout": 0.4}], ["dropout_schedule", arguments], *more]
    settings = candidate(components=components, trainer={"max_epochs": epochs, **(trainer or {})})
    train_candidate(settings, data, out)
    return seen


@pytest.mark.parametrize(
    ("arguments", "rates"),
    [
        ({"shape": "up", "share": 1}, [0, 0.1, 0.2, 0.3, 0.4]),
        ({"shape": "up", "share": 0.5}, [0, 0.2, 0.4, 0.4, 0.4]),
        ({"shape": "up", "share": 1, "low": 0.5}, [0.2, 0.25, 0.3, 0.35, 0.4]),
        ({"shape": "down", "share": 1}, [0.4, 0.3, 0.2, 0.1, 0]),
        ({"shape": "down", "share": 0.5, "low": 0.25}, [0.4, 0.25, 0.1, 0.1, 0.1]),
        ({"shape": "early", "share": 0.5}, [0.4, 0.4, 0, 0, 0]),
        ({"shape": "late", "share": 0.5, "rate": 0.6}, [0, 0, 0.6, 0.6, 0.6]),
    ],
)
def test_rates_per_epoch(make_dataset, candidate, tmp_path, monkeypatch, arguments, rates):
    seen = train(candidate, make_dataset(n=120), tmp_path / "out", monkeypatch, **arguments)
    assert seen.of_epochs() == pytest.approx(rates)
    for (_, epoch, _), found in seen.rates.items():
        assert found == pytest.approx([rates[epoch]] * 3)


def test_layers_keep_their_proportions(make_dataset, candidate, tmp_path, monkeypatch):
    seen = watch(monkeypatch, Rates())
    settings = candidate(
        arguments={"filters": [16, 16], "kernel_sizes": [9, 5], "pool_sizes": [1, 4], "dense": [16]},
        components=[["standard", {}], ["dropout_schedule", {"share": 1}]],
    )
    train_candidate(settings, make_dataset(n=120), tmp_path / "out")
    assert [seen.rates[0, epoch, 0] for epoch in range(3)] == [
        pytest.approx([0, 0, 0]),
        pytest.approx([0.05, 0.1, 0.25]),
        pytest.approx([0.1, 0.2, 0.5]),
    ]


def test_rates_per_step(make_dataset, candidate, tmp_path, monkeypatch):
    seen = train(candidate, make_dataset(), tmp_path / "out", monkeypatch, epochs=2, share=1, per="step")
    assert len(seen.rates) == 10
    assert [rates[0] for rates in seen.rates.values()] == pytest.approx(np.linspace(0, 0.4, 10))


def test_time_runs_over_all_stages(make_dataset, candidate, tmp_path, monkeypatch):
    more = [["evoaug", {"operations": ["mutation"], "finetune_epochs": 2}]]
    seen = train(candidate, make_dataset(), tmp_path / "out", monkeypatch, epochs=2, more=more, share=1)
    assert seen.of_epochs(0) == pytest.approx([0, 0.4 / 3])
    assert seen.of_epochs(1) == pytest.approx([0.8 / 3, 0.4])


def test_one_epoch_has_the_final_rate(make_dataset, candidate, tmp_path, monkeypatch):
    assert train(candidate, make_dataset(), tmp_path / "out", monkeypatch, epochs=1).of_epochs() == [0.4]


def test_evaluation_is_not_touched(make_dataset, candidate, tmp_path, monkeypatch):
    data = make_dataset()
    train(candidate, data, tmp_path / "out", monkeypatch, shape="down", rate=0.7)
    assert json.loads((tmp_path / "out" / "model.json").read_text())["build"]["dropout"] == 0.7
    model, dataset = load_model(tmp_path / "out"), Dataset.open(data, fold="fold0")
    with np.load(tmp_path / "out" / "valid.npz") as saved:
        np.testing.assert_array_equal(predict(model, dataset, saved["row"])["prediction"], saved["prediction"])


def test_the_rate_is_what_layers_drop(make_dataset, candidate, tmp_path, monkeypatch):
    dropped = {}

    class Watch(Rates):
        def on_train_start(self, trainer, module):
            def hook(layer, inputs, output):
                if layer.training:
                    alive = inputs[0] != 0
                    dropped.setdefault(trainer.current_epoch, []).append((output[alive] == 0).float().mean().item())

            dropout_layers(module.model)[0].register_forward_hook(hook)

    watch(monkeypatch, Watch())
    settings = candidate(components=[["standard", {"dropout": 0.4}], ["dropout_schedule", {"share": 1}]])
    train_candidate(settings, make_dataset(), tmp_path / "out")
    assert [np.mean(shares) for shares in dropped.values()] == pytest.approx([0, 0.2, 0.4], abs=0.02)


@pytest.mark.parametrize("kind", ["cnn_deep", "bpnet"])
def test_a_network_without_dropout_fails_and_the_grid_goes_on(make_dataset, candidate, tmp_path, kind):
    arguments = {"n_filters": 8, "n_layers": 2} if kind == "bpnet" else {"dropout": 0.0}
    settings = candidate(**{"class": kind}, arguments=arguments, components=[["dropout_schedule", {}]])
    metrics = train_candidate(settings, make_dataset(input_length=200), tmp_path / "out")
    assert metrics["status"] == "failed"
    assert "no dropout layers: give the component a rate" in metrics["reason"]
    assert (tmp_path / "out" / "model.safetensors").is_file()
    given = {**settings, "components": [["dropout_schedule", {"rate": 0.2}]], "trainer": {"max_epochs": 1}}
    assert train_candidate(given, make_dataset(input_length=200), tmp_path / "out")["status"] == "ok"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shape": "ramp"}, "shape 'ramp' is none of up, down, early, late"),
        ({"per": "batch"}, "per 'batch' is none of epoch, step"),
        ({"rate": 0}, "rate 0 is not a number above 0 below 1"),
        ({"rate": 1.0}, r"rate 1\.0"),
        ({"low": 1}, "low 1 is not a number from 0 below 1"),
        ({"share": 0}, "share 0 is not a number above 0 up to 1"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(UserError, match=message):
        check_recipe([["dropout_schedule", arguments]], target="counts", window=256, class_name="cnn_deep")
