"""Criteria that read one network at a time: recurrence, k-mers, autocorrelation, angles."""

import numpy as np
import pytest

from lucidna.attribution.correction import correct
from lucidna.ranking.angles import angle_share
from lucidna.ranking.autocorrelation import ac1_g, selfsnr
from lucidna.ranking.bootstrap import weighted_mean
from lucidna.ranking.kmers import (
    acme_kmer,
    cross_fitted_kmer,
    kmer_index,
    kmer_prior,
    rolled_kmer_null,
    segments,
    soft_kmer,
)
from lucidna.ranking.prepare import MapSet, codes_of, project, unit_norm
from lucidna.ranking.recurrence import seqlets, sl_con
from lucidna.sequence import one_hot_numpy


@pytest.fixture(scope="module")
def clean(reference):
    numbers = reference("common_inputs")
    onehot = numbers["X"].transpose(0, 2, 1)
    return unit_norm(correct(numbers["attr_clean"].transpose(0, 2, 1))), codes_of(onehot)


def recurrence(corrected, onehot):
    return float(weighted_mean(*sl_con(corrected, onehot)))


@pytest.mark.parametrize(
    ("name", "measure"),
    [
        ("sl_con", lambda maps, i: recurrence(maps.corrected(i), maps.onehot)),
        ("soft_kmer6", lambda maps, i: soft_kmer(maps.corrected(i), maps.codes).mean()),
        ("ac1_g", lambda maps, i: ac1_g(maps.projected(i)).mean()),
        ("selfsnr", lambda maps, i: selfsnr(maps.projected(i)).mean()),
    ],
)
def test_reproduces_the_reference_population(population, name, measure):
    maps, numbers = population
    found = [measure(maps, index) for index in range(len(maps))]
    np.testing.assert_allclose(found, numbers[name], atol=1e-6)


@pytest.mark.parametrize("k", [3, 6])
@pytest.mark.parametrize("threshold", [90, 95])
def test_acme_method_1_prints_the_published_numbers(clean, reference, k, threshold):
    numbers, key = reference("acme_method1"), f"clean_k{k}_t{threshold}"
    found = acme_kmer(*clean, k=k, threshold=threshold / 100)
    assert round(found.kld, 3) == numbers[f"kld_{key}"]
    assert found.n_segments == numbers[f"nseg_{key}"]
    np.testing.assert_allclose(found.frequency, numbers[f"freq_{key}"], atol=1e-12)
    np.testing.assert_allclose(found.cutoff, numbers[f"cutoff_{key}"], atol=1e-12)
    np.testing.assert_allclose(kmer_prior(kmer_index(clean[1], k), k), numbers[f"prior_k{k}"], atol=1e-12)
    assert found.lo < found.kld < found.hi
    # One position less to the right is another mask.
    assert acme_kmer(*clean, k=k, threshold=threshold / 100, extension=1).n_segments != found.n_segments or (
        abs(acme_kmer(*clean, k=k, threshold=threshold / 100, extension=1).kld - found.kld) > 0.1
    )


def test_kmer_index_by_hand():
    codes = np.array([[0, 1, 2, 4, 3, 3]], dtype=np.uint8)
    np.testing.assert_array_equal(kmer_index(codes, 2), [[1, 6, -1, -1, 15]])


def test_segments_that_touch_are_two_and_that_overlap_are_one():
    maps = np.zeros((1, 4, 12))
    maps[0, 0, [1, 4, 8, 10]] = 1
    inside, segment, _ = segments(maps, threshold=0.5, extension=2)
    np.testing.assert_array_equal(np.flatnonzero(inside), [1, 2, 3, 4, 5, 6, 8, 9, 10, 11])
    np.testing.assert_array_equal(segment[0][inside[0]], [1, 1, 1, 2, 2, 2, 3, 3, 3, 3])


def test_a_sequence_without_signal_does_not_shift_the_others(clean):
    corrected, codes = clean
    dead = np.concatenate([np.zeros_like(corrected[:1]), corrected])
    with_dead = acme_kmer(dead, np.concatenate([codes[:1], codes]), k=3)
    np.testing.assert_allclose(with_dead.frequency, acme_kmer(corrected, codes, k=3).frequency)


def test_acme_method_1_without_any_segment_is_nan():
    codes = np.random.default_rng(0).integers(0, 4, (30, 40)).astype(np.uint8)
    assert np.isnan(acme_kmer(np.zeros((30, 4, 40)), codes, k=6).kld)
    assert np.isnan(rolled_kmer_null(np.zeros((30, 4, 40)), codes, k=6)).all()


def test_cross_fitting_repairs_what_noise_gains(toy):
    codes, rng = codes_of(toy.onehot), np.random.default_rng(2)
    noise = unit_norm(correct(rng.standard_normal(toy.truth.shape)))
    # As published, noise beats the true map; cross-fitted, it scores about nothing.
    good = unit_norm(toy.maps([0.1])[0])
    assert acme_kmer(noise, codes).kld > acme_kmer(good, codes).kld
    repaired = [float(weighted_mean(*cross_fitted_kmer(maps, codes))) for maps in (good, noise)]
    assert repaired[0] > 1
    assert abs(repaired[1]) < 0.3
    assert soft_kmer(good, codes).mean() > soft_kmer(noise, codes).mean() + 0.2


def test_rolled_null_is_below_a_true_motif_and_follows_its_seed(toy):
    codes, good = codes_of(toy.onehot), unit_norm(toy.maps([0.1])[0])
    nulls = [rolled_kmer_null(good, codes, k=3, seed=seed) for seed in (0, 0, 1)]
    assert nulls[0] == nulls[1] != nulls[2]
    value, lo, hi = nulls[0]
    assert lo < value < hi < 0.5 * acme_kmer(good, codes, k=3).kld
    # One draw: by hand from its own parts.
    one, left, right = rolled_kmer_null(good, codes, k=3, draws=1, blocks=2)
    halves = [rolled_kmer_null(good, codes, k=3, draws=1, blocks=blocks)[0] for blocks in (2, 20)]
    assert one == halves[0] == halves[1]
    assert right - one == pytest.approx(one - left) != 0


def test_soft_kmer_of_uniform_importance_is_nearly_zero_and_skips_n():
    codes = np.random.default_rng(0).integers(0, 4, (200, 60)).astype(np.uint8)
    codes[:, 30] = 4
    assert abs(soft_kmer(np.ones((200, 4, 60)), codes, k=2).mean()) < 0.01
    assert np.isfinite(soft_kmer(np.ones((200, 4, 60)), codes, k=6)).all()


def test_seqlets_by_hand():
    projected = np.zeros((2, 60))
    projected[0, 20:29], projected[0, 24], projected[0, 40:49] = 1, 5, 1
    sequence, start = seqlets(projected)
    assert start[sequence == 0][:2].tolist() == [20, 40]
    assert all(abs(a - b) >= 9 for a in start[sequence == 1] for b in start[sequence == 1] if a != b)
    assert start.min() >= 2
    assert start.max() <= 60 - 9 - 2
    assert len(seqlets(projected[:, :12])[0]) == 0


def test_recurrence_finds_the_motif_on_either_strand(toy):
    good = toy.maps([0.05])[0]
    flipped = np.where(np.arange(len(good))[:, None, None] % 2 == 0, good, good[:, ::-1, ::-1])
    onehot = np.where(np.arange(len(good))[:, None, None] % 2 == 0, toy.onehot, toy.onehot[:, ::-1, ::-1])
    both = recurrence(unit_norm(flipped), onehot)
    noise = np.random.default_rng(1).standard_normal(good.shape).astype(np.float32)
    assert both == pytest.approx(recurrence(unit_norm(good), toy.onehot), abs=0.01)
    assert both > 0.8
    assert both > recurrence(unit_norm(correct(noise)), toy.onehot) + 0.1


def test_recurrence_does_not_compare_a_sequence_with_itself():
    # Each sequence repeats its own private word three times: nothing recurs elsewhere.
    rng = np.random.default_rng(3)
    codes = np.tile(rng.integers(0, 4, (30, 20)).astype(np.uint8), (1, 3))
    onehot = one_hot_numpy(codes)
    assert recurrence(unit_norm(correct(onehot)), onehot) < 0.75


def test_recurrence_uses_the_first_sequences_and_says_so(toy):
    good = unit_norm(toy.maps([0.2])[0])
    values, weights = sl_con(good, toy.onehot, max_sequences=30)
    assert not weights[30:].any()
    part = sl_con(good[:30], toy.onehot[:30])
    np.testing.assert_array_equal(values[:30], part[0])


@pytest.mark.parametrize("criterion", [ac1_g, selfsnr])
def test_smooth_maps_beat_noise_and_constant_rows_give_zero(toy, criterion):
    good = project(unit_norm(toy.maps([0.1])[0]), toy.onehot)
    noise = np.random.default_rng(0).standard_normal(good.shape)
    assert criterion(good).mean() > criterion(noise).mean() + 0.3
    assert not criterion(np.zeros((3, 50))).any()


def test_autocorrelation_by_hand():
    assert ac1_g(np.array([[1.0, -1, 1, -1]]))[0] == pytest.approx(-0.75)


def test_angle_share_by_hand():
    raw = np.zeros((1, 4, 4))
    raw[0, :, 0] = 1  # 90 degrees
    raw[0, :, 1] = [1, -1, 0, 0]  # 0 degrees
    raw[0, 0, 2] = 1  # 30 degrees
    assert angle_share(raw, degrees=29)[0] == pytest.approx(0.5)
    assert angle_share(raw, degrees=31)[0] == pytest.approx(0.25)
    assert angle_share(correct(raw), degrees=1)[0] == 0


def test_the_other_strand_gives_the_same(toy):
    maps = toy.maps([0.5])
    here = MapSet(list(maps), toy.onehot)
    there = MapSet(list(maps[:, :, ::-1, ::-1]), toy.onehot[:, ::-1, ::-1])
    np.testing.assert_allclose(ac1_g(here.projected(0)), ac1_g(there.projected(0)), atol=1e-6)
    np.testing.assert_allclose(selfsnr(here.projected(0)), selfsnr(there.projected(0)), atol=1e-5)
    np.testing.assert_allclose(
        soft_kmer(here.corrected(0), here.codes), soft_kmer(there.corrected(0), there.codes), atol=1e-5
    )
    assert recurrence(here.corrected(0), here.onehot) == pytest.approx(
        recurrence(there.corrected(0), there.onehot), abs=1e-5
    )
