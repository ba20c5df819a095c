"""Norms of the layers after training, and the plain network that is saved."""

import json

import pytest
import torch
from torch import nn

from lucidna.errors import UserError
from lucidna.models import build
from lucidna.models.store import load_model
from lucidna.training.recipes import compose
from lucidna.training.recipes.names import check_recipe
from lucidna.training.recipes.spectral_norm import set_exact
from lucidna.training.run import train_candidate


def norms(model):
    """Return the exact largest singular value of each convolution and dense layer."""
    layers = {name: part for name, part in model.named_modules() if isinstance(part, nn.Conv1d | nn.Linear)}
    return {name: torch.linalg.matrix_norm(part.weight.detach().flatten(1), 2).item() for name, part in layers.items()}


def network():
    torch.manual_seed(0)
    return build(
        "cnn_deep",
        input_length=64,
        output_length=40,
        target="binary",
        n_tasks=1,
        channels=[[0]],
        n_controls=0,
        filters=[16, 16],
        kernel_sizes=[11, 5],
        pool_sizes=[1, 4],
        dense=[16],
    )


@pytest.mark.parametrize(
    ("limit", "layers", "more"),
    [
        (1.0, "all", []),
        (0.3, "conv", []),
        (2.0, "dense", [["conjoined", {}]]),
        (1.0, "all", [["ema", {"decay": 0.9}]]),
        (1.0, "all", [["swa", {"start": 0.3}]]),
        (1.0, "all", [["sam", {}], ["kmer_filters", {}]]),
    ],
)
def test_norms_after_training(make_dataset, candidate, tmp_path, limit, layers, more):
    components = [["standard", {}], ["spectral_norm", {"limit": limit, "layers": layers}], *more]
    trainer = {"max_epochs": 4, "learning_rate": 0.02}
    metrics = train_candidate(candidate(components=components, trainer=trainer), make_dataset(), tmp_path / "out")
    assert metrics["status"] == "ok"
    found = norms(load_model(tmp_path / "out"))
    assert len(found) == 4
    for name, norm in found.items():
        if layers == "all" or ("conv" in name) == (layers == "conv"):
            assert norm == pytest.approx(limit, rel=1e-5)
        else:
            assert norm != pytest.approx(limit, rel=0.01)


def test_the_saved_network_is_plain(make_dataset, candidate, tmp_path):
    data = make_dataset()
    for name, more in (("plain", []), ("normed", [["spectral_norm", {}]])):
        train_candidate(candidate(components=[["standard", {}], *more]), data, tmp_path / name)
    plain, normed = (load_model(tmp_path / name) for name in ("plain", "normed"))
    assert set(plain.state_dict()) == set(normed.state_dict())
    described = [json.loads((tmp_path / name / "model.json").read_text())["build"] for name in ("plain", "normed")]
    assert described[0] == described[1]
    assert max(norms(plain).values()) > 1.5


@pytest.mark.parametrize("training", [True, False])
def test_finish_changes_no_output(training):
    model, recipe = network(), compose([["spectral_norm", {"limit": 0.7}]])
    plain = norms(model)
    recipe.prepare(model)
    x = torch.rand(8, 4, 64, generator=torch.Generator().manual_seed(1))
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(20):
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()
    set_exact(model)
    with torch.no_grad():
        before = model.eval()(x)
        recipe.finish(model.train(training))
        after = model.eval()(x)
    assert torch.equal(before, after)
    assert not any("parametrizations" in name for name in model.state_dict())
    assert all(isinstance(weight, nn.Parameter) for weight in model.parameters())
    assert max(plain.values()) > 1
    assert all(norm == pytest.approx(0.7, rel=1e-5) for norm in norms(model).values())


def test_random_weights_are_saved_plain(make_dataset, candidate, tmp_path):
    settings = candidate(components=[["standard", {}], ["spectral_norm", {}]], control="random_weights")
    train_candidate(settings, make_dataset(), tmp_path / "out")
    assert all(norm == pytest.approx(1, rel=1e-5) for norm in norms(load_model(tmp_path / "out")).values())


def test_words_reach_normalised_filters(make_dataset, candidate, tmp_path):
    """Filters that start from words keep their pattern behind the normalisation."""
    data = make_dataset(target="binary", n=600)
    trainer = {"max_epochs": 1, "learning_rate": 1e-9}
    first = {}
    for name, more in (("plain", []), ("normed", [["spectral_norm", {"limit": 0.5}]])):
        components = [["standard", {}], *more, ["kmer_filters", {}]]
        train_candidate(candidate(components=components, trainer=trainer), data, tmp_path / name)
        first[name] = load_model(tmp_path / name).blocks[0].conv.weight.detach().flatten(1)
    scale = torch.linalg.matrix_norm(first["normed"], 2) / torch.linalg.matrix_norm(first["plain"], 2)
    # The filters that stay random were drawn alike; words are scaled to the norm of the normalised filter.
    cosine = nn.functional.cosine_similarity(first["normed"], first["plain"])
    assert (cosine > 0.999).all()
    assert 0 < scale < 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"limit": 0}, "limit 0 is not a number above 0"),
        ({"layers": "first"}, "layers 'first' is none of all, conv, dense"),
        ({"layer": "conv"}, "did you mean 'layers'"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(UserError, match=message):
        check_recipe([["spectral_norm", arguments]], target="counts", window=256, class_name="cnn_deep")
