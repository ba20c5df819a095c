import numpy as np
import pytest
import torch

from lucidna.attribution.output import ScalarOutput
from lucidna.attribution.saliency import saliency


def test_gradient_of_a_linear_network_is_its_weights(toys, onehot):
    net = toys.LinearNet(40, n_tasks=2)
    maps = saliency(ScalarOutput(net, head="logit", task=1), onehot, batch_size=4)
    assert maps.dtype == np.float32
    expected = np.broadcast_to(net.weights[1].detach().numpy(), maps.shape)
    np.testing.assert_allclose(maps, expected, rtol=1e-6)


def test_batches_do_not_matter_and_progress_is_told(toys, onehot):
    net = ScalarOutput(toys.ToyCNN(40), head="logit")
    seen = []
    one_by_one = saliency(net, onehot, batch_size=1, progress=seen.append)
    assert seen == list(range(1, 10))
    np.testing.assert_allclose(one_by_one, saliency(net, torch.from_numpy(onehot), batch_size=9), atol=1e-6)


def test_gradient_is_the_finite_difference(toys, onehot):
    net = ScalarOutput(toys.ToyCNN(40, activation=torch.nn.Softplus).double(), head="logit").eval()
    gradient = saliency(net.float(), onehot[:1])
    net = net.double()
    x = torch.from_numpy(onehot[:1]).double()
    step = torch.zeros_like(x)
    step[0, 2, 11] = 1e-6
    with torch.no_grad():
        slope = ((net(x + step) - net(x - step)) / 2e-6).item()
    assert gradient[0, 2, 11] == pytest.approx(slope, rel=1e-3)


def test_dropout_is_off_and_the_sequences_are_left_alone(toys, onehot):
    net = torch.nn.Sequential(torch.nn.Dropout(0.9), toys.LinearNet(40)).train()
    before = onehot.copy()
    maps = saliency(net, onehot)
    np.testing.assert_array_equal(maps, saliency(net, onehot))
    np.testing.assert_array_equal(onehot, before)
