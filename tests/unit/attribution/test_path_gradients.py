import numpy as np
import pytest
import torch

from lucidna.attribution.expected_gradients import expected_gradients
from lucidna.attribution.integrated_gradients import integrated_gradients
from lucidna.attribution.nulls import shuffled_references
from lucidna.attribution.output import ScalarOutput
from lucidna.attribution.saliency import saliency

METHODS = {"integrated": integrated_gradients, "expected": expected_gradients}


class Square(torch.nn.Module):
    """(sum of w * x) ** 2: the gradient along a path is linear, so that midpoints are exact."""

    def __init__(self, length):
        super().__init__()
        self.w = torch.nn.Parameter(torch.linspace(-1, 1, 4 * length).reshape(4, length))

    def forward(self, x):
        return (x * self.w).sum(dim=(1, 2))[:, None] ** 2


def test_integrated_gradients_of_a_square_by_hand(onehot):
    net = Square(40)
    found = integrated_gradients(net, onehot, steps=3)
    w = net.w.detach().numpy()
    at = (onehot * w).sum(axis=(1, 2))
    known = onehot.sum(axis=1, keepdims=True)
    start = (0.25 * known * w).sum(axis=(1, 2))
    mean_gradient = (at + start)[:, None, None] * w
    expected = mean_gradient - 0.25 * known * mean_gradient.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.maps, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.difference, np.abs(at**2 - start**2), rtol=1e-4)
    assert found.delta.max() < 1e-3 * found.difference.max()


def test_expected_gradients_of_a_linear_network_are_its_weights_less_the_references(toys, onehot):
    net = toys.LinearNet(40)
    found = expected_gradients(net, onehot, samples=6, seed=3)
    references = shuffled_references(onehot, n_shuffles=6, seed=3).mean(axis=1)
    w = net.weights[0].detach().numpy()
    np.testing.assert_allclose(found.maps, w - (references * w).sum(axis=1, keepdims=True), atol=1e-5)
    assert found.delta.max() < 1e-4


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("head", ["logit", "profile"])
def test_contributions_add_up_with_enough_steps(toys, onehot, name, head):
    net = ScalarOutput(toys.ProfileNet() if head == "profile" else toys.ToyCNN(40), head=head)
    few, many = (METHODS[name](net, onehot, **{"steps" if name == "integrated" else "samples": n}) for n in (4, 400))
    assert np.median(many.delta) < 0.25 * np.median(few.delta)
    if name == "integrated":
        assert np.median(many.delta / many.difference) < 0.01


@pytest.mark.parametrize("name", METHODS)
def test_batches_do_not_matter_and_n_contributes_nothing(toys, onehot, name):
    net = ScalarOutput(toys.ToyCNN(40), head="logit")
    seen = []
    one = METHODS[name](net, onehot, batch_size=1, progress=seen.append)
    all_at_once = METHODS[name](net, onehot, batch_size=64)
    assert seen == list(range(1, 10))
    np.testing.assert_allclose(one.maps, all_at_once.maps, atol=1e-6)
    np.testing.assert_allclose(one.delta, all_at_once.delta, atol=1e-5)
    assert np.abs((one.maps * onehot).sum(axis=1)[2, 5:8]).max() == 0


def test_seed_changes_the_references_alone(toys, onehot):
    net = ScalarOutput(toys.ToyCNN(40), head="logit")
    first, again, other = (expected_gradients(net, onehot, samples=5, seed=seed).maps for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-4


def test_a_saturated_unit_has_integrated_gradients_where_saliency_is_zero():
    class Saturated(torch.nn.Module):
        def forward(self, x):
            return torch.clamp(x[:, 0, 0:1], max=0.5)

    x = np.zeros((1, 4, 1), dtype=np.float32)
    x[:, 0] = 1
    assert np.abs(saliency(Saturated(), x)).max() == 0
    # From 0.25 to the clamp at 0.5.
    found = integrated_gradients(Saturated(), x, steps=60)
    assert (found.maps * x).sum() == pytest.approx(0.25, abs=0.01)
