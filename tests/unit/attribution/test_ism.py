import numpy as np
import pytest
import torch

import lucidna.attribution.ism as ism_module
from lucidna.attribution.ism import ism
from lucidna.attribution.output import ScalarOutput


def brute_force(net, onehot):
    """f(mutant) - f(x) by one forward pass per mutant, minus the mean over bases; N positions zero."""
    maps = np.zeros_like(onehot)
    x = torch.from_numpy(onehot)
    with torch.no_grad():
        for row in range(len(x)):
            frozen = net.frozen(x[row : row + 1])
            before = net(x[row : row + 1], *frozen).item()
            for position in np.flatnonzero(onehot[row].sum(axis=0)):
                for base in range(4):
                    mutant = x[row : row + 1].clone()
                    mutant[0, :, position] = 0
                    mutant[0, base, position] = 1
                    maps[row, base, position] = net(mutant, *frozen).item() - before
                maps[row, :, position] -= maps[row, :, position].mean()
    return maps


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("head", ["logit", "profile"])
def test_equals_brute_force(toys, onehot, head, fast, monkeypatch):
    monkeypatch.setattr(ism_module, "FAST_FROM", 0)
    net = ScalarOutput(toys.ProfileNet() if head == "profile" else toys.ToyCNN(40), head=head).eval()
    maps = ism(net, onehot[:4], fast=fast, batch_size=16)
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps, brute_force(net, onehot[:4]), atol=2e-6)
    assert np.abs(maps).max() > 0.01


def test_linear_network_by_hand(toys, onehot):
    net = toys.LinearNet(40)
    weights = net.weights[0].detach().numpy()
    expected = (weights - weights.mean(axis=0))[None] * onehot.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(ism(ScalarOutput(net, head="logit"), onehot), expected, atol=1e-5)


def test_same_maps_in_any_batches(toys, onehot):
    net = ScalarOutput(toys.ToyCNN(40), head="logit")
    whole = ism(net, onehot)
    np.testing.assert_array_equal(ism(net, onehot), whole)
    np.testing.assert_allclose(ism(net, onehot, batch_size=7), whole, atol=2e-6)


def test_progress_never_decreases_and_ends_at_all(toys, onehot):
    seen = []
    ism(
        ScalarOutput(toys.LinearNet(40), head="logit"),
        onehot,
        progress=seen.append,
        batch_size=50,
        fast=False,
    )
    assert seen == sorted(seen)
    assert seen[-1] == 9
