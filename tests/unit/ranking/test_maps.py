import numpy as np
import pytest
import torch
from torch import nn

from lucidna.errors import UserError
from lucidna.ranking.maps import choose_regions, validation_maps
from lucidna.ranking.prepare import codes_of


class Linear(nn.Module):
    """A network whose gradient is its weights: (N, 4, L) -> (N, 2)."""

    def __init__(self, length):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weights = nn.Parameter(torch.randn(2, 4, length, generator=generator))

    def forward(self, x, control=None):
        return torch.einsum("nal,tal->nt", x, self.weights)


def test_maps_of_a_linear_network_are_its_corrected_weights(toy):
    model, codes = Linear(80), codes_of(toy.onehot)
    maps = validation_maps(model, codes, head="counts", tasks=[1], batch_size=7)
    expected = model.weights[1].detach().numpy()
    expected = expected - expected.mean(axis=0)
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps, np.broadcast_to(expected, maps.shape), atol=1e-5)


def test_a_strong_task_does_not_drown_the_others(toy):
    model, codes = Linear(80), codes_of(toy.onehot)
    both = validation_maps(model, codes, head="counts", tasks=[0, 1])
    with torch.no_grad():
        model.weights[0] *= 1000
    np.testing.assert_allclose(validation_maps(model, codes, head="counts", tasks=[0, 1]), both, atol=1e-5)
    single = validation_maps(model, codes, head="counts", tasks=[1])
    assert np.corrcoef(both.ravel(), single.ravel())[0, 1] > 0.5


class Peaks:
    def __init__(self, n):
        self.n = n

    def rows_of(self, split, role):
        assert (split, role) == ("valid", "peak")
        return np.arange(100, 100 + 2 * self.n, 2)


def test_regions_are_drawn_once_and_sorted(caplog):
    rows = choose_regions(Peaks(300), n=100, seed=0)
    assert len(np.unique(rows)) == 100
    assert (np.diff(rows) > 0).all()
    assert set(rows) <= set(Peaks(300).rows_of("valid", "peak"))
    np.testing.assert_array_equal(rows, choose_regions(Peaks(300), n=100, seed=0))
    assert not np.array_equal(rows, choose_regions(Peaks(300), n=100, seed=1))
    assert len(choose_regions(Peaks(300), n=500)) == 300
    assert not caplog.records
    choose_regions(Peaks(30), n=500)
    assert "30 validation peaks" in caplog.text


def test_too_few_regions_are_refused():
    with pytest.raises(UserError, match="19 validation peaks: the ranking needs at least 20"):
        choose_regions(Peaks(19))
