import numpy as np
import torch

from lucidna.attribution.output import ScalarOutput
from lucidna.attribution.saliency import saliency
from lucidna.attribution.smoothgrad import smoothgrad


def test_gradient_of_a_linear_network_is_its_weights(toys, onehot):
    net = toys.LinearNet(40)
    maps = smoothgrad(net, onehot, samples=3)
    np.testing.assert_allclose(maps, np.broadcast_to(net.weights[0].detach().numpy(), maps.shape), rtol=1e-5)


def test_without_noise_it_is_saliency_and_with_noise_not(toys, onehot):
    net = ScalarOutput(toys.ToyCNN(40), head="logit")
    plain = saliency(net, onehot)
    np.testing.assert_allclose(smoothgrad(net, onehot, samples=2, std=0), plain, atol=1e-6)
    assert np.abs(smoothgrad(net, onehot, samples=5, std=0.3) - plain).max() > 1e-3


def test_noise_follows_from_the_sequence_and_the_seed(toys, onehot):
    net = ScalarOutput(toys.ToyCNN(40), head="logit")
    whole = smoothgrad(net, onehot, samples=5, seed=2)
    np.testing.assert_allclose(
        smoothgrad(net, onehot[[6, 1]], samples=5, seed=2, batch_size=2), whole[[6, 1]], atol=1e-6
    )
    assert np.abs(smoothgrad(net, onehot, samples=5, seed=0) - whole).max() > 1e-4


def test_mean_over_the_noise_of_a_square_is_its_gradient(onehot):
    class Square(torch.nn.Module):
        def forward(self, x):
            return (x[:, 0].sum(dim=1, keepdim=True)) ** 2

    maps = smoothgrad(Square(), onehot[:1], samples=4000, std=0.1)
    assert abs(maps[0, 0].mean() - 2 * onehot[0, 0].sum()) < 0.1
    assert np.abs(maps[0, 1:]).max() == 0
