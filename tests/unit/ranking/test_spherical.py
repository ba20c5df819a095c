import numpy as np
import pytest

from lucidna.attribution.correction import correct
from lucidna.errors import UserError
from lucidna.ranking.prepare import unit_norm
from lucidna.ranking.spherical import BASES, _box_sum, spherical_consistency, spherical_null

from .conftest import make_toy


@pytest.fixture(scope="module")
def clean(reference):
    return unit_norm(correct(reference("common_inputs")["attr_clean"].transpose(0, 2, 1)))


@pytest.mark.parametrize(("name", "window"), [("acme_k3", 3), ("d3", 6)])
@pytest.mark.parametrize("cutoff", [4, 10, 99])
def test_acme2022_prints_the_published_numbers(clean, reference, name, window, cutoff):
    numbers, key = reference("acme_method2"), f"{name}_clean_c{cutoff}"
    found = spherical_consistency(clean, window=window, cutoff=cutoff / 100, basis="acme2022")
    assert round(found.kld, 3) == numbers[f"kld_{key}"]
    np.testing.assert_allclose(found.radius, numbers[f"r_{key}"], atol=1e-12)
    # The published code builds its angles with pi = 3.1416.
    np.testing.assert_allclose(found.phi, numbers[f"phi1_{key}"], atol=1e-5)
    np.testing.assert_allclose(found.theta, numbers[f"phi2_{key}"], atol=1e-9)
    np.testing.assert_allclose(found.pdf, numbers[f"pdf_{key}"], atol=1e-3)


@pytest.mark.parametrize("window", [1, 3, 6])
@pytest.mark.parametrize("cutoff", [4, 10])
def test_orthonormal_basis_gives_the_reference(clean, reference, window, cutoff):
    expected = reference("acme_method2_fixedbasis")[f"kld_fixedbasis_clean_k{window}_c{cutoff}"]
    found = spherical_consistency(clean, window=window, cutoff=cutoff / 100)
    assert round(found.kld, 3) == expected
    assert found.lo < found.kld < found.hi


def test_the_default_basis_is_an_isometry_and_the_published_one_is_not():
    basis = BASES["orthonormal"]
    np.testing.assert_allclose(basis @ basis.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(basis.sum(axis=1), 0, atol=1e-12)
    assert abs(BASES["acme2022"].sum(axis=1)).max() > 0.5


def test_box_sum_is_the_asymmetric_window():
    values = np.random.default_rng(0).random((12, 12))
    for i, j in [(0, 0), (5, 7), (11, 11), (2, 10)]:
        rows, columns = slice(max(i - 3, 0), i + 3), slice(max(j - 3, 0), j + 3)
        assert _box_sum(values)[i, j] == pytest.approx(values[rows, columns].sum())


def test_a_planted_motif_stands_above_the_isotropic_null(toy):
    good = unit_norm(toy.maps([0.1])[0])
    value = spherical_consistency(good).kld
    null, lo, hi = spherical_null(good, kind="isotropic", draws=3)
    assert lo < null < hi
    assert value > null + 0.2
    # Noise is its own null.
    noise = unit_norm(correct(np.random.default_rng(0).standard_normal(good.shape)))
    spread = [spherical_null(noise, seed=seed)[0] for seed in range(5)]
    assert abs(spherical_consistency(noise).kld - np.mean(spread)) < 6 * np.std(spread) + 0.05


def test_permuted_null_keeps_directions_at_window_1(toy):
    good = unit_norm(toy.maps([0.1])[0])
    value = spherical_consistency(good, window=1).kld
    assert spherical_null(good, kind="permuted", window=1)[0] == pytest.approx(value, abs=1e-3)
    assert spherical_null(good, kind="permuted", window=6)[0] != pytest.approx(
        spherical_consistency(good, window=6).kld, abs=1e-3
    )


def test_the_interval_of_a_null_covers_other_sequences(toy):
    """Nulls of disjoint sets of sequences differ by what the intervals say, not by ten times as much."""
    good = unit_norm(make_toy(400, 80, seed=5).maps([0.5])[0])
    found = np.array([spherical_null(good[part::4], kind="permuted", seed=part) for part in range(4)])
    spread, half = found[:, 0].std(ddof=1), (found[:, 2] - found[:, 1]).mean() / 2
    assert 0.3 < half / (1.96 * spread) < 5


def test_maps_without_contrast_are_nan_and_bad_words_are_refused(toy):
    assert np.isnan(spherical_consistency(np.zeros((20, 4, 30))).kld)
    assert np.isnan(spherical_null(np.zeros((20, 4, 30)), kind="permuted")).all()
    good = toy.maps([0.1])[0]
    with pytest.raises(UserError, match="basis is 'acme'"):
        spherical_consistency(good, basis="acme")
    with pytest.raises(UserError, match="null is 'uniform'"):
        spherical_null(good, kind="uniform")
