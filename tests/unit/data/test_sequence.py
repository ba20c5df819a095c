import itertools
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import torch

from lucidna.errors import UserError
from lucidna.sequence import (
    decode,
    dinucleotide_shuffle,
    encode,
    one_hot,
    one_hot_numpy,
    reverse_complement,
    reverse_complement_one_hot,
)


def random_codes(n, length, *, seed=0, top=4):
    return np.random.default_rng(seed).integers(0, top, (n, length), dtype=np.uint8)


def pairs(codes):
    return np.bincount(codes[:-1].astype(int) * 5 + codes[1:], minlength=25)


class TestCodes:
    def test_encode_truth(self):
        assert encode("ACGTN").tolist() == [0, 1, 2, 3, 4]
        assert encode(b"acgtn").tolist() == [0, 1, 2, 3, 4]
        assert encode("").shape == (0,)

    def test_decode_undoes_encode(self):
        text = "GATTACANNCCG"
        assert decode(encode(text)) == text
        assert decode(encode(text.lower())) == text

    @pytest.mark.parametrize("text", ["ACRT", "AC-T", "AC T", "ACéT"])
    def test_other_letters_are_refused(self, text):
        with pytest.raises(UserError, match="position 2"):
            encode(text)

    def test_one_hot_truth(self):
        x = one_hot(torch.from_numpy(encode("ATN")[None]))
        assert x.dtype == torch.float32
        assert x[0].tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 1, 0]]

    def test_one_hot_of_torch_and_numpy_agree(self):
        codes = random_codes(5, 33, top=5)
        expected = one_hot(torch.from_numpy(codes)).numpy()
        assert np.array_equal(one_hot_numpy(codes), expected)
        assert one_hot_numpy(codes, dtype=np.int8).dtype == np.int8
        assert np.array_equal(expected.sum(axis=1), codes < 4)


class TestReverseComplement:
    def test_truth(self):
        assert decode(reverse_complement(encode("AACGTN"))) == "NACGTT"

    def test_twice_is_the_sequence(self):
        codes = random_codes(4, 51, top=5)
        assert np.array_equal(reverse_complement(reverse_complement(codes)), codes)

    def test_torch_agrees(self):
        codes = random_codes(4, 51, top=5)
        other = reverse_complement(torch.from_numpy(codes))
        assert other.dtype == torch.uint8
        assert np.array_equal(other.numpy(), reverse_complement(codes))

    def test_one_hot_agrees(self):
        codes = random_codes(4, 51, top=5)
        expected = one_hot_numpy(reverse_complement(codes))
        assert np.array_equal(reverse_complement_one_hot(one_hot_numpy(codes)), expected)
        x = one_hot(torch.from_numpy(codes))
        assert np.array_equal(reverse_complement_one_hot(x).numpy(), expected)


class TestDinucleotideShuffle:
    def test_keeps_counts_ends_and_shape(self):
        codes = random_codes(20, 300)
        shuffled = dinucleotide_shuffle(codes, n_shuffles=5, seed=0)
        assert shuffled.shape == (20, 5, 300)
        assert shuffled.dtype == np.uint8
        for row, draws in zip(codes, shuffled, strict=True):
            for draw in draws:
                assert np.array_equal(pairs(draw), pairs(row))
                assert draw[0] == row[0]
                assert draw[-1] == row[-1]

    @pytest.mark.parametrize("text", ["ACACACACACACACAC", "AAAAACCCCC", "AACAGATAACC", "ACGTACGTTGCATGCAAC"])
    def test_counts_of_skewed_sequences(self, text):
        codes = encode(text)[None]
        for draw in dinucleotide_shuffle(codes, n_shuffles=200, seed=3)[0]:
            assert np.array_equal(pairs(draw), pairs(codes[0]))

    def test_draws_rows_and_seeds_differ(self):
        codes = np.repeat(random_codes(1, 200), 3, axis=0)
        first = dinucleotide_shuffle(codes, n_shuffles=4, seed=0)
        second = dinucleotide_shuffle(codes, n_shuffles=4, seed=1)
        distinct = {draw.tobytes() for draw in np.concatenate([first, second]).reshape(-1, 200)}
        assert len(distinct) == 24
        assert codes[0].tobytes() not in distinct

    def test_same_seed_same_bytes(self):
        codes = random_codes(6, 150)
        assert np.array_equal(dinucleotide_shuffle(codes, seed=0), dinucleotide_shuffle(codes, seed=0))

    def test_does_not_depend_on_the_batches(self):
        codes = random_codes(9, 120)
        whole = dinucleotide_shuffle(codes, n_shuffles=3, seed=5)
        parts = [
            dinucleotide_shuffle(codes[rows], n_shuffles=3, seed=5, rows=rows)
            for rows in (np.array([8, 0]), np.array([3]), np.arange(4, 8))
        ]
        assert np.array_equal(np.concatenate(parts), whole[[8, 0, 3, 4, 5, 6, 7]])

    def test_leaves_n_and_shuffles_each_run(self):
        codes = encode("N" + "ACGTTGCAAC" * 5 + "NN" + "GGATCCATAG" * 5)[None]
        draws = dinucleotide_shuffle(codes, n_shuffles=50, seed=2)[0]
        assert (draws[:, [0, 51, 52]] == 4).all()
        for run in (slice(1, 51), slice(53, 103)):
            assert len({draw[run].tobytes() for draw in draws}) == 50
            for draw in draws:
                assert np.array_equal(pairs(draw[run]), pairs(codes[0, run]))

    @pytest.mark.parametrize("text", ["", "A", "AC", "N", "NNN", "ACG", "TTTT"])
    def test_what_has_one_arrangement_stays(self, text):
        codes = encode(text)[None]
        assert np.array_equal(dinucleotide_shuffle(codes, seed=0)[0], codes)

    @pytest.mark.parametrize("text", ["ACGTACCAG", "AACCAACAGG"])
    def test_is_uniform(self, text):
        codes = encode(text)
        possible = {
            order
            for order in set(itertools.permutations(text))
            if np.array_equal(pairs(encode("".join(order))), pairs(codes))
            and (order[0], order[-1]) == (text[0], text[-1])
        }
        n = 4000 * len(possible)
        draws = dinucleotide_shuffle(codes[None], n_shuffles=n, seed=1)[0]
        seen = Counter(tuple(decode(draw)) for draw in np.unique(draws, axis=0))
        assert set(seen) == possible
        counts = np.unique(draws, axis=0, return_counts=True)[1]
        # Chi square, beyond which a uniform draw lies less than once in a million.
        statistic = ((counts - 4000) ** 2 / 4000).sum()
        degrees = len(possible) - 1
        assert statistic < degrees + 8 * np.sqrt(2 * degrees)

    def test_refuses_what_is_no_code(self):
        with pytest.raises(ValueError, match="0 to 4"):
            dinucleotide_shuffle(np.full((1, 5), 7, dtype=np.uint8), seed=0)
        with pytest.raises(ValueError, match="one entry"):
            dinucleotide_shuffle(random_codes(2, 5), seed=0, rows=np.arange(3))


def test_import_does_not_load_torch(root):
    code = "import sys, lucidna.extract, lucidna.dataset, lucidna.reporter; sys.exit('torch' in sys.modules)"
    folder = root / "workflow" / "scripts"
    assert subprocess.run([sys.executable, "-c", code], cwd=folder, check=False).returncode == 0
