"""Mixup of the input."""

import numpy as np
import pytest
import torch

from lucidna.sequence import one_hot
from lucidna.training.recipes import compose
from lucidna.training.recipes.mixup import Mixup, mixed_batch, mixed_rows

from .steps import small_batch, small_loss, small_network, step_context


def network_of(target):
    return small_network("bpnet" if target == "profile" else "cnn_deep", target=target, dropout=0.0)


def term_of(model, batch, target, monkeypatch, share, order, name="mixup"):
    monkeypatch.setattr(Mixup, "draw", lambda *_: (share, order))
    x = one_hot(batch["codes"])
    (term,) = compose([[name, {}]]).loss_terms(x, model(x), batch, step_context(model, target=target))
    return term.detach()


@pytest.mark.parametrize("target", ["binary", "counts", "profile"])
def test_a_share_of_one_is_the_plain_loss(monkeypatch, target):
    model, batch = network_of(target), small_batch(target=target)
    order = torch.randperm(24, generator=torch.Generator().manual_seed(0))
    plain = small_loss(target)(model(one_hot(batch["codes"])), batch).detach()
    assert torch.equal(term_of(model, batch, target, monkeypatch, 1.0, order), plain)
    # At zero it is the loss of the permuted batch, which has the same mean.
    torch.testing.assert_close(term_of(model, batch, target, monkeypatch, 0.0, order), plain)
    assert not torch.allclose(term_of(model, batch, target, monkeypatch, 0.6, order), plain, rtol=1e-3)


@pytest.mark.parametrize("target", ["binary", "counts", "profile"])
def test_input_and_targets_are_mixed_alike(monkeypatch, target):
    model, batch = network_of(target), small_batch(target=target)
    order = torch.arange(24).roll(5)
    x = one_hot(batch["codes"])
    mixed = {**batch, "target": 0.3 * batch["target"] + 0.7 * batch["target"].roll(5, 0)}
    if target == "profile":
        mixed["signal"] = 0.3 * batch["signal"] + 0.7 * batch["signal"].roll(5, 0)
    expected = small_loss(target)(model(0.3 * x + 0.7 * x.roll(5, 0)), mixed).detach()
    torch.testing.assert_close(term_of(model, batch, target, monkeypatch, 0.3, order), expected)


def test_controls_are_mixed_and_the_rest_is_not():
    batch = {**small_batch(target="profile"), "control": torch.rand(24, 2, 64)}
    mixed = mixed_batch(batch, 0.25, torch.arange(24).flip(0))
    for key in ("target", "signal", "control"):
        torch.testing.assert_close(mixed[key], 0.25 * batch[key] + 0.75 * batch[key].flip(0))
    assert torch.equal(mixed["codes"], batch["codes"])


def test_copies_of_a_batch_are_mixed_within_themselves():
    rows = torch.rand(6, 4)
    order = torch.tensor([2, 0, 1])
    expected = torch.cat([mixed_rows(rows[:3], 0.2, order), mixed_rows(rows[3:], 0.2, order)])
    assert torch.equal(mixed_rows(rows, 0.2, order), expected)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_the_share_has_its_distribution(alpha):
    """Mean 1/2 and variance 1 / (4 (2 alpha + 1))."""
    part = compose([["mixup", {"alpha": alpha}]]).components[0]
    context = step_context(small_network())
    drawn = [part.draw(8, context) for _ in range(2000)]
    shares = np.array([share for share, _ in drawn])
    variance = 1 / (4 * (2 * alpha + 1))
    assert abs(shares.mean() - 0.5) < 4 * (variance / 2000) ** 0.5
    assert shares.var() == pytest.approx(variance, rel=0.15)
    assert all(sorted(order.tolist()) == list(range(8)) for _, order in drawn[:20])
    assert len({tuple(order.tolist()) for _, order in drawn}) > 1500


def test_the_generator_of_the_step_alone_decides():
    part = compose([["mixup", {}]]).components[0]
    model = small_network()
    torch.manual_seed(1)
    first = part.draw(9, step_context(model, seed=4))
    torch.manual_seed(2)
    second, third = part.draw(9, step_context(model, seed=4)), part.draw(9, step_context(model, seed=5))
    assert first[0] == second[0]
    assert torch.equal(first[1], second[1])
    assert first[0] != third[0]


def test_burn_in():
    stages = compose([["mixup", {"burn_in": 2}]]).stages(max_epochs=6, min_epochs=4, learning_rate=0.1)
    assert [(s.name, s.max_epochs, s.min_epochs, set(s.inactive)) for s in stages] == [
        ("before_mixup", 2, 2, {"mixup"}),
        ("train", 4, 2, set()),
    ]
    assert len(compose([["mixup", {"burn_in": 0}]]).stages(max_epochs=1, min_epochs=1, learning_rate=0.1)) == 1
