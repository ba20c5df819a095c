import os

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from lucidna.errors import UserError
from lucidna.external.weights import fit_weights, read_weights


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv1d(4, 3, 5), nn.BatchNorm1d(3), nn.ReLU())


@pytest.mark.parametrize("form", ["safetensors", "pt", "wrapped", "lightning"])
def test_every_form_of_a_state_dict(tmp_path, form):
    weights = net().state_dict()
    path = tmp_path / f"w.{'safetensors' if form == 'safetensors' else 'pt'}"
    if form == "safetensors":
        save_file(weights, path)
    elif form == "pt":
        torch.save(weights, path)
    elif form == "wrapped":
        torch.save({"model_state_dict": weights, "epoch": 3}, path)
    else:
        torch.save({"state_dict": {f"model.{name}": value for name, value in weights.items()}, "epoch": 3}, path)
    model = net()
    for weight in model.parameters():
        nn.init.zeros_(weight)
    fit_weights(model, read_weights(path), str(path))
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())


class Attack:
    def __reduce__(self):
        return os.system, ("true",)


def test_code_is_refused(tmp_path):
    torch.save(net(), tmp_path / "model.pt")
    with pytest.raises(UserError, match=r"model\.pt holds code.*torch\.nn\.modules\.container\.Sequential"):
        read_weights(tmp_path / "model.pt")
    torch.save({"w": torch.zeros(2), "x": Attack()}, tmp_path / "attack.pt")
    with pytest.raises(UserError, match=r"attack\.pt holds code, which is never run"):
        read_weights(tmp_path / "attack.pt")


def test_files_without_weights(tmp_path):
    torch.save([1, 2], tmp_path / "list.pt")
    (tmp_path / "text.pt").write_text("weights")
    (tmp_path / "text.safetensors").write_text("weights")
    for name, words in (
        ("list.pt", "no state_dict"),
        ("text.pt", "text.pt"),
        ("text.safetensors", "not a safetensors file"),
        ("nowhere.pt", "no file"),
    ):
        with pytest.raises(UserError, match=words) as caught:
            read_weights(tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w.pop("0.weight"), ["0.weight not in the file"]),
        (lambda w: w.update(extra=torch.zeros(1)), ["extra not in the network"]),
        (lambda w: w.update({"0.weight": torch.zeros(3, 4, 7)}), ["0.weight is (3, 4, 7) in the file", "(3, 4, 5)"]),
        (lambda w: w["0.bias"].fill_(float("nan")), ["NaN", "0.bias"]),
        (lambda w: [w.pop(name) for name in list(w)], ["0.weight, 0.bias, 1.weight and 3 more not in the file"]),
    ],
)
def test_weights_that_do_not_fit_are_named(change, words):
    weights = {name: value.clone() for name, value in net().state_dict().items()}
    change(weights)
    with pytest.raises(UserError) as caught:
        fit_weights(net(), weights, "w.pt")
    assert all(word in str(caught.value) for word in ["w.pt", *words]), caught.value


def test_counters_of_batch_normalisation_may_be_missing():
    weights = {name: value for name, value in net().state_dict().items() if "tracked" not in name}
    fit_weights(net(), weights, "w.pt")
