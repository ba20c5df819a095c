"""Gaussian noise on the input."""

import pytest
import torch

from lucidna.sequence import one_hot
from lucidna.training.recipes import compose

from .steps import small_batch, small_network, step_context


@pytest.mark.parametrize("std", [0.1, 0.4])
def test_the_noise_has_its_mean_and_spread(std):
    batch = small_batch(200)
    x = one_hot(batch["codes"])
    noisy, same = compose([["input_noise", {"std": std}]]).augment_onehot(x, batch, step_context(small_network()))
    noise = (noisy - x).movedim(1, 2)[batch["codes"] < 4]
    assert noise.std() == pytest.approx(std, rel=0.02)
    assert abs(noise.mean()) < 0.02 * std
    assert noise.flatten().square().mean() > 0
    assert (noise.abs() > 2 * std).float().mean() == pytest.approx(0.0455, abs=0.004)
    assert same is batch


def test_unknown_bases_stay_zero():
    batch = small_batch()
    noisy, _ = compose([["input_noise", {}]]).augment_onehot(
        one_hot(batch["codes"]), batch, step_context(small_network())
    )
    unknown = batch["codes"] == 4
    assert unknown.any()
    assert (noisy.movedim(1, 2)[unknown] == 0).all()
    assert (noisy.movedim(1, 2)[~unknown] != 0).all()


def test_the_generator_of_the_step_alone_decides():
    batch, model = small_batch(), small_network()
    x, recipe = one_hot(batch["codes"]), compose([["input_noise", {}]])
    torch.manual_seed(1)
    first = recipe.augment_onehot(x, batch, step_context(model, seed=4))[0]
    torch.manual_seed(2)
    assert torch.equal(first, recipe.augment_onehot(x, batch, step_context(model, seed=4))[0])
    assert not torch.equal(first, recipe.augment_onehot(x, batch, step_context(model, seed=5))[0])
