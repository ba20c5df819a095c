import numpy as np
import pytest

from lucidna.ranking.probes.cosine import region_cosine
from lucidna.ranking.probes.draws import other_bases, top_positions
from lucidna.ranking.probes.mutation import mutation_stability
from lucidna.ranking.probes.noise import noise_stability
from lucidna.ranking.probes.retention import retention_stability
from lucidna.ranking.probes.reverse_complement import rc_stability
from lucidna.ranking.probes.shift import shift_stability

from .conftest import MOTIF, Planted, constant, unrelated

ALL = [rc_stability, shift_stability, mutation_stability, noise_stability, retention_stability]


def test_cosine_of_scaled_opposite_and_empty_maps():
    maps = np.random.default_rng(0).standard_normal((3, 4, 10))
    np.testing.assert_allclose(region_cosine(maps, 1e-20 * maps), 1)
    np.testing.assert_allclose(region_cosine(maps, -1e20 * maps), -1)
    np.testing.assert_array_equal(region_cosine(maps, 0 * maps), 0)
    half = np.zeros((3, 10), dtype=bool)
    half[:, :5] = True
    other = maps.copy()
    other[:, :, 5:] *= -3
    np.testing.assert_allclose(region_cosine(maps, other, positions=half), 1)
    assert (region_cosine(maps, other) < 0.9).all()


def test_top_positions_and_other_bases():
    values = np.array([[3.0, 1, 2, 0], [1, 1, 1, 1]])
    assert top_positions(values, 0.5).tolist() == [[True, False, True, False], [True, True, False, False]]
    assert top_positions(values, 0.01).sum(axis=1).tolist() == [1, 1]
    codes = np.array([[0, 1, 2, 3, 4] * 200], dtype=np.uint8)
    other = other_bases(codes, np.random.default_rng(0))
    assert (other[codes == 4] == 4).all()
    assert (other[codes < 4] != codes[codes < 4]).all()
    assert set(other[codes == 0]) == {1, 2, 3}


@pytest.mark.parametrize("criterion", ALL, ids=lambda f: f.__name__)
def test_maps_without_relation_agree_with_nothing(planted, criterion):
    found = criterion(unrelated, planted.onehot, unrelated(planted.onehot))
    assert found.shape == (24,)
    assert abs(found.mean()) < 0.1


@pytest.mark.parametrize("criterion", ALL, ids=lambda f: f.__name__)
def test_a_constant_map_is_perfectly_stable(planted, criterion):
    # Stability alone is no sign of a good map: this one says nothing. (Its vector is its own complement.)
    np.testing.assert_allclose(criterion(constant, planted.onehot, constant(planted.onehot)), 1, atol=1e-6)


@pytest.mark.parametrize("criterion", ALL[1:], ids=lambda f: f.__name__)
def test_a_network_of_one_motif_is_stable(planted, criterion):
    found = criterion(planted.explain, planted.onehot, planted.explain(planted.onehot))
    np.testing.assert_allclose(found, 1, atol=1e-6)


def test_reverse_complement_tells_networks_that_read_one_strand_from_those_that_read_both(planted):
    maps = planted.explain(planted.onehot)
    both = Planted(both_strands=True)
    np.testing.assert_allclose(rc_stability(both.explain, planted.onehot, both.explain(planted.onehot)), 1, atol=1e-6)
    assert rc_stability(planted.explain, planted.onehot, maps).mean() < 0.5


def test_shift_sees_a_network_that_depends_on_place(planted):
    anchored = np.random.default_rng(1).standard_normal((1, 4, 160)).astype(np.float32)
    anchored -= anchored.mean(axis=1, keepdims=True)

    def explain(onehot):
        return np.repeat(anchored, len(onehot), axis=0)

    assert abs(shift_stability(explain, planted.onehot, explain(planted.onehot)).mean()) < 0.2


def test_mutations_fall_on_positions_of_low_importance_only(planted):
    maps = planted.explain(planted.onehot)
    seen = []

    def explain(onehot):
        seen.append(onehot)
        return maps

    mutation_stability(explain, planted.onehot, maps, share=0.2, seed=3)
    changed = (seen[0] != planted.onehot).any(axis=1)
    assert (changed.sum(axis=1) == 32).all()
    for row, start in enumerate(planted.starts):
        assert not changed[row, start : start + len(MOTIF)].any()
    mutation_stability(explain, planted.onehot, maps, share=0.2, seed=3)
    np.testing.assert_array_equal(seen[0], seen[1])


def test_retention_keeps_the_top_and_sees_a_network_that_leans_on_the_rest(planted):
    maps = planted.explain(planted.onehot)

    def by_context(onehot):
        # The sign of the motif's effect is set by bases outside of the kept positions.
        context = onehot[:, 0].sum(axis=1) > planted.onehot[:, 0].sum(axis=1) - 0.5
        flips = (onehot != planted.onehot).any(axis=(1, 2)) & (np.arange(len(onehot)) % 2 == 0)
        return planted.explain(onehot) * np.where(flips | ~context, -1, 1)[:, None, None]

    found = retention_stability(by_context, planted.onehot, maps)
    np.testing.assert_allclose(found[::2], -1, atol=1e-6)


def test_noise_is_the_same_for_every_network(planted):
    seen = []

    def explain(onehot):
        seen.append(onehot)
        return constant(onehot)

    for _ in range(2):
        noise_stability(explain, planted.onehot, constant(planted.onehot), deviation=0.1, seed=5)
    np.testing.assert_array_equal(*seen)
    assert (seen[0] - planted.onehot).std() == pytest.approx(0.1, rel=0.05)
