import numpy as np
import pytest

from lucidna.attribution.correction import correct
from lucidna.ranking.bootstrap import bootstrap_means, percentile_interval, resample, weighted_mean
from lucidna.ranking.direction_density import AZIMUTHS, HEIGHTS, PSEUDOCOUNT, cross_fitted_directions
from lucidna.ranking.prepare import unit_norm
from lucidna.ranking.spherical import directions, largest

from .conftest import make_toy


def interval(maps):
    values, weights = cross_fitted_directions(unit_norm(correct(maps)))
    draws = bootstrap_means(values[None], resample(len(values), 300, seed=0), weights[None])
    lo, hi = percentile_interval(draws)
    return float(weighted_mean(values, weights)), float(lo[0]), float(hi[0])


@pytest.mark.parametrize("seed", range(5))
def test_noise_gives_nothing(toy, seed):
    value, lo, _ = interval(np.random.default_rng(seed).standard_normal(toy.truth.shape))
    assert lo <= 0
    assert -0.1 < value < 0.02


def test_a_repeated_motif_stands_far_above_noise(toy):
    clear, faint = (interval(toy.maps([noise])[0]) for noise in (0.1, 0.35))
    assert clear[1] > 1
    assert clear[1] > faint[2] > faint[1] > 0


def test_by_hand(toy):
    """The same from loops over sequences and positions."""
    maps = unit_norm(toy.maps([0.3])[0])
    points, radius = directions(maps, window=3, basis="orthonormal")
    size = HEIGHTS * AZIMUTHS
    entries = []
    for place in largest(radius, 0.1):
        row, column = divmod(int(place), radius.shape[1])
        x, y, z = points[:, row, column] / radius[row, column]
        band = next(band for band in range(HEIGHTS) if x <= -1 + 2 * (band + 1) / HEIGHTS)
        turn = int(np.floor((np.angle(y + 1j * z) + np.pi) / (2 * np.pi) * AZIMUTHS)) % AZIMUTHS
        entries.append((row, band * AZIMUTHS + turn, radius[row, column] ** 2))
    scale = len(entries) / sum(power for *_, power in entries)
    values, weights = cross_fitted_directions(maps)
    for row in range(0, len(maps), 7):
        density = np.full(size, PSEUDOCOUNT)
        for other, place, power in entries:
            density[place] += power * scale * (other % 4 != row % 4)
        density /= density.sum()
        own = [(place, power * scale) for other, place, power in entries if other == row]
        total = sum(power for _, power in own)
        assert weights[row] == pytest.approx(total)
        expected = sum(power * np.log(density[place] * size) for place, power in own) / total if own else 0
        assert values[row] == pytest.approx(expected)


def test_what_it_does_not_see(toy):
    maps = unit_norm(toy.maps([0.3])[0])
    values, weights = cross_fitted_directions(maps)
    scale = np.random.default_rng(0).uniform(0.1, 10, (len(maps), 1, 1))
    for other in (-maps, maps[:, [1, 0, 2, 3]], maps * scale):
        # The sign, two bases exchanged along the axis of the bands, the scale of each sequence.
        found = cross_fitted_directions(other)
        np.testing.assert_allclose(found[0], values, atol=1e-4)
        np.testing.assert_allclose(found[1], weights, rtol=1e-4)
    whole = weighted_mean(values, weights)
    rng = np.random.default_rng(1)
    for turned in (maps[:, ::-1, ::-1], maps[:, [1, 2, 3, 0]], maps[rng.permutation(len(maps))]):
        # Other rotations move directions across the edges of bins, another order of sequences gives other folds.
        assert weighted_mean(*cross_fitted_directions(turned)) == pytest.approx(whole, abs=0.12)


def test_the_same_sequences_in_the_folds_that_train_are_not_enough():
    """Directions that recur within a sequence and nowhere else are not foretold."""
    rng = np.random.default_rng(2)
    own = correct(rng.standard_normal((80, 4, 1)))
    private = own * (rng.random((80, 1, 60)) < 0.1)
    value, lo, _ = interval(private)
    assert lo <= 0.02
    shared, low, _ = interval(np.broadcast_to(own[:1], own.shape) * (rng.random((80, 1, 60)) < 0.1))
    assert low > 2 > value
    assert shared > 2


def test_empty_bins_are_finite_and_flat_maps_score_nothing():
    values, weights = cross_fitted_directions(make_toy(24, 30).maps([0.5])[0])
    assert np.isfinite(values).all()
    assert weights.sum() > 0
    values, weights = cross_fitted_directions(np.zeros((24, 4, 30)))
    assert not values.any()
    assert not weights.any()
