"""Manifold mixup, and the hidden layers that it is about."""

import pytest
import torch
from torch import nn

from lucidna.models.names import ARCHITECTURES
from lucidna.sequence import one_hot
from lucidna.training.recipes import compose
from lucidna.training.recipes import manifold_mixup as module
from lucidna.training.recipes.hidden import changed_layer, hidden_layers
from lucidna.training.recipes.mixup import Mixup, mixed_batch, mixed_rows

from .steps import NETWORKS, small_batch, small_loss, small_network, step_context


class Fixed:
    """Stands for numpy's generator: always the same layer."""

    def __init__(self, layer):
        self.layer = layer

    def integers(self, high):
        assert self.layer < high
        return self.layer


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_after_any_hidden_layer_the_whole_state_is_known(name):
    """When a layer's state is replaced by another row's, so is the prediction: nothing goes around it."""
    model = small_network(name, n_tasks=2).eval()
    layers = hidden_layers(model)
    activations = len(NETWORKS[name].get("filters", [])) + len(NETWORKS[name].get("dense", []))
    assert len(layers) == (activations or 1 + NETWORKS[name]["n_layers"])
    x = one_hot(small_batch()["codes"])
    plain = model(x)
    assert (plain - plain.flip(0)).abs().min() > 0
    for layer in layers:
        with changed_layer(layer, lambda state: state.flip(0)):
            torch.testing.assert_close(model(x), plain.flip(0))
    assert torch.equal(model(x), plain)


@pytest.mark.parametrize("target", ["binary", "counts", "profile"])
def test_a_share_of_one_is_the_plain_loss_at_every_layer(monkeypatch, target):
    model = small_network("bpnet" if target == "profile" else "cnn_deep", target=target, dropout=0.0)
    batch = small_batch(target=target)
    x, loss = one_hot(batch["codes"]), small_loss(target)
    prediction = model(x)
    plain = loss(prediction, batch).detach()
    order = torch.arange(24).roll(1)
    recipe = compose([["manifold_mixup", {}]])
    terms = {}
    for share in (1.0, 0.4):
        monkeypatch.setattr(Mixup, "draw", lambda *_, share=share: (share, order))
        for k in range(len(hidden_layers(model)) + 1):
            monkeypatch.setattr(module, "host_generator", lambda _, k=k: Fixed(k))
            context = step_context(model, target=target)
            (terms[share, k],) = recipe.loss_terms(x, prediction, batch, context)
    assert all(torch.allclose(term, plain, rtol=1e-5) for (share, _), term in terms.items() if share == 1.0)
    mixed = [float(term) for (share, _), term in terms.items() if share != 1.0]
    assert len(set(mixed)) == len(mixed)
    assert all(abs(value - float(plain)) > 1e-4 * float(plain) for value in mixed)


def test_mixing_happens_at_the_drawn_layer(monkeypatch):
    """The second block's activation, computed by hand."""
    model, batch = small_network(dropout=0.0), small_batch()
    order, x = torch.arange(24).roll(3), one_hot(small_batch()["codes"])
    monkeypatch.setattr(Mixup, "draw", lambda *_: (0.7, order))
    monkeypatch.setattr(module, "host_generator", lambda _: Fixed(2))
    prediction = model(x)
    (term,) = compose([["manifold_mixup", {}]]).loss_terms(x, prediction, batch, step_context(model))
    first, second = model.blocks
    state = second.activation(second.norm(second.conv(first(x))))
    rest = model.head(model.dense(model.flatten(second.pool(mixed_rows(state, 0.7, order)))))
    torch.testing.assert_close(term, small_loss("binary")(rest, mixed_batch(batch, 0.7, order)))


def test_layers_are_drawn_uniformly():
    """Input and hidden layers alike, from the step's generator."""
    model, batch = small_network(), small_batch(4)
    part = compose([["manifold_mixup", {}]]).components[0]
    context = step_context(model)
    layers = [layer.module for layer in hidden_layers(model)]
    counts = [0] * (len(layers) + 1)
    for _ in range(800):
        draws = part.draw(4, context)
        with part.mixed_pass(draws, context):
            hooked = [k for k, layer in enumerate(layers, start=1) if layer._forward_hooks]
        counts[hooked[0] if hooked else 0] += 1
    assert sum(counts) == 800
    assert all(abs(count - 200) < 50 for count in counts)
    assert len(batch["codes"]) == 4


def test_hooks_are_gone_after_an_error():
    model = small_network()
    layer = hidden_layers(model)[0]

    def broken(state):
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"), changed_layer(layer, broken):
        model(torch.zeros(2, 4, 64))
    assert not any(part._forward_hooks for part in model.modules())
    assert isinstance(layer.module, nn.ReLU)
