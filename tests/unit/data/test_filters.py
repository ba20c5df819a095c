import numpy as np
import pandas as pd
import pytest

from lucidna.filters import Composition, blacklisted, composition, merge, off_edge, outlying, too_many_n
from lucidna.sequence import encode


class FakeGenome:
    def __init__(self, **letters):
        self._codes = {name: encode(text) for name, text in letters.items()}
        self.sizes = {name: len(codes) for name, codes in self._codes.items()}
        self.aliases = {}

    def codes(self, chrom):
        return self._codes[chrom]


def test_composition_counts_gc_of_the_known_bases():
    gc, n = Composition(encode("ACGTNNGGnn")).shares(np.array([0, 2, 4, 6]), 4)
    np.testing.assert_allclose(gc, [0.5, 0.5, 1.0, 1.0])
    np.testing.assert_allclose(n, [0, 0.5, 0.5, 0.5])
    np.testing.assert_allclose(Composition(encode("NNNN")).shares(np.array([0]), 4), [[0], [1]])


def test_composition_equals_counting_each_window():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 5, size=500, dtype=np.uint8)
    start = rng.integers(0, 480, size=100)
    gc, n = Composition(codes).shares(start, 20)
    for i, s in enumerate(start):
        window = codes[s : s + 20]
        assert n[i] == (window == 4).mean()
        assert gc[i] == np.isin(window, [1, 2]).sum() / (window != 4).sum()


def test_composition_of_a_genome_keeps_the_order_of_the_rows():
    genome = FakeGenome(a="AAAACCCC", b="GGGGNNAA")
    gc, n = composition(genome, np.array(["b", "a", "b", "a"]), np.array([2, 2, 6, 6]), length=4)
    np.testing.assert_allclose(gc, [1, 0, 0, 1])
    np.testing.assert_allclose(n, [0, 0, 0.5, 0])


def test_edges_are_exact_to_the_base():
    centre = np.array([4, 5, 10, 95, 96])
    lengths = {"input_length": 10, "output_length": 6, "jitter": 0}
    dropped, why = off_edge(np.array(["c"] * 5), centre, {"c": 100}, **lengths)
    assert dropped.tolist() == [True, False, False, False, True]
    assert "-1-9" in why[0]
    assert "100 bp" in why[4]
    assert why[1] == ""
    lengths["jitter"] = 3
    dropped, _ = off_edge(np.array(["c"] * 5), np.array([7, 8, 50, 92, 93]), {"c": 100}, **lengths)
    assert dropped.tolist() == [True, False, False, False, True]


def test_an_odd_window_has_its_longer_half_after_the_centre():
    dropped, _ = off_edge(
        np.array(["c"] * 4), np.array([1, 2, 7, 8]), {"c": 10}, input_length=5, output_length=5, jitter=0
    )
    assert dropped.tolist() == [True, False, False, True]


def test_n_share_above_the_limit_is_dropped():
    dropped, why = too_many_n(np.array([0.0, 0.1, 0.11]), max_n=0.1)
    assert dropped.tolist() == [False, False, True]
    assert "0.11" in why[2]
    assert "0.1" in why[2]


def test_blacklist_overlap_is_half_open_and_per_chromosome():
    blacklist = pd.DataFrame({"chrom": ["a", "a", "b"], "start": [100, 105, 0], "end": [110, 200, 10]})
    chrom = np.array(["a", "a", "a", "a", "b", "c"])
    centre = np.array([95, 96, 204, 205, 100, 100])
    dropped, why = blacklisted(chrom, centre, blacklist, length=10, slop=0)
    assert dropped.tolist() == [False, True, True, False, False, False]
    assert "91-101" in why[1]
    assert "100-200" in why[1]
    wider, _ = blacklisted(chrom, centre, blacklist, length=10, slop=1)
    assert wider.tolist() == [True, True, True, True, False, False]


def test_blacklist_equals_comparing_all_pairs():
    rng = np.random.default_rng(1)
    start = rng.integers(0, 10_000, size=60)
    blacklist = pd.DataFrame({"chrom": "a", "start": start, "end": start + rng.integers(1, 80, size=60)})
    centre = rng.integers(100, 9_900, size=400)
    dropped, _ = blacklisted(np.full(400, "a"), centre, blacklist, length=30, slop=7)
    first = centre[:, None] - 15
    pairs = (first < blacklist["end"].to_numpy() + 7) & (first + 30 > blacklist["start"].to_numpy() - 7)
    np.testing.assert_array_equal(dropped, pairs.any(axis=1))
    assert 0 < dropped.sum() < 400


def test_outliers_are_judged_track_by_track():
    sums = np.stack([np.arange(100.0), np.ones(100)], axis=1)
    sums[3, 1] = 50
    dropped, why = outlying(sums, ["x", "y"], quantile=0.95, factor=1.02)
    assert np.flatnonzero(dropped).tolist() == [3, 96, 97, 98, 99]
    assert why[3] == "signal 50 of track y is above 1.02"
    assert "track x is above 95.931" in why[99]
    assert not outlying(sums, ["x", "y"], quantile=1.0, factor=1.0)[0].any()
    assert len(outlying(np.zeros((0, 2)), ["x", "y"], quantile=0.9, factor=1.0)[0]) == 0


@pytest.mark.parametrize("seed", range(3))
def test_merge_covers_the_same_bases(seed):
    rng = np.random.default_rng(seed)
    start = rng.integers(0, 1000, size=50)
    end = start + rng.integers(0, 30, size=50)
    covered = np.zeros(1100, dtype=bool)
    for s, e in zip(start, end, strict=True):
        covered[s:e] = True
    low, high = merge(start, end)
    again = np.zeros(1100, dtype=bool)
    for s, e in zip(low, high, strict=True):
        assert not again[s:e].any()
        again[s:e] = True
    np.testing.assert_array_equal(covered, again)
    assert (low[1:] > high[:-1]).all()


def test_merge_of_nothing_is_nothing():
    assert [len(part) for part in merge(np.array([3]), np.array([3]))] == [0, 0]
