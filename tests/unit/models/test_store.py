"""A saved network predicts the same bytes after loading; damage is told apart."""

import json

import pytest
import torch

from lucidna.errors import UserError
from lucidna.models import build
from lucidna.models.store import load_model, save_model

SETTINGS = {
    "input_length": 120,
    "output_length": 61,
    "target": "profile",
    "n_tasks": 2,
    "channels": [[0, 1], [2]],
    "n_controls": 1,
    "n_filters": 8,
    "n_layers": 2,
    "first_activation": "exponential",
}


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(3)
    model = build("bpnet", **SETTINGS)
    model(torch.rand(8, 4, 120))  # moves the running statistics of the batch norm
    save_model(model, tmp_path / "c", extra={"candidate": "c-1234", "dataset_digest": "ab"})
    return model.eval(), tmp_path / "c"


def test_round_trip_predicts_the_same_bytes(saved):
    model, directory = saved
    state = torch.random.get_rng_state()
    loaded = load_model(directory)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not loaded.training
    x, control = torch.rand(3, 4, 120), torch.rand(3, 1, 61)
    with torch.no_grad():
        for before, after in zip(model(x, control), loaded(x, control), strict=True):
            assert before.numpy().tobytes() == after.numpy().tobytes()
    assert loaded.build_arguments == model.build_arguments


def test_description(saved):
    _, directory = saved
    described = json.loads((directory / "model.json").read_text())
    assert described["class"] == "bpnet"
    assert described["candidate"] == "c-1234"
    assert described["dataset_digest"] == "ab"
    assert described["versions"]["torch"] == torch.__version__
    assert {key: described["build"][key] for key in SETTINGS} == SETTINGS
    assert sorted(path.name for path in directory.iterdir()) == ["model.json", "model.safetensors"]


def test_missing_and_damaged_files(saved):
    _, directory = saved
    weights = directory / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="does not hold the weights"):
        load_model(directory)
    weights.unlink()
    with pytest.raises(UserError, match="is missing"):
        load_model(directory)
    weights.write_bytes(whole)
    (directory / "model.json").write_text("{}")
    with pytest.raises(UserError, match="not a model description"):
        load_model(directory)


def test_weights_of_another_network_are_refused(saved):
    _, directory = saved
    described = json.loads((directory / "model.json").read_text())
    described["build"]["n_filters"] = 16
    (directory / "model.json").write_text(json.dumps(described))
    with pytest.raises(UserError, match="does not hold the weights"):
        load_model(directory)
