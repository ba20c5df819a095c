"""Training with compiled passes: the same network, but for rounding, under the same names."""

import shutil

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from lucidna.dataset import Dataset
from lucidna.errors import UserError
from lucidna.models.store import load_model
from lucidna.training.evaluate import predict
from lucidna.training.run import train_candidate

# No batch normalisation: biases before it have no gradient but rounding, of which Adam makes whole steps.
NETWORK = {
    "class": "bpnet",
    "arguments": {"n_filters": 4, "n_layers": 1, "first_kernel": 7, "profile_kernel": 9},
}


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler (g++)")
def test_compiled_training_agrees_with_plain_training(make_dataset, candidate, tmp_path, monkeypatch):
    monkeypatch.delenv("CXX", raising=False)
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    data = make_dataset(n=160)
    metrics = {}
    for name in ("plain", "compiled"):
        trainer = {"max_epochs": 2, "compile": name == "compiled", "accelerator": "cpu"}
        metrics[name] = train_candidate(candidate(**NETWORK, trainer=trainer), data, tmp_path / name)
        assert bool(torch._dynamo.utils.counters["stats"]["unique_graphs"]) == (name == "compiled")
    plain, compiled = (load_file(tmp_path / name / "model.safetensors") for name in ("plain", "compiled"))
    assert list(compiled) == list(plain)
    for key, values in plain.items():
        np.testing.assert_allclose(compiled[key], values, rtol=1e-4, atol=1e-5, err_msg=key)
    for key in ("loss", "pearson"):
        assert metrics["compiled"]["valid"][key] == pytest.approx(metrics["plain"]["valid"][key], rel=1e-4)
    # What was written is what the saved network says, to the bit.
    dataset = Dataset.open(data, fold="fold0")
    with np.load(tmp_path / "compiled" / "valid.npz", allow_pickle=False) as saved:
        again = predict(load_model(tmp_path / "compiled"), dataset, saved["row"])["prediction"]
        assert np.array_equal(saved["prediction"], again)


def test_without_a_compiler_it_is_refused_before_training(make_dataset, candidate, tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    settings = candidate(**NETWORK, trainer={"compile": True})
    with pytest.raises(UserError, match="needs a C\\+\\+ compiler, and no-such-compiler is not on the PATH"):
        train_candidate(settings, make_dataset(n=100), tmp_path / "out")
