"""Losses against torch's distributions and numbers one can write down."""

import math

import pytest
import torch

from lucidna.errors import UserError
from lucidna.training.losses import (
    auto_count_weight,
    cosine_mse,
    make_loss,
    multinomial_nll,
    poisson_totals,
)

CHANNELS = [[0, 1], [2]]


@pytest.fixture
def profile():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 3, 20, generator=generator)
    counts = torch.poisson(torch.full((4, 3, 20), 2.0), generator=generator)
    return logits, counts


def test_multinomial_is_joint_over_strands(profile):
    logits, counts = profile
    found = multinomial_nll(logits, counts, CHANNELS)
    for row in range(4):
        for task, rows in enumerate(CHANNELS):
            observed = counts[row, rows].flatten()
            law = torch.distributions.Multinomial(
                int(observed.sum()), logits=logits[row, rows].flatten(), validate_args=False
            )
            assert found[row, task].item() == pytest.approx(-law.log_prob(observed).item(), rel=1e-4)


def test_multinomial_of_an_empty_profile_is_zero(profile):
    logits, counts = profile
    assert torch.allclose(multinomial_nll(logits, counts * 0, CHANNELS), torch.zeros(4, 2), atol=1e-6)


def test_profile_loss_weighs_the_counts(profile):
    logits, counts = profile
    target = torch.log1p(torch.stack([counts[:, rows].sum((1, 2)) for rows in CHANNELS], 1))
    batch = {"signal": counts, "target": target}
    base = multinomial_nll(logits, counts, CHANNELS).mean()
    loss = make_loss("multinomial", channels=CHANNELS, count_weight=[3.0, 5.0])
    assert loss((logits, target), batch).item() == pytest.approx(base.item(), rel=1e-6)
    off = target + torch.tensor([1.0, 2.0])
    assert loss((logits, off), batch).item() == pytest.approx(base.item() + (3 * 1 + 5 * 4) / 2, rel=1e-5)


def test_poisson_totals_is_least_at_the_log_count():
    target = torch.tensor([[0.0, 2.5]])
    for shift in (-0.3, 0.3):
        assert (poisson_totals(target + shift, target) > poisson_totals(target, target)).all()


def test_poisson_multinomial_default_weight(profile):
    logits, counts = profile
    target = torch.log1p(torch.stack([counts[:, rows].sum((1, 2)) for rows in CHANNELS], 1))
    batch = {"signal": counts, "target": target}
    prediction = target + 0.5
    loss = make_loss("poisson_multinomial", channels=CHANNELS)
    expected = multinomial_nll(logits, counts, CHANNELS) + 0.2 * poisson_totals(prediction, target)
    assert loss((logits, prediction), batch).item() == pytest.approx(expected.mean().item(), rel=1e-6)


def test_bce_and_mse():
    logits, labels = torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [0.0]])
    found = make_loss("bce", channels=[[0]])(logits, {"target": labels})
    assert found.item() == pytest.approx((math.log(2) + math.log1p(math.exp(2))) / 2, rel=1e-6)
    found = make_loss("mse", channels=[[0]])(logits, {"target": labels})
    assert found.item() == pytest.approx((1 + 4) / 2)


def test_cosine_mse():
    target = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    assert cosine_mse(target, target).item() == pytest.approx(0, abs=1e-6)
    # Orthogonal rows: distance 1, weight min(1, mse / 1) = 1.
    flipped = target.flip(1)
    assert cosine_mse(flipped, target).item() == pytest.approx(2.5 + 1.0)
    with pytest.raises(UserError, match="use mse"):
        make_loss("cosine_mse", channels=[[0]])


def test_auto_count_weight_is_a_tenth_of_the_median_from_one():
    totals = torch.tensor([[50.0, 2.0], [100.0, 4.0], [900.0, 6.0]])
    assert auto_count_weight(torch.log1p(totals)) == pytest.approx([10.0, 1.0], rel=1e-5)
    assert auto_count_weight(torch.empty(0, 2)) == [1.0, 1.0]
