import numpy as np

from lucidna.ranking.probes.insertion import SHARES, curves
from lucidna.ranking.probes.mutagenesis import draw_positions, ism_agreement, substitution_effects
from lucidna.ranking.probes.randomisation import randomised_similarity
from lucidna.sequence import one_hot_numpy

from .conftest import MOTIF, constant, unrelated


def test_a_network_of_one_motif_has_a_perfect_insertion_curve(planted):
    maps = planted.explain(planted.onehot)
    found = curves(planted.predict, planted.onehot, maps, shuffles=3)
    assert found.insertion.shape == (24, len(SHARES))
    np.testing.assert_allclose(found.insertion, 1, atol=1e-6)
    np.testing.assert_allclose(found.deletion, 1, atol=0.2)
    np.testing.assert_allclose(found.full, planted.predict(planted.onehot), atol=0.5)
    insertion, deletion = found.areas()
    assert insertion.shape == deletion.shape == (24,)


def test_maps_that_miss_the_motif_insert_nothing(planted):
    good = curves(planted.predict, planted.onehot, planted.explain(planted.onehot)).areas()[0]
    for maps in (unrelated(planted.onehot), constant(planted.onehot), -planted.explain(planted.onehot)):
        assert curves(planted.predict, planted.onehot, maps).areas()[0].mean() < 0.3 < good.mean()


def test_insertion_grows_with_the_motif_that_is_kept(planted):
    maps = planted.explain(planted.onehot)
    found = curves(planted.predict, planted.onehot, maps, shares=(0.0125, 0.0375, 0.05))
    few, more, whole = found.insertion.mean(axis=0)
    assert few < 0.3
    assert few < more < whole
    assert whole > 0.999
    assert len(MOTIF) == round(0.05 * 160)


def test_regions_with_nothing_to_recover_do_not_count(planted):
    found = curves(lambda onehot: np.full(len(onehot), 3.0), planted.onehot, planted.explain(planted.onehot))
    assert np.isnan(found.insertion).all()
    assert (found.full == 0).all()
    worse = curves(lambda onehot: -planted.predict(onehot), planted.onehot, planted.explain(planted.onehot))
    assert np.isnan(worse.insertion).all()


def linear(weights):
    return lambda onehot, regions=None: np.einsum("nal,al->n", onehot, weights)


def test_mutagenesis_of_a_linear_network_is_exact(planted):
    weights = np.random.default_rng(0).standard_normal((4, 160))
    positions = draw_positions(24, 160, per_region=30, seed=0)
    effects = substitution_effects(linear(weights), planted.onehot, positions)
    for row in (0, 11, 23):
        at = positions[row]
        expected = weights[:, at] - weights[planted.codes[row, at], at]
        np.testing.assert_allclose(effects[row], expected, atol=1e-5)
    maps = np.repeat((weights - weights.mean(axis=0))[None], 24, axis=0)
    np.testing.assert_allclose(ism_agreement(linear(weights), planted.onehot, maps, positions), 1, atol=1e-9)
    np.testing.assert_allclose(ism_agreement(linear(weights), planted.onehot, -maps, positions), -1, atol=1e-9)
    assert abs(ism_agreement(linear(weights), planted.onehot, unrelated(planted.onehot), positions).mean()) < 0.15


def test_mutagenesis_compares_each_mutant_with_its_own_region(planted):
    seen = []

    def predict(onehot, regions):
        seen.append(regions)
        return np.asarray(regions, dtype=float) * 100

    positions = draw_positions(3, 160, per_region=4, seed=0)
    assert (substitution_effects(predict, planted.onehot[:3], positions) == 0).all()
    assert [len(regions) for regions in seen] == [3, 12, 12, 12]


def test_n_has_no_effect_and_is_left_out(planted):
    codes = planted.codes.copy()
    codes[:, 20:60] = 4
    onehot = one_hot_numpy(codes)
    weights = np.random.default_rng(0).standard_normal((4, 160))
    positions = draw_positions(24, 160, per_region=160, seed=0)
    effects = substitution_effects(linear(weights), onehot, positions)
    assert (effects[:, :, 20:60] == 0).all()
    maps = np.repeat((weights - weights.mean(axis=0))[None], 24, axis=0)
    np.testing.assert_allclose(ism_agreement(linear(weights), onehot, maps, positions), 1, atol=1e-9)


def test_positions_are_drawn_around_the_centre():
    positions = draw_positions(5, 2000, per_region=100, seed=1)
    assert positions.shape == (5, 100)
    assert positions.min() >= 750
    assert positions.max() < 1250
    assert (np.diff(positions, axis=1) > 0).all()
    np.testing.assert_array_equal(draw_positions(2, 50, per_region=80, seed=0), [np.arange(50)] * 2)


def test_randomised_similarity_is_high_only_where_weights_do_not_matter(planted):
    maps = planted.explain(planted.onehot)
    kept = [lambda onehot: 3 * maps, lambda onehot: -maps]
    np.testing.assert_allclose(randomised_similarity(kept, planted.onehot, maps), 1, atol=1e-6)
    assert randomised_similarity([unrelated], planted.onehot, maps).mean() < 0.15
