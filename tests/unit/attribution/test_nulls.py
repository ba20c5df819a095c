import numpy as np

from lucidna.attribution.nulls import null_sequences, permuted, shuffled_copies
from lucidna.sequence import one_hot_numpy


def dinucleotides(row):
    return np.bincount(5 * row[:-1].astype(int) + row[1:], minlength=25)


def test_shuffles_keep_dinucleotides_and_unknown_bases(codes):
    copies = shuffled_copies(codes, n_shuffles=3, seed=0, purpose="reference")
    assert copies.shape == (9, 3, 40)
    np.testing.assert_array_equal(copies == 4, np.repeat((codes == 4)[:, None], 3, axis=1))
    for row in (0, 1, 3):
        for copy in copies[row]:
            np.testing.assert_array_equal(dinucleotides(copy), dinucleotides(codes[row]))
    assert (copies != codes[:, None]).any(axis=2).all()


def test_a_sequence_gets_the_same_shuffles_in_any_company(codes):
    whole = shuffled_copies(codes, n_shuffles=4, seed=7, purpose="reference")
    backwards = shuffled_copies(codes[::-1], n_shuffles=4, seed=7, purpose="reference")
    np.testing.assert_array_equal(backwards[::-1], whole)
    np.testing.assert_array_equal(shuffled_copies(codes[4:5], n_shuffles=4, seed=7, purpose="reference"), whole[4:5])


def test_seeds_purposes_and_draws_differ(codes):
    zero = null_sequences(codes, draw=0, seed=0)
    assert zero.shape == codes.shape
    np.testing.assert_array_equal(zero, null_sequences(codes, draw=0, seed=0))
    for other in (
        null_sequences(codes, draw=1, seed=0),
        null_sequences(codes, draw=0, seed=1),
        shuffled_copies(codes, n_shuffles=1, seed=0, purpose="reference")[:, 0],
    ):
        assert (other != zero).any(axis=1).all()


def test_permuted_maps_keep_the_contributions_and_move_them(codes):
    x = one_hot_numpy(codes)
    maps = np.random.default_rng(0).standard_normal(x.shape).astype(np.float32)
    maps = (maps - maps.mean(axis=1, keepdims=True)) * x.sum(axis=1, keepdims=True)
    moved = permuted(maps, x, seed=1)
    before, after = (maps * x).sum(axis=1), (moved * x).sum(axis=1)
    np.testing.assert_allclose(np.sort(after, axis=1), np.sort(before, axis=1), atol=1e-6)
    assert (np.abs(after - before).max(axis=1) > 0.1).all()
    np.testing.assert_allclose(np.sort(moved, axis=None), np.sort(maps, axis=None), atol=1e-6)
    assert np.abs(moved.transpose(0, 2, 1)[codes == 4]).max(initial=0) == 0
    np.testing.assert_allclose(moved.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_array_equal(permuted(maps, x, seed=1), moved)
    assert (permuted(maps, x, seed=(1, 1)) != moved).any()
