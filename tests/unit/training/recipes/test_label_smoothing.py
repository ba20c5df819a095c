"""Label smoothing."""

import math

import pytest
import torch

from lucidna.training.losses import binary_cross_entropy
from lucidna.training.recipes import compose

from .steps import small_network, step_context


@pytest.mark.parametrize(("amount", "low", "high"), [(0.1, 0.05, 0.95), (0.5, 0.25, 0.75)])
def test_the_labels_have_their_values(amount, low, high):
    batch = {"target": torch.tensor([[0.0, 1.0], [1.0, 0.5]])}
    smooth = compose([["label_smoothing", {"amount": amount}]]).augment_batch(batch, step_context(small_network()))
    torch.testing.assert_close(smooth["target"], torch.tensor([[low, high], [high, 0.5]]))
    assert torch.equal(batch["target"], torch.tensor([[0.0, 1.0], [1.0, 0.5]]))


def test_the_best_logit_is_finite():
    """The loss of a positive is smallest where the probability is 1 - amount / 2."""
    batch = {"target": torch.ones(1, 1)}
    smooth = compose([["label_smoothing", {"amount": 0.1}]]).augment_batch(batch, step_context(small_network()))
    logit = torch.tensor([[math.log(0.95 / 0.05)]], requires_grad=True)
    binary_cross_entropy(logit, smooth["target"]).backward()
    assert abs(float(logit.grad)) < 1e-6
