import numpy as np
import pytest

from lucidna.ranking.isolation import isolation


def marked(values, *places):
    motif = np.zeros(values.shape, dtype=bool)
    motif[:, list(places)] = True
    return motif


def test_share_by_which_the_largest_background_value_exceeds_its_neighbours():
    values = np.zeros((1, 20))
    values[0, 4:7] = [-1.0, 3.0, 0.5]
    values[0, 14] = 9.0
    # The spike at 14 lies on a motif, or next to one, and is not looked at.
    for place in (13, 14, 15):
        np.testing.assert_allclose(isolation(values, marked(values, place), share=0.05), (2 / 3) ** 2)
    np.testing.assert_allclose(isolation(values, marked(values, 0), share=0.05), 1.0)
    # Of two positions the larger counts more: (4 + 81) / (9 + 81).
    np.testing.assert_allclose(isolation(values, marked(values, 0), share=0.1), 85 / 90)


def test_what_has_equal_neighbours_is_not_isolated():
    values = np.zeros((2, 30))
    values[:, 5:9], values[:, 20] = 2.0, -7.0
    np.testing.assert_array_equal(isolation(values, marked(values, 28)), 0)
    assert np.isnan(isolation(-np.abs(values), marked(values, 28))).all()
    assert np.isnan(isolation(np.ones((3, 2)), np.zeros((3, 2), dtype=bool))).all()


def test_scale_and_strand_do_not_matter():
    rng = np.random.default_rng(0)
    values, motif = rng.standard_normal((50, 80)), rng.random((50, 80)) < 0.2
    found = isolation(values, motif)
    np.testing.assert_allclose(isolation(1e6 * values, motif), found)
    np.testing.assert_allclose(isolation(values[:, ::-1], motif[:, ::-1]), found)


def test_independent_noise_lies_between_spikes_and_smooth_maps():
    rng = np.random.default_rng(1)
    noise, motif = rng.standard_normal((400, 120)), np.arange(120) < 24
    motif = np.broadcast_to(motif, noise.shape)
    spiked = noise + 8 * (rng.random(noise.shape) < 0.03)
    smooth = noise[:, :-2] + noise[:, 1:-1] + noise[:, 2:]
    plain = isolation(noise, motif).mean()
    assert plain == pytest.approx(0.31, abs=0.02)
    assert isolation(spiked, motif).mean() > plain + 0.3
    assert isolation(smooth, motif[:, 1:-1]).mean() < plain - 0.15
