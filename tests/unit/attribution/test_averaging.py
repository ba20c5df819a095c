import numpy as np
import pytest
import torch

from lucidna.attribution.averaging import averaged, averaging
from lucidna.attribution.methods import explain, method_arguments
from lucidna.attribution.output import ScalarOutput
from lucidna.attribution.saliency import saliency
from lucidna.errors import UserError


def maps_of(net):
    return lambda x: saliency(net, x)


def test_maps_that_are_the_sequence_come_back_as_they_were(onehot):
    x = torch.from_numpy(onehot)
    np.testing.assert_allclose(averaged(lambda view: view.numpy(), x, reverse_complement=True, shift=3), onehot)


def test_mean_of_both_strands_by_hand(toys, onehot):
    net = ScalarOutput(toys.ToyCNN(40), head="logit")
    forward = saliency(net, onehot)
    backward = saliency(net, onehot[:, ::-1, ::-1].copy())[:, ::-1, ::-1]
    found = averaged(maps_of(net), torch.from_numpy(onehot), reverse_complement=True)
    np.testing.assert_allclose(found, (forward + backward) / 2, atol=1e-6)
    assert np.abs(found - forward).max() > 1e-3


def test_shifted_maps_by_hand(toys, onehot):
    net = toys.LinearNet(40)
    w = net.weights[0].detach().numpy()
    found = averaged(maps_of(net), torch.from_numpy(onehot), shift=1)
    np.testing.assert_allclose(found[0, :, 1:-1], (w[:, :-2] + w[:, 1:-1] + w[:, 2:]) / 3, atol=1e-6)
    # The first base leaves the window when the sequence moves to the left.
    np.testing.assert_allclose(found[0, :, 0], (w[:, 0] + w[:, 1]) / 2, atol=1e-6)
    np.testing.assert_allclose(found[0, :, -1], (w[:, -1] + w[:, -2]) / 2, atol=1e-6)


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("saliency", {}),
        ("smoothgrad", {"samples": 4}),
        ("integrated_gradients", {"steps": 4}),
        ("expected_gradients", {"samples": 4}),
        ("deepshap", {"shuffles": 2}),
        ("ism", {}),
        ("surrogate", {"mutants": 300}),
    ],
)
def test_every_method_averages_to_a_map_that_both_strands_share(toys, onehot, method, given):
    net = ScalarOutput(toys.ToyCNN(40), head="logit")
    x = torch.from_numpy(onehot[:3] if method == "surrogate" else onehot)
    running = {
        "arguments": method_arguments(method, given),
        "label": "net",
        "seed": 0,
        "batch_size": 64,
        "device": "cpu",
        "average": {"reverse_complement": True, "shift": 0},
    }
    found = explain(method, net, x, **running)
    turned = explain(method, net, x.flip(1, 2), **running)
    np.testing.assert_allclose(turned.maps[:, ::-1, ::-1], found.maps, atol=1e-5)
    assert np.abs(found.maps).max() > 1e-3
    assert np.abs(found.maps[2, :, 5:8]).max() == 0


def test_long_shift_is_refused():
    with pytest.raises(UserError, match=r"average\.shift is 20"):
        averaging({"shift": 20}, length=40)
    assert averaging(None, length=40) == {"reverse_complement": False, "shift": 0}
