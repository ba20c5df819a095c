import numpy as np
import pandas as pd
import pytest

from lucidna.motifs.pairs import at_home, co_occurrence, pairs_of, separate_regions, spacing


def hits(rows, starts, strands="+", width=10):
    rows, starts = np.asarray(rows), np.asarray(starts)
    return pd.DataFrame({"row": rows, "start": starts, "end": starts + width, "strand": strands})


def test_co_occurrence_is_the_permutation_of_regions():
    rng = np.random.default_rng(0)
    first, second = rng.random(200) < 0.3, rng.random(200) < 0.4
    found = co_occurrence(first, second)
    assert found.expected == pytest.approx(first.sum() * second.sum() / 200)
    drawn = np.array([(first & rng.permutation(second)).sum() for _ in range(4000)])
    tails = min((drawn >= found.both).mean(), (drawn <= found.both).mean())
    assert found.p_value == pytest.approx(min(1, 2 * tails), abs=0.05)
    together = co_occurrence(first, first)
    assert together.p_value < 1e-10
    assert co_occurrence(first, ~first).p_value < 1e-10
    assert co_occurrence(first, ~first).both == 0
    assert np.isnan(co_occurrence(first[:0], first[:0]).p_value)


def test_distance_is_along_the_strand_of_the_first():
    first = hits([0, 1, 2, 3, 4], [50, 50, 50, 50, 50], list("++--+"))
    second = hits([0, 1, 2, 3, 4, 9], [66, 34, 34, 66, 55, 0], list("+-" * 3), width=8)
    found = pairs_of(first, second).set_index("row")
    assert found.index.tolist() == [0, 1, 2, 3]  # those of row 4 overlap
    # A forward site begins with its first base, a reverse one with its last.
    assert found["distance"].tolist() == [16, 41 - 50, 59 - 34, 59 - 73]
    assert found["same_strand"].tolist() == [True, False, False, True]
    turned = pairs_of(hits([0], [100], "-"), hits([0], [84], "-")).iloc[0]
    assert (turned["distance"], turned["same_strand"]) == (16, True)


def random_hits(n, *, seed, spread=25):
    rng = np.random.default_rng(seed)
    starts = np.clip(rng.normal(120, spread, n), 0, 240).astype(int)
    return hits(np.arange(n), starts, rng.choice(["+", "-"], n))


def test_a_planted_spacing_is_found_on_both_strands():
    first = random_hits(150, seed=1)
    rng = np.random.default_rng(2)
    sign = np.where(first["strand"] == "+", 1, -1)
    second = first.assign(start=first["start"] + sign * (16 + rng.integers(-2, 3, 150)))
    second["end"] = second["start"] + 10
    loose = random_hits(150, seed=3)
    half = np.arange(150) % 2 == 0
    mixed = pd.concat([second[half], loose[~half]])
    found = spacing(first, mixed, draws=199)
    assert found.distance == 16
    assert found.same_strand
    assert found.at_distance >= 75
    assert found.expected < 15
    assert found.p_value == pytest.approx(1 / 200)
    # Seen from the second, the first lies before it.
    assert spacing(mixed.reset_index(drop=True), first, draws=19).distance == -16


@pytest.mark.parametrize("slack", [0, 1])
def test_a_spacing_narrower_than_the_window_is_where_it_is(slack):
    first = random_hits(60, seed=1)
    rng = np.random.default_rng(5)
    sign = np.where(first["strand"] == "+", 1, -1)
    steps = np.tile(np.arange(-slack, slack + 1), 60)[: len(first)]
    second = first.assign(start=first["start"] + sign * (16 + rng.permutation(steps)))
    second["end"] = second["start"] + 10
    loose = random_hits(60, seed=6)
    mixed = pd.concat([second[:40], loose[40:]])
    found = spacing(first, mixed, draws=99)
    assert found.distance == 16
    assert found.at_distance >= 40
    assert spacing(mixed.reset_index(drop=True), first, draws=19).distance == -16


def test_the_number_of_pairs_is_that_of_the_window_that_is_tested():
    """Their median is not in the middle of the window: fewer pairs are up to 2 bp from it."""
    rows = np.arange(13)
    first = hits(rows, [50] * 13, ["+"] * 13)
    second = hits(rows, [50 + step for step in [20] * 5 + [16] * 8], ["+"] * 13)
    found = spacing(first, second, draws=19)
    assert (found.distance, found.at_distance) == (16, 13)


def test_a_palindrome_is_read_along_its_partner():
    rng = np.random.default_rng(8)
    n = 80
    second = random_hits(n, seed=4)
    sign = np.where(second["strand"] == "+", 1, -1)
    # The palindrome ends 4 bp before its partner; by which strand it is called is chance.
    first = second.assign(start=second["start"] - 14 * sign, strand=rng.choice(["+", "-"], n))
    first["end"] = first["start"] + 10
    blind = spacing(first, second, draws=19)
    assert blind.at_distance < 0.8 * n
    found = spacing(first.assign(palindrome=True), second.assign(palindrome=False), draws=99)
    assert (found.distance, found.same_strand, found.at_distance) == (14, True, n)
    turned = spacing(second.assign(palindrome=False), first.assign(palindrome=True), draws=19)
    assert (turned.distance, turned.same_strand, turned.at_distance) == (-14, True, n)
    both = spacing(first.assign(palindrome=True), second.assign(palindrome=True), draws=19)
    assert (both.distance, both.same_strand, both.at_distance) == (14, True, n)


def test_a_pair_in_two_windows_is_one_pair():
    # The same two loci, once in the window that begins at 0 and once in that at 40.
    first = hits([0, 1], [60, 20]).assign(locus=60)
    second = hits([0, 1], [80, 40]).assign(locus=80)
    assert len(pairs_of(first.drop(columns="locus"), second.drop(columns="locus"))) == 2
    found = pairs_of(first, second)
    assert found[["row", "distance"]].to_numpy().tolist() == [[0, 20]]
    # Another pair at the same distance is another pair.
    assert len(pairs_of(first.assign(locus=[60, 460]), second.assign(locus=[80, 480]))) == 2


def test_crowding_at_the_summit_is_no_preference():
    p_values = []
    for seed in range(12):
        first, second = random_hits(120, seed=seed, spread=15), random_hits(120, seed=100 + seed, spread=15)
        found = spacing(first, second, draws=99)
        p_values.append(found.p_value)
        assert np.isfinite(found.expected)
    assert np.mean(p_values) > 0.3
    assert min(p_values) > 0.01


def in_windows(loci, offsets, seed):
    """Two motifs placed independently in loci of 300 bp, and the hits of windows of 200 bp at some offsets."""
    rng = np.random.default_rng(seed)
    parts = []
    for name in "ab":
        start = np.clip(rng.normal(145, 40, loci), 0, 290).astype(int)
        hit = pd.DataFrame({"locus": np.arange(loci) * 1000 + start, "strand": rng.choice(["+", "-"], loci)})
        for window, offset in enumerate(offsets):
            here = hit.assign(row=np.arange(loci) * len(offsets) + window, start=start - offset, pattern=name)
            parts.append(here[(start >= offset) & (start + 10 <= offset + 200)])
    placed = pd.concat(parts, ignore_index=True).assign(end=lambda table: table["start"] + 10)
    return placed.assign(home=at_home(placed, length=200))


@pytest.mark.parametrize("offsets", [(50,), (50, 50, 50), (0, 50, 100)], ids=["one", "thrice", "overlapping"])
def test_windows_that_overlap_make_no_preference(offsets):
    p_values = []
    for seed in range(60):
        placed = in_windows(60, offsets, seed)
        assert placed.groupby(["pattern", "locus", "strand"])["home"].sum().eq(1).all()
        first, second = (placed[placed["pattern"] == name] for name in "ab")
        p_values.append(spacing(first, second, draws=39).p_value)
    # 6 of 60 on average; as many as 13 once in a hundred times.
    assert np.sum(np.array(p_values) <= 0.1) <= 13
    assert np.mean(p_values) > 0.4


def test_regions_apart_are_as_many_as_possible():
    table = pd.DataFrame(
        [("a", 0, 100), ("a", 50, 150), ("a", 100, 200), ("b", 60, 90), ("a", 150, 250), ("a", 0, 260)]
    )
    table.columns = ["chrom", "start", "end"]
    assert separate_regions(table).tolist() == [True, False, True, True, False, False]
    assert separate_regions(table[:0]).tolist() == []


def test_hits_that_exclude_each_other_have_no_preference():
    """Rods without overlap, thrown at random into narrow windows, stand side by side more often than apart."""

    def rods(seed):
        rng, rows = np.random.default_rng(seed), []
        for row in range(150):
            taken = []
            while len(taken) < 5:
                start = int(rng.integers(0, 110))
                if all(abs(start - other) >= 12 for other in taken):
                    taken.append(start)
            rows += [(row, start, start + 12, rng.choice(["+", "-"]), "abcde"[k]) for k, start in enumerate(taken)]
        return pd.DataFrame(rows, columns=["row", "start", "end", "strand", "pattern"])

    blind, aware = [], []
    for seed in range(40):
        placed = rods(seed)
        first, second = (placed[placed["pattern"] == name] for name in "ab")
        others = placed[placed["pattern"] != "b"]
        blind.append(spacing(first, second, draws=39).p_value)
        aware.append(spacing(first, second, others=others, length=122, draws=39).p_value)
    assert np.mean(np.array(aware) <= 0.1) <= 0.25  # 4 of 40 on average, 9 once in a hundred times
    assert np.mean(blind) < np.mean(aware) - 0.1


def test_few_regions_are_not_tested():
    first = random_hits(8, seed=0, spread=5)
    found = spacing(first, first.assign(start=first["start"] + 20, end=first["end"] + 20))
    assert found.n_pairs == 8
    assert np.isnan(found.p_value)
    nothing = spacing(first, first[:0])
    assert nothing.n_pairs == 0
    assert np.isnan(nothing.distance)
