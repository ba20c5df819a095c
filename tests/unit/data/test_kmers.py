"""Words whose presence tells the values of sequences, on planted ones."""

import numpy as np
import pytest

from lucidna.kmers import telling_words
from lucidna.sequence import decode, encode


def planted(words, *, n=600, length=120, seed=0):
    """Random sequences; each word stands in its share of them, on either strand, and adds 1 to their value."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n, length), dtype=np.uint8)
    values = rng.normal(0, 0.3, n)
    for place, (word, share) in enumerate(words.items()):
        for row in np.flatnonzero(rng.random(n) < share):
            strand = encode(word) if rng.random() < 0.5 else 3 - encode(word)[::-1]
            start = 20 + 30 * place + rng.integers(0, 15)
            codes[row, start : start + len(strand)] = strand
            values[row] += 1
    return codes, values[:, None]


def test_finds_frequent_and_rare_words_in_order():
    codes, values = planted({"TTACCCG": 0.3, "GGTCACG": 0.06})
    found = telling_words(codes, values, k=7, n=10)
    # The smaller number of both strands: CGGGTAA for TTACCCG, CGTGACC for GGTCACG.
    assert [decode(word.codes) for word in found[:2]] == ["CGGGTAA", "CGTGACC"]
    assert found[0].z > found[1].z > 5
    assert found[0].n == pytest.approx(180, abs=40)
    assert found[1].n == pytest.approx(36, abs=15)


def test_neighbours_of_a_word_are_not_words_of_their_own():
    codes, values = planted({"TTACCCG": 0.3})
    found = telling_words(codes, values, k=7, n=10)
    assert decode(found[0].codes) == "CGGGTAA"
    for word in found[1:]:
        for strand in (word.codes, 3 - word.codes[::-1]):
            for shift in range(-2, 3):
                a = encode("CGGGTAA")[max(shift, 0) : 7 + min(shift, 0)]
                b = strand[max(-shift, 0) : 7 + min(-shift, 0)]
                assert (a != b).sum() > 1


def test_random_values_have_no_words():
    codes, values = planted({"TTACCCG": 0.3})
    shuffled = np.random.default_rng(1).permutation(values)
    assert len(telling_words(codes, values, k=7, n=10)) >= 1
    assert len(telling_words(codes, shuffled, k=7, n=10)) == 0


def test_each_task_can_have_its_words():
    codes, first = planted({"TTACCCG": 0.2}, seed=2)
    other, second = planted({"GGTCACG": 0.2}, seed=3)
    values = np.zeros((1200, 2))
    values[:600, :1], values[600:, 1:] = first, second
    found = telling_words(np.concatenate([codes, other]), values, k=7, n=2)
    assert {decode(word.codes) for word in found} == {"CGGGTAA", "CGTGACC"}


def test_nothing_to_tell():
    codes, values = planted({"TTACCCG": 0.3}, n=50)
    assert telling_words(codes, np.ones_like(values), k=7, n=5) == []
    assert telling_words(codes[:, :5], values, k=7, n=5) == []
    assert telling_words(np.full_like(codes, 4), values, k=7, n=5) == []


def test_input_is_left_as_it_was():
    codes, values = planted({"TTACCCG": 0.3})
    before = codes.copy()
    telling_words(codes, values, k=7, n=5)
    np.testing.assert_array_equal(codes, before)
