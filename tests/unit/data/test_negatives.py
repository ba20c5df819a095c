import time

import numpy as np
import pandas as pd
import pytest

from lucidna.errors import UserError
from lucidna.filters import Composition
from lucidna.negatives import draw_negatives, gc_distance

WINDOW = {"input_length": 200, "output_length": 100, "jitter": 10}


class FakeGenome:
    """Chromosomes whose GC content wanders, with a stretch of N on the first."""

    def __init__(self, sizes, seed=0):
        rng = np.random.default_rng(seed)
        self.sizes = sizes
        self.aliases = {}
        self._codes = {}
        for name, size in sizes.items():
            gc = 0.45 + 0.2 * np.sin(np.arange(size) / 700) + 0.1 * np.sin(np.arange(size) / 90)
            is_gc = rng.random(size) < gc
            self._codes[name] = np.where(is_gc, rng.integers(1, 3, size), 3 * rng.integers(0, 2, size)).astype(np.uint8)
        self._codes[next(iter(sizes))][5000:9000] = 4

    def codes(self, chrom):
        return self._codes[chrom]


@pytest.fixture(scope="module")
def genome():
    return FakeGenome({"a": 200_000, "b": 100_000, "c": 50_000})


def gc_rich_peaks(genome, counts, seed=1):
    rng = np.random.default_rng(seed)
    tables = []
    for chrom, n in counts.items():
        start = rng.integers(10_000, genome.sizes[chrom] - 1000, size=4 * n)
        gc, _ = Composition(genome.codes(chrom)).shares(start, 200)
        best = np.argsort(-gc)[: 2 * n : 2]
        tables.append(
            pd.DataFrame({"chrom": chrom, "start": start[best] + 60, "end": start[best] + 140, "gc": gc[best]}).assign(
                summit=start[best] + 100
            )
        )
    return pd.concat(tables, ignore_index=True)


@pytest.fixture(scope="module")
def peaks(genome):
    return gc_rich_peaks(genome, {"a": 120, "b": 40})


def draw(genome, peaks, **changes):
    settings = {"avoid": peaks, **WINDOW, "ratio": 1.0, "gc_bin": 0.02, "max_n": 0.1, "seed": 0, **changes}
    return draw_negatives(genome, peaks, **settings)


def overlaps(start, end, low, high):
    return ((start[:, None] < high) & (end[:, None] > low)).any(axis=1)


def test_gc_of_negatives_is_that_of_the_peaks(genome, peaks):
    negatives, notices = draw(genome, peaks)
    anywhere = Composition(genome.codes("a")).shares(np.arange(10_000, 190_000, 50), 200)[0]
    for chrom in "ab":
        here = peaks.loc[peaks["chrom"] == chrom, "gc"]
        assert gc_distance(here, negatives.loc[negatives["chrom"] == chrom, "gc"]) < 0.01
        assert gc_distance(here, anywhere) > 0.05
    exact = (negatives["gc"] / 0.02 + 1e-9).astype(int).value_counts()
    wanted = (peaks["gc"] / 0.02 + 1e-9).astype(int).value_counts()
    assert exact.sub(wanted, fill_value=0).abs().sum() <= 0.1 * len(peaks)
    assert "160 of 160 drawn" in notices[0]
    assert "distance of the GC distributions 0.00" in notices[0]


def test_gc_column_is_that_of_the_window(genome, peaks):
    negatives, _ = draw(genome, peaks)
    for row in negatives.itertuples():
        codes = genome.codes(row.chrom)[row.start : row.end]
        assert row.end - row.start == 200
        assert row.summit == row.start + 100
        assert row.gc == pytest.approx(np.isin(codes, [1, 2]).sum() / (codes != 4).sum())
        assert (codes == 4).mean() <= 0.1


def test_every_chromosome_keeps_its_share(genome, peaks):
    for ratio, expected in (
        (1.0, {"a": 120, "b": 40}),
        (0.25, {"a": 30, "b": 10}),
        (1.5, {"a": 180, "b": 60}),
    ):
        negatives, _ = draw(genome, peaks, ratio=ratio)
        assert negatives["chrom"].value_counts().to_dict() == expected


def test_no_negative_touches_a_peak_the_blacklist_or_an_end(genome, peaks):
    wide = pd.DataFrame({"chrom": ["a"], "start": [150_000], "end": [170_000], "summit": [155_000], "gc": [0.5]})
    avoid = pd.concat([peaks, wide])
    blacklist = pd.DataFrame({"chrom": ["a", "b"], "start": [20_000, 30_000], "end": [40_000, 60_000]})
    negatives, _ = draw(genome, peaks, avoid=avoid, blacklist=blacklist, blacklist_slop=500)
    assert len(negatives) == 160
    for chrom, rows in negatives.groupby("chrom"):
        start, end = rows["start"].to_numpy(), rows["end"].to_numpy()
        assert start.min() >= 10
        assert end.max() <= genome.sizes[chrom] - 10
        here = avoid.loc[avoid["chrom"] == chrom]
        assert not overlaps(start, end, here["summit"].to_numpy() - 100, here["summit"].to_numpy() + 100).any()
        assert not overlaps(start, end, here["start"].to_numpy(), here["end"].to_numpy()).any()
        listed = blacklist.loc[blacklist["chrom"] == chrom]
        assert not overlaps(start, end, listed["start"].to_numpy() - 500, listed["end"].to_numpy() + 500).any()


def test_output_windows_of_negatives_are_apart_where_there_is_room(genome, peaks):
    negatives, notices = draw(genome, peaks)
    if "overlapping another negative" not in notices[0]:
        for _, rows in negatives.groupby("chrom"):
            assert np.diff(rows["start"]).min() >= 100
    one_bin, notices = draw(genome, peaks, gc_bin=1.0, ratio=2.0)
    assert len(one_bin) == 320
    assert "overlapping" not in notices[0]
    for _, rows in one_bin.groupby("chrom"):
        assert np.diff(rows["start"]).min() >= 100


def test_crowded_genomes_let_negatives_overlap_but_not_coincide(genome):
    few = gc_rich_peaks(genome, {"c": 10})
    avoid = pd.DataFrame({"chrom": ["c"], "start": [0], "end": [49_000], "summit": [25_000]})
    negatives, notices = draw(genome, few, avoid=avoid, ratio=1.4)
    assert len(negatives) == 14
    assert "overlapping another negative" in notices[0] or "more distant bin" in notices[0]
    assert np.diff(negatives["start"]).min() >= 25


def test_the_same_seed_draws_the_same_and_another_seed_draws_others(genome, peaks):
    first, notices = draw(genome, peaks, seed=0)
    again, more = draw(genome, peaks, seed=0)
    other, _ = draw(genome, peaks, seed=1)
    pd.testing.assert_frame_equal(first, again)
    assert notices == more
    assert len(set(first["start"]) & set(other["start"])) < 0.2 * len(first)


def test_a_chromosome_does_not_change_with_the_peaks_of_another(genome, peaks):
    every, _ = draw(genome, peaks)
    alone, _ = draw(genome, peaks.loc[peaks["chrom"] == "a"], avoid=peaks)
    pd.testing.assert_frame_equal(every.loc[every["chrom"] == "a"], alone)


def test_rows_are_in_genome_order(genome, peaks):
    negatives, _ = draw(genome, peaks.iloc[::-1])
    assert negatives["chrom"].is_monotonic_increasing
    for _, rows in negatives.groupby("chrom"):
        assert rows["start"].is_monotonic_increasing


def test_ratio_zero_draws_none(genome, peaks):
    negatives, notices = draw(genome, peaks, ratio=0.0)
    assert len(negatives) == 0
    assert notices == []
    assert list(negatives) == ["chrom", "start", "end", "summit", "gc"]


def test_too_little_room_is_a_notice_above_half_and_an_error_below(genome):
    few = gc_rich_peaks(genome, {"c": 20})
    avoid = pd.DataFrame({"chrom": ["c"], "start": [0], "end": [49_100], "summit": [25_000]})
    room = 50_000 - 10 - 200 - 49_100 + 1
    at_most = room // 25 + 1
    negatives, notices = draw(genome, few, avoid=avoid, ratio=1.5)
    assert 15 <= len(negatives) < 30
    assert len(negatives) <= at_most
    assert f"{30 - len(negatives)} of 30 could not be drawn" in notices[1]
    with pytest.raises(UserError, match=r"only \d+ of 200 negatives fit.*regions.negatives.ratio \(now 10\)"):
        draw(genome, few, avoid=avoid, ratio=10.0)


def test_a_full_genome_is_an_error(genome, peaks):
    avoid = pd.DataFrame({"chrom": ["a", "b"], "start": [0, 0], "end": [200_000, 100_000], "summit": [5, 5]})
    with pytest.raises(UserError, match="only 0 of 160 negatives fit"):
        draw(genome, peaks, avoid=avoid)


def test_places_are_drawn_evenly():
    genome = FakeGenome({"a": 60_000})
    genome._codes["a"][:] = np.tile([0, 1, 2, 3], 15_000)
    peaks = pd.DataFrame({"chrom": ["a"] * 50, "start": 30_000, "end": 30_100, "summit": 30_050, "gc": 0.5})
    drawn = np.concatenate([draw(genome, peaks, seed=seed)[0]["start"] for seed in range(20)])
    counts, _ = np.histogram(drawn, bins=6, range=(0, 60_000))
    assert counts.min() > 0.75 * counts.mean()
    assert len(set((drawn % 100).tolist())) > 25


def test_a_million_places_take_seconds():
    genome = FakeGenome({"a": 20_000_000})
    rng = np.random.default_rng(0)
    summit = rng.integers(10_000, 19_990_000, size=20_000)
    gc, _ = Composition(genome.codes("a")).shares(summit - 100, 200)
    peaks = pd.DataFrame({"chrom": "a", "start": summit - 50, "end": summit + 50, "summit": summit, "gc": gc})
    began = time.perf_counter()
    negatives, _ = draw(genome, peaks)
    assert len(negatives) == 20_000
    assert time.perf_counter() - began < 5
