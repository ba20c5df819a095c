import numpy as np
import pytest
import torch

from lucidna.attribution.output import ScalarOutput
from lucidna.attribution.surrogate import fit_additive, mutant_library, surrogate


class Saturated(torch.nn.Module):
    """A steep sigmoid of a linear network: additive only behind a nonlinearity."""

    def __init__(self, linear):
        super().__init__()
        self.linear = linear

    def forward(self, x):
        return 3 * torch.tanh(0.4 * self.linear(x))


def centred(net):
    w = net.weights[0].detach().numpy()
    return w - w.mean(axis=0)


def test_linear_network_gives_its_weights(toys, onehot):
    net = toys.LinearNet(40)
    found = surrogate(net, onehot[:3], mutants=2000, rate=0.2)
    known = onehot[:3].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.maps, centred(net) * known, atol=0.05)
    assert found.explained.min() > 0.999


def test_nonlinearity_is_taken_out(toys, onehot):
    linear = toys.LinearNet(40)
    found = surrogate(Saturated(linear), onehot[:2], mutants=3000, rate=0.2)
    for maps in found.maps[:2]:
        assert np.corrcoef(maps.ravel(), centred(linear).ravel())[0, 1] > 0.99
    assert found.explained.min() > 0.97


def test_library_starts_with_the_sequence_and_mutates_known_bases(codes):
    library = mutant_library(codes[2], 3000, rate=0.1, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(library[0], codes[2])
    assert (library[:, 5:8] == 4).all()
    changed = (library[1:] != codes[2])[:, codes[2] < 4]
    assert changed.mean() == pytest.approx(0.1, abs=0.005)
    assert library[:, codes[2] < 4].max() == 3


def test_constant_network_has_no_effects_and_no_share(onehot):
    class Constant(torch.nn.Module):
        def forward(self, x):
            return torch.full((len(x), 1), 7.0)

    found = surrogate(Constant(), onehot[:1], mutants=200)
    assert np.abs(found.maps).max() == 0
    assert np.isnan(found.explained).all()


def test_noise_is_not_explained():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 4, 30).astype(np.uint8)
    library = mutant_library(codes, 1000, rate=0.1, rng=rng)
    _, explained = fit_additive(library, codes, rng.standard_normal(1000))
    assert explained < 0.1


def test_sequence_alone_fixes_its_library(toys, onehot):
    net = ScalarOutput(toys.ProfileNet(), head="profile")
    whole = surrogate(net, onehot[:4], mutants=300, seed=5)
    part = surrogate(net, onehot[[3]], mutants=300, seed=5, batch_size=7)
    np.testing.assert_allclose(part.maps[0], whole.maps[3], rtol=1e-3, atol=1e-4)
    assert np.abs(surrogate(net, onehot[[3]], mutants=300, seed=6).maps - part.maps).max() > 1e-4
