import numpy as np
import pandas as pd
import pytest

from lucidna.motifs.importance import (
    global_importance,
    instances_of,
    null_sequences,
    permuted,
    planted,
    sign_flip_p,
)
from lucidna.sequence import reverse_complement

from .simulated import make_pattern
from .toy import A, B, additive, both, sequences_with_both


@pytest.fixture
def nulls():
    codes, _ = sequences_with_both(40)
    return null_sequences(codes, 100, seed=0)


def test_nulls_are_shuffles_and_none_is_twice(nulls):
    codes, _ = sequences_with_both(40)
    assert nulls.shape == (100, codes.shape[1])
    assert len(np.unique(nulls, axis=0)) == 100
    composition = {tuple(np.bincount(row, minlength=4)) for row in codes}
    assert {tuple(np.bincount(row, minlength=4)) for row in nulls} <= composition


def test_importance_is_what_the_network_gives_to_the_word(nulls):
    words = np.tile(A, (100, 1))
    found = global_importance(additive, nulls, words, seed=0)
    np.testing.assert_allclose(found.pattern, [[3.0], [6.0]] * np.ones(100))
    assert abs(found.shuffled.mean()) < 0.1
    assert sign_flip_p((found.pattern - found.shuffled).mean(axis=0), seed=0) == pytest.approx(1e-4)
    # A word that acts only beside another does nothing alone.
    alone = global_importance(both, nulls, np.tile(B, (100, 1)), seed=0)
    assert np.abs(alone.pattern).max() == 0
    assert sign_flip_p((alone.pattern - alone.shuffled).mean(axis=0), seed=0) == 1


def test_words_go_to_the_middle_and_keep_their_bases():
    codes = np.zeros((2, 11), dtype=np.uint8)
    words = np.array([[1, 2, 4], [3, 3, 3]], dtype=np.uint8)
    out = planted(codes, words)
    assert out[0].tolist() == [0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0]
    assert out[1, 4:7].tolist() == [3, 3, 3]
    assert codes.sum() == 0
    many = np.random.default_rng(0).integers(0, 4, (50, 12)).astype(np.uint8)
    mixed = permuted(many, seed=1)
    np.testing.assert_array_equal(np.sort(mixed, axis=1), np.sort(many, axis=1))
    assert (mixed != many).any(axis=1).mean() > 0.9


def test_instances_are_the_seqlets_on_the_strand_of_the_pattern():
    pattern = make_pattern("pos_patterns.pattern_0", "TTACCCGGA", n_seqlets=2)
    codes = np.random.default_rng(0).integers(0, 4, (2, 60)).astype(np.uint8)
    width = pattern.cwm.shape[1]
    codes[0, 10 + 3 : 10 + 3 + 9] = A
    codes[1, 20 + 3 : 20 + 3 + 9] = reverse_complement(A)
    seqlets = pd.DataFrame({"row": [0, 1], "start": [10, 20], "end": [10 + width, 20 + width], "strand": ["+", "-"]})
    object.__setattr__(pattern, "seqlets", seqlets)
    words = instances_of(pattern, codes, 30, seed=0)
    assert (words[::2] == A).all()
    assert (words[1::2] == reverse_complement(A)).all()


def test_sign_flips_are_calibrated():
    rng = np.random.default_rng(0)
    p_values = [sign_flip_p(rng.normal(0, 1, 30), seed=0) for _ in range(60)]
    assert 0.3 < np.mean(p_values) < 0.7
    assert np.mean(np.array(p_values) <= 0.1) < 0.25
    assert sign_flip_p(np.full(3, 2.0), seed=0) == pytest.approx(0.25, abs=0.02)
    assert np.isnan(sign_flip_p(np.array([np.nan]), seed=0))
