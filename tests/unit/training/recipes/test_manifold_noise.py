"""Gaussian noise on a random layer."""

import pytest
import torch

from lucidna.models.names import ARCHITECTURES
from lucidna.sequence import one_hot
from lucidna.training.recipes import compose
from lucidna.training.recipes import manifold_noise as module
from lucidna.training.recipes.hidden import hidden_layers

from .steps import small_batch, small_network, step_context
from .test_manifold_mixup import Fixed


def state_after(model, layer, x):
    """Run the network and return what its layer hands on."""
    seen = []
    handle = layer.module.register_forward_hook(
        lambda _, inputs, output: seen.append(inputs[0] + output if layer.residual else output)
    )
    model(x)
    handle.remove()
    return seen[0].detach()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_each_hidden_layer_gets_noise_of_the_stated_spread(monkeypatch, name):
    model = small_network(name, dropout=0.0)
    batch = small_batch(200)
    x, layers = one_hot(batch["codes"]), hidden_layers(model)
    for k, layer in enumerate(layers, start=1):
        clean = state_after(model, layer, x)
        monkeypatch.setattr(module, "host_generator", lambda _, k=k: Fixed(k))
        with compose([["manifold_noise", {"std": 0.3}]]).forward_context(step_context(model)):
            noise = state_after(model, layer, x) - clean
        assert noise.std() == pytest.approx(0.3, rel=0.05)
        assert abs(noise.mean()) < 0.03
    assert not any(part._forward_hooks for part in model.modules())


def test_the_input_gets_noise_on_known_bases_alone(monkeypatch):
    model, batch = small_network(dropout=0.0), small_batch(200)
    x = one_hot(batch["codes"])
    monkeypatch.setattr(module, "host_generator", lambda _: Fixed(0))
    seen = []
    handle = model.blocks[0].conv.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    with compose([["manifold_noise", {"std": 0.2}]]).forward_context(step_context(model)):
        model(x)
    handle.remove()
    noise = (seen[0] - x).movedim(1, 2)
    assert noise[batch["codes"] < 4].std() == pytest.approx(0.2, rel=0.02)
    assert (noise[batch["codes"] == 4] == 0).all()
    assert not model._forward_pre_hooks


def test_the_generator_of_the_step_alone_decides():
    model, x = small_network(dropout=0.0), one_hot(small_batch()["codes"])
    recipe = compose([["manifold_noise", {}]])

    def predicted(seed, other):
        torch.manual_seed(other)
        with recipe.forward_context(step_context(model, seed=seed)):
            return model(x).detach()

    assert torch.equal(predicted(4, 1), predicted(4, 2))
    assert len({float(predicted(seed, 1).sum()) for seed in range(8)}) == 8
    with torch.no_grad():
        assert not torch.equal(predicted(4, 1), model(x))
