import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from lucidna.dataset import Dataset
from lucidna.errors import UserError
from lucidna.external.adopt import adopt_network
from lucidna.external.sources import build_class
from lucidna.external.store import load_candidate
from lucidna.models import build
from lucidna.models.store import save_model
from lucidna.ranking.maps import validation_maps
from lucidna.sequence import one_hot_numpy
from lucidna.training.evaluate import evaluate

from ..training.conftest import write_dataset
from .conftest import entry
from .test_sources import exported, scripted

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")


@pytest.fixture
def data(tmp_path):
    return write_dataset(tmp_path / "data", n=120)


@pytest.fixture
def net(source):
    torch.manual_seed(0)
    return build_class(f"{source}:Net", {"width": 3}).eval()


def candidate(settings, **changes):
    return {"id": "external-lab-fold0-01234567", "name": "lab", "fold": "fold0", "arguments": settings, **changes}


def settings_of(kind, net, source, tmp_path):
    shared = {"input": {"length": 40}, "output": {"scale": "log_counts"}}
    if kind == "pytorch":
        save_file(net.state_dict(), tmp_path / "net.safetensors")
        return entry(
            kind,
            **{"class": f"{source}:Net"},
            arguments={"width": 3},
            weights=str(tmp_path / "net.safetensors"),
            **shared,
        )
    path = tmp_path / "net.program"
    path.write_bytes((scripted if kind == "torchscript" else exported)(net))
    return entry(kind, program=str(path), **shared)


@pytest.mark.parametrize("kind", ["pytorch", "torchscript", "export"])
def test_a_network_becomes_a_candidate_like_any_other(kind, net, source, data, tmp_path):
    out = tmp_path / "train" / "x"
    adopt_network(candidate(settings_of(kind, net, source, tmp_path)), data, out)
    for path in tmp_path.glob("net.*"):
        path.unlink()  # the folder stands by itself
    dataset = Dataset.open(data, fold="fold0")
    rows = dataset.rows_of("valid")
    windows = torch.from_numpy(one_hot_numpy(dataset.codes(rows)))[:, :, 12:52]  # the central 40 of 64
    with torch.no_grad():
        expected = net(windows)
    model = load_candidate(out)
    with np.load(out / "valid.npz") as file:
        np.testing.assert_allclose(file["prediction"], expected, atol=1e-6)
        np.testing.assert_array_equal(file["target"], dataset.targets[rows])
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["status"] == "ok"
    assert metrics["valid"]["pearson"] == pytest.approx(evaluate(model, dataset, "valid")["pearson"])
    assert metrics["n_parameters"] == sum(weight.numel() for weight in net.parameters())
    assert pd.read_csv(out / "history.tsv", sep="\t").empty
    maps = validation_maps(model, dataset.codes(rows[:6]), head="counts", tasks=[1])
    x = windows[:6].clone().requires_grad_()
    net(x)[:, 1].sum().backward()
    gradient = x.grad - x.grad.mean(dim=1, keepdim=True)
    np.testing.assert_allclose(maps[..., 12:52], gradient, atol=1e-6)
    assert not maps[..., :12].any()


def test_class_code_that_changed_after_the_network_was_taken_over(net, source, data, tmp_path):
    out = tmp_path / "x"
    adopt_network(candidate(settings_of("pytorch", net, source, tmp_path)), data, out)
    source.write_text(source.read_text().replace("nn.Conv1d(4, width, 7)", "nn.Conv1d(4, width, 9)"))
    with pytest.raises(UserError, match=r"conv\.weight is \(3, 4, 7\) in the file and \(3, 4, 9\)"):
        load_candidate(out)
    source.unlink()
    with pytest.raises(UserError, match="no file"):
        load_candidate(out)


@pytest.mark.parametrize(
    ("kind", "class_name", "words"),
    [
        ("pytorch", "Constant", ["'lab'", "no gradient"]),
        ("pytorch", "Restless", ["'lab'", "other values at each pass"]),
        ("export", "Net", ["'lab'", "dynamic batch dimension"]),
    ],
)
def test_a_network_that_is_not_usable_leaves_no_folder(kind, class_name, words, source, data, tmp_path):
    net = build_class(f"{source}:{class_name}", {}).eval()
    settings = entry(kind, input={"length": 40}, output={"scale": "log_counts"})
    if kind == "pytorch":
        torch.save(net.state_dict(), tmp_path / "w.pt")
        settings |= {"class": f"{source}:{class_name}", "weights": str(tmp_path / "w.pt")}
    else:
        (tmp_path / "net.pt2").write_bytes(exported(net, dynamic=False))
        settings |= {"program": str(tmp_path / "net.pt2")}
    with pytest.raises(UserError) as caught:
        adopt_network(candidate(settings), data, tmp_path / "out")
    assert all(word in str(caught.value) for word in words), caught.value
    assert not (tmp_path / "out").exists()


def test_trained_candidates_are_loaded_as_before(tmp_path):
    model = build(
        "cnn_deep", input_length=64, output_length=40, target="counts", n_tasks=1, channels=[[0]], n_controls=0
    ).eval()
    save_model(model, tmp_path / "x", extra={})
    x = torch.rand(2, 4, 64)
    with torch.no_grad():
        assert torch.equal(load_candidate(tmp_path / "x")(x), model(x))
    with pytest.raises(UserError, match=r"model\.json is missing"):
        load_candidate(tmp_path / "nowhere")
