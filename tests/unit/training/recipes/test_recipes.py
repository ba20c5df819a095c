"""Composition of components, and the standard and exponential ones."""

import torch

from lucidna.models import build
from lucidna.sequence import reverse_complement
from lucidna.training.recipes import compose
from lucidna.training.recipes.base import Component, Stage, StepContext, reverse_complement_batch
from lucidna.training.recipes.recipe import Recipe


def context(seed=0):
    return StepContext(
        model=torch.nn.Identity(),
        loss=lambda prediction, batch: torch.zeros(()),
        generator=torch.Generator().manual_seed(seed),
        epoch=0,
        step=0,
        signal_order=torch.tensor([1, 0, 2]),
        control_order=torch.tensor([0, 2, 1]),
    )


def random_batch(n=200):
    generator = torch.Generator().manual_seed(0)
    return {
        "codes": torch.randint(0, 5, (n, 31), dtype=torch.uint8, generator=generator),
        "target": torch.rand(n, 2, generator=generator),
        "signal": torch.rand(n, 3, 21, generator=generator),
        "control": torch.rand(n, 3, 21, generator=generator),
    }


def test_reverse_complement_exchanges_the_strands_of_the_signal():
    batch = random_batch(4)
    mask = torch.tensor([True, False, True, False])
    turned = reverse_complement_batch(batch, mask, context())
    for row in range(4):
        if not mask[row]:
            assert all(torch.equal(turned[key][row], batch[key][row]) for key in batch)
            continue
        assert torch.equal(turned["codes"][row], reverse_complement(batch["codes"][row]))
        for strand, other in enumerate([1, 0, 2]):
            assert torch.equal(turned["signal"][row, strand], batch["signal"][row, other].flip(-1))
        for strand, other in enumerate([0, 2, 1]):
            assert torch.equal(turned["control"][row, strand], batch["control"][row, other].flip(-1))
    assert torch.equal(turned["target"], batch["target"])
    back = reverse_complement_batch(turned, mask, context())
    assert all(torch.equal(back[key], batch[key]) for key in batch)


def test_standard_turns_half_of_the_rows():
    batch = random_batch()
    out = compose([["standard", {}]]).augment_batch(batch, context())
    turned = (out["codes"] != batch["codes"]).any(dim=1)
    assert 70 < turned.sum() < 130
    assert torch.equal(turned, (out["signal"] != batch["signal"]).any(dim=(1, 2)))
    off = compose([["standard", {"reverse_complement": False}]])
    assert torch.equal(off.augment_batch(batch, context())["codes"], batch["codes"])


def test_standard_arguments():
    recipe = compose([["standard", {"dropout": 0.3, "weight_decay": 0.1, "jitter": False}]])
    assert recipe.model_arguments({"dropout": None, "dense": [8]}) == {"dropout": 0.3, "dense": [8]}
    assert recipe.optimizer_arguments() == {"weight_decay": 0.1}
    assert not recipe.jitter()
    recipe = compose([["standard", {}]])
    assert recipe.model_arguments({"dropout": 0.2}) == {"dropout": 0.2}
    assert recipe.jitter()
    assert compose([]).stages(max_epochs=3, min_epochs=1, learning_rate=0.1) == [Stage("train", 3, 1, 0.1)]


def test_exponential_replaces_the_first_activation():
    recipe = compose([["standard", {}], ["exponential", {}]])
    arguments = recipe.model_arguments({"first_activation": "relu"})
    assert arguments == {"first_activation": "exponential"}
    build(
        "cnn_deep",
        input_length=100,
        output_length=100,
        target="counts",
        n_tasks=1,
        channels=[[0]],
        n_controls=0,
        **arguments,
    )


def test_a_new_component_needs_only_its_hooks():
    """What a component of its own can do: mix inputs and labels, add a loss term, wrap, watch, rest."""

    class Mix(Component):
        name = "mix"

        def augment_onehot(self, x, batch, context):
            return (x + x.flip(0)) / 2, {**batch, "target": (batch["target"] + batch["target"].flip(0)) / 2}

        def loss_terms(self, x, prediction, batch, context):
            return prediction.square().mean()

        def stages(self, stages):
            return [*stages, Stage("calm", 1, 1, 0.1, frozenset({self.name}))]

    recipe = Recipe([Mix()])
    x, batch = torch.rand(4, 4, 10), {"target": torch.rand(4, 1)}
    mixed, changed = recipe.augment_onehot(x, batch, context())
    assert torch.allclose(mixed, mixed.flip(0))
    assert torch.allclose(changed["target"], changed["target"].flip(0))
    assert len(recipe.loss_terms(x, torch.ones(4, 1), batch, context())) == 1
    calm = recipe.stages(max_epochs=2, min_epochs=1, learning_rate=1)[-1]
    assert recipe.active(calm).components == []
    optimizer = object()
    assert recipe.wrap_optimizer(optimizer) is optimizer
    assert recipe.callbacks(calm) == []
