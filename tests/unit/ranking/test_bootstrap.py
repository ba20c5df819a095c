import numpy as np
import pytest

from lucidna.ranking.bootstrap import (
    block_jackknife,
    bootstrap_means,
    paired_interval,
    percentile_interval,
    resample,
    weighted_mean,
)


def test_resample_draws_n_regions_and_follows_its_seed():
    counts = resample(30, 100, seed=0)
    assert counts.shape == (100, 30)
    assert (counts.sum(axis=1) == 30).all()
    np.testing.assert_array_equal(counts, resample(30, 100, seed=0))
    assert not np.array_equal(counts, resample(30, 100, seed=1))


def test_bootstrap_means_are_means_of_the_drawn_regions():
    rng = np.random.default_rng(0)
    values, weights, counts = rng.random((3, 20)), rng.integers(0, 4, (3, 20)), resample(20, 7, seed=3)
    drawn = np.repeat(np.arange(20), counts[4].astype(int))
    np.testing.assert_allclose(bootstrap_means(values, counts)[4], values[:, drawn].mean(axis=1))
    expected = (values * weights)[:, drawn].sum(axis=1) / weights[:, drawn].sum(axis=1)
    np.testing.assert_allclose(bootstrap_means(values, counts, weights)[4], expected)


def test_missing_values_are_left_out():
    values = np.array([[1.0, np.nan, 3], [np.nan] * 3])
    np.testing.assert_allclose(weighted_mean(values), [2, np.nan])
    means = bootstrap_means(values, np.ones((2, 3)))
    np.testing.assert_allclose(means, [[2, np.nan]] * 2)
    lo, hi = percentile_interval(means)
    np.testing.assert_allclose(np.stack([lo, hi]), [[2, np.nan]] * 2)


def test_interval_has_the_width_of_the_standard_error():
    values = np.random.default_rng(0).normal(5, 2, (1, 400))
    lo, hi = percentile_interval(bootstrap_means(values, resample(400, 4000, seed=0)))
    assert lo[0] == pytest.approx(values.mean() - 1.96 * values.std() / 20, abs=0.02)
    assert hi[0] == pytest.approx(values.mean() + 1.96 * values.std() / 20, abs=0.02)


def test_pairing_separates_what_unpaired_intervals_do_not():
    region = np.random.default_rng(0).normal(0, 10, 200)
    values = np.stack([region + 0.2, region])
    draws = bootstrap_means(values, resample(200, 500, seed=0))
    lo, hi = percentile_interval(draws)
    assert lo[0] < hi[1]
    low, high = paired_interval(draws[:, 0], draws[:, 1])
    assert low == pytest.approx(0.2)
    assert high == pytest.approx(0.2)


def test_block_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(0).normal(size=50)
    left_out = (values.sum() - values) / 49
    lo, hi = block_jackknife(values.mean(), left_out)
    assert (hi - lo) / 2 == pytest.approx(1.96 * values.std(ddof=1) / np.sqrt(50), rel=1e-3)
    assert np.isnan(block_jackknife(np.nan, left_out)).all()
