from types import SimpleNamespace

import numpy as np
import pytest

from lucidna.motifs.multiple_testing import benjamini_hochberg
from lucidna.motifs.null import _q_values, calibrate, enough_shuffled, evidence, null_notices

from .simulated import make_discovery, make_pattern

STRONG = make_pattern("pos_patterns.pattern_0", "TTACCCGGA", n_seqlets=80)
RARE = make_pattern("pos_patterns.pattern_1", "CACGTGACA", n_seqlets=10)
NEGATIVE = make_pattern("neg_patterns.pattern_0", "GGGCGATTA", n_seqlets=40)
NOISE = [make_pattern(f"pos_patterns.pattern_{i}", text, n_seqlets=6) for i, text in enumerate(("AAGAT", "TGTCA"))]
CHANCE_COPY = make_pattern("pos_patterns.pattern_7", "TTACCCGGA", n_seqlets=30)


BITS = 2 + 0.97 * np.log2(0.97) + 0.03 * np.log2(0.01)  # of a column of these patterns


def test_evidence_is_support_times_information_times_contribution():
    assert evidence(STRONG, n_regions=100) == pytest.approx(0.8 * 9 * BITS * 9)
    assert evidence(NEGATIVE, n_regions=100) == pytest.approx(0.4 * 9 * BITS * 9)
    flat = type(STRONG)(**{**vars(STRONG), "ppm": np.full_like(STRONG.ppm, 0.25)})
    assert evidence(flat, n_regions=100) == pytest.approx(0)


def test_labels_against_the_null():
    real = make_discovery([STRONG, RARE, NEGATIVE])
    table = calibrate(real, [make_discovery(NOISE)]).set_index("pattern")
    assert table.loc[STRONG.name, "label"] == "supported"
    assert table.loc[STRONG.name, "ratio"] == pytest.approx(80 * 9 * 9 / (6 * 5 * 5))
    assert table.loc[STRONG.name, "p_value"] == pytest.approx(1 / 3)
    assert (table.loc[STRONG.name, "null_draws"], table.loc[STRONG.name, "null_empty"]) == (1, 0)
    assert table.loc[RARE.name, "label"] == "supported"
    same = calibrate(make_discovery([NOISE[0]]), [make_discovery(NOISE)]).iloc[0]
    assert (same["label"], same["p_value"]) == ("as in the null", 1.0)
    negative = table.loc[NEGATIVE.name]
    assert (negative["label"], negative["n_null"]) == ("supported (null found none)", 0)
    # The one draw has no negative pattern: it is the one value, 0, of the null.
    assert (negative["null_empty"], negative["p_value"]) == (1, 1 / 2)


def test_margin_separates_weak_from_supported():
    slightly = make_pattern("pos_patterns.pattern_0", "CCCTG", n_seqlets=9)
    null = [make_discovery(NOISE)]
    assert calibrate(make_discovery([slightly]), null).iloc[0]["label"] == "weak"
    assert calibrate(make_discovery([slightly]), null, margin=1.2).iloc[0]["label"] == "supported"


def test_a_chance_copy_challenges_only_its_own_motif():
    table = calibrate(make_discovery([STRONG, RARE]), [make_discovery([*NOISE, CHANCE_COPY])]).set_index("pattern")
    assert table.loc[STRONG.name, "n_null"] == 3
    assert table.loc[STRONG.name, "ratio"] == pytest.approx(80 / 30)
    assert table.loc[RARE.name, "n_null"] == 2
    assert table.loc[RARE.name, "label"] == "supported"
    alone = calibrate(make_discovery([RARE]), [make_discovery([*NOISE, CHANCE_COPY])]).iloc[0]
    assert alone["label"] == "as in the null"


def test_draws_are_pooled_and_regions_counted():
    one = calibrate(make_discovery([STRONG]), [make_discovery(NOISE)]).iloc[0]
    two = calibrate(make_discovery([STRONG]), [make_discovery(NOISE), make_discovery(NOISE)]).iloc[0]
    assert (one["n_null"], two["n_null"]) == (2, 4)
    assert two["p_value"] == pytest.approx(1 / 5)
    many = calibrate(make_discovery([STRONG]), [make_discovery(NOISE, n_regions=1000)]).iloc[0]
    assert many["ratio"] == pytest.approx(10 * one["ratio"])
    # With the cap bound, the seqlets used come from a part of the regions only.
    capped = calibrate(make_discovery([STRONG], seen=1000, used=500), [make_discovery(NOISE)]).iloc[0]
    assert capped["statistic"] == pytest.approx(2 * one["statistic"])


def test_permuted_maps_challenge_by_their_patterns_only():
    shuffled = [make_discovery(NOISE)]
    stronger = make_pattern("pos_patterns.pattern_0", "AGGCTAT", n_seqlets=60)
    table = calibrate(make_discovery([STRONG]), shuffled, permuted=[make_discovery([stronger], strength=50.0)]).iloc[0]
    alone = calibrate(make_discovery([STRONG]), shuffled).iloc[0]
    assert (table["n_null"], alone["n_null"]) == (3, 2)
    # One value of permuted maps allows no less than 1 / 2, two of shuffled sequences 1 / 3.
    assert (alone["p_value"], alone["least_p"]) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert (table["p_value"], table["least_p"]) == (1 / 2, 1 / 2)
    assert table["ratio"] == pytest.approx(80 * 81 / (60 * 49))
    assert table["seqlet_q"] == alone["seqlet_q"]
    silent = calibrate(make_discovery([STRONG]), shuffled, permuted=[make_discovery([], strength=50.0)]).iloc[0]
    assert silent["ratio"] == alone["ratio"]
    only = calibrate(make_discovery([STRONG]), [], permuted=[make_discovery([stronger])]).iloc[0]
    assert (only["n_null"], only["label"]) == (1, "weak")
    assert only["ratio"] > 2  # smooth noise reaches that over permuted maps
    assert np.isnan(only["seqlet_q"])


def test_a_null_without_patterns_still_sets_a_bar():
    """Twenty seqlets of the null's strength is what noise could have had."""
    null = [make_discovery([], strength=15.0)]
    table = calibrate(make_discovery([STRONG, RARE, NEGATIVE]), null).set_index("pattern")
    assert table["label"].tolist() == [
        "supported (null found none)",
        "as in the null",
        "supported (null found none)",
    ]
    assert table.loc[STRONG.name, "null_max"] == pytest.approx(20 * 6 * 15 / 100)
    assert (table["p_value"] == 1 / 2).all()
    silent = calibrate(make_discovery([RARE]), [make_discovery([], strength=0.0)]).iloc[0]
    assert (silent["label"], silent["ratio"]) == ("supported (null found none)", np.inf)


def test_p_exists_and_falls_with_every_draw_that_finds_nothing():
    """The only pattern of a clean run: p = 1 / (1 + draws), q = 1 / draws."""
    for draws in (1, 2, 5):
        table = calibrate(make_discovery([STRONG]), [make_discovery([])] * draws).iloc[0]
        assert (table["n_null"], table["null_draws"], table["null_empty"]) == (0, draws, draws)
        assert table["p_value"] == pytest.approx(1 / (1 + draws))
        assert table["q_value"] == table["least_q"] == pytest.approx(1 / draws)
    # Draws with patterns have one value for each, draws without have one 0.
    both = calibrate(make_discovery([STRONG]), [make_discovery(NOISE), make_discovery([])]).iloc[0]
    assert (both["n_null"], both["null_empty"], both["p_value"]) == (2, 1, pytest.approx(1 / 4))
    larger = make_pattern("pos_patterns.pattern_3", "AGGCTATAGGC", n_seqlets=90)
    beaten = calibrate(make_discovery([STRONG]), [make_discovery([larger]), make_discovery([])]).iloc[0]
    assert beaten["p_value"] == pytest.approx(2 / 3)


def test_a_draw_that_was_not_searched_says_nothing():
    unsearched = make_discovery([], seen=59, used=0)
    row = calibrate(make_discovery([STRONG]), [unsearched, make_discovery([])]).iloc[0]
    assert (row["null_draws"], row["null_empty"], row["p_value"]) == (1, 1, pytest.approx(1 / 2))
    row = calibrate(make_discovery([STRONG]), [unsearched]).iloc[0]
    assert (row["null_draws"], row["null_empty"]) == (0, 0)
    assert np.isnan(row["p_value"])
    assert np.isnan(row["q_value"])
    # Its 59 seqlets in one pattern of noise are what a pattern must be larger than.
    assert row["null_max"] == pytest.approx(59 / 100 * 6 * 0.5)
    assert row["label"] == "supported (null found none)"
    notices = null_notices(row.to_frame().T, shuffled=1, permuted=0, fdr=0.6)
    assert len(notices) == 1
    assert "the sign of 1 pattern to be" in notices[0]
    # Permuted maps that were searched do not stand for shuffled sequences that were not.
    many = make_discovery([], seen=99, used=0, strength=25.0)
    for permuted in ([], [make_discovery([])] * 8):
        row = calibrate(make_discovery([STRONG]), [many], permuted=permuted).iloc[0]
        assert (row["null_draws"], row["shuffled_draws"]) == (len(permuted), 0)
        assert row["label"] == "as in the null"
        none = make_discovery([], seen=0, used=0, strength=0.0)
        row = calibrate(make_discovery([STRONG]), [none], permuted=permuted).iloc[0]
        assert row["label"] == "weak"
    notices = null_notices(row.to_frame().T, shuffled=1, permuted=8, fdr=0.6)
    assert len(notices) == 1
    assert "the sign of 1 pattern to be" in notices[0]


def test_few_shuffled_sequences_support_nothing():
    real = make_discovery([STRONG], n_regions=100)
    few = [make_discovery([], n_regions=20, strength=0.0)]
    assert calibrate(real, few)["label"].tolist() == ["weak"]
    assert calibrate(real, few * 3)["label"].tolist() == ["supported (null found none)"]
    assert not enough_shuffled(real, few)
    assert enough_shuffled(real, few * 3)
    assert not enough_shuffled(real, [])
    tested = calibrate(real, few)
    notices = null_notices(tested, shuffled=1, permuted=0, fdr=1.0, enough=False)
    assert len(notices) == 1
    assert "fewer than half as many" in notices[0]


def test_p_of_noise_against_noise_is_not_too_small():
    """Real maps and draws alike: the run's least p is at most 1 / (1 + draws) in no more than that share of runs."""
    rng = np.random.default_rng(0)
    draws, small = 4, 0

    def run():
        size = rng.integers(0, 60)
        return make_discovery([make_pattern("pos_patterns.pattern_0", "AAGAT", n_seqlets=size)] if size >= 20 else [])

    for _ in range(400):
        real, nulls = run(), [run() for _ in range(draws)]
        p_values = calibrate(real, nulls)["p_value"]
        small += len(p_values) > 0 and p_values.min() <= 1 / (1 + draws) + 1e-9
    assert 0.1 < small / 400 < 0.2 + 3 * (0.2 * 0.8 / 400) ** 0.5


@pytest.mark.parametrize("scale", [0.4, 1.0])
def test_many_permuted_draws_make_no_p_of_noise_small(scale):
    """Noise as the shuffled sequences have it, and permuted maps whose patterns are smaller."""
    rng = np.random.default_rng(1)

    def run(times=1.0):
        sizes = (20 + 60 * rng.random(3) * times).astype(int)
        return make_discovery(
            [make_pattern(f"pos_patterns.pattern_{i}", "AAGAT", n_seqlets=n) for i, n in enumerate(sizes)]
        )

    p_values = []
    for _ in range(150):
        nulls, permuted = [run() for _ in range(3)], [run(scale) for _ in range(8)]
        p_values += calibrate(run(), nulls, permuted=permuted)["p_value"].tolist()
    p_values = np.array(p_values)
    for level in (0.1, 0.2, 0.4):
        assert (p_values <= level).mean() <= level + 3 * (level * (1 - level) / 150) ** 0.5
    assert (p_values <= 0.4).mean() > 0.1


def test_q_is_the_null_patterns_of_a_draw_over_the_real_patterns():
    texts = ("AACCGGTT", "ACACACGT", "GGATTACA", "CATGGCAA")
    real = [make_pattern(f"pos_patterns.pattern_{i}", text, n_seqlets=90 - 20 * i) for i, text in enumerate(texts)]
    rival = make_pattern("pos_patterns.pattern_0", "TTTGAGAG", n_seqlets=40)  # below three, above one
    nulls = [make_discovery([rival]), make_discovery([])]
    table = calibrate(make_discovery([*real, NEGATIVE]), nulls)
    assert table["q_value"].tolist() == pytest.approx([1 / 2 / 3] * 3 + [2 / 2 / 4, 1 / 2])
    assert table["least_q"].tolist() == pytest.approx([1 / 2 / 4] * 4 + [1 / 2])
    assert "q-value below 0.12" in null_notices(table, shuffled=2, permuted=0, fdr=0.1)[0]
    assert null_notices(table, shuffled=2, permuted=0, fdr=0.2) == []
    # The larger of the two kinds; here that of the one draw of permuted maps.
    both = calibrate(make_discovery(real), nulls, permuted=[make_discovery([rival])])
    assert both["q_value"].tolist() == pytest.approx([1 / 1 / 3] * 3 + [2 / 1 / 4])
    # A copy of the first pattern is a chance instance of a motif when it is much smaller, and noise when it is not.
    for size, counts in ((42, 0), (60, 1)):
        copied = make_pattern("pos_patterns.pattern_1", texts[0], n_seqlets=size)
        table = calibrate(make_discovery(real), [make_discovery([copied, rival]), make_discovery([])])
        assert table["q_value"].tolist() == pytest.approx(
            [min(1 / 2 / 2, (1 + counts) / 2 / 3)] * 2 + [(1 + counts) / 2 / 3, (2 + counts) / 2 / 4]
        ), size

    # A draw of half as many regions finds less of what noise has: it counts half.
    half = calibrate(make_discovery(real), [make_discovery([], n_regions=50)] * 2)
    assert half["q_value"].tolist() == pytest.approx([1 / 4] * 4)
    larger = calibrate(make_discovery(real), [make_discovery([], n_regions=300)] * 2)
    assert larger["q_value"].tolist() == pytest.approx([1 / 2 / 4] * 4)


def runs_of_noise(draws: int, motifs: int, spread: float, rng) -> tuple[np.ndarray, np.ndarray]:
    """q-values of noise and of motifs in one run: numbers of patterns as Poisson counts, or more variable ones."""

    def noise():
        mean = 5 if spread == 0 else 5 * rng.gamma(1 / spread, spread)
        return np.exp(rng.normal(size=rng.poisson(mean)))

    def discovery(n):
        return SimpleNamespace(
            patterns=[SimpleNamespace(sign="pos")] * n,
            facts={"n_regions": 100, "pos_seqlets_used": 1, "neg_seqlets_used": 0},
        )

    statistics = np.concatenate([np.exp(rng.normal(2, 1, size=motifs)), noise()])
    values = [noise() for _ in range(draws)]
    nulls = [discovery(len(found)) for found in values]
    rates = _q_values(discovery(len(statistics)), (nulls, []), statistics, np.concatenate(values))[:, 0]
    return rates[motifs:], rates[:motifs]


@pytest.mark.parametrize("spread", [0, 0.3])
@pytest.mark.parametrize("motifs", [0, 8])
@pytest.mark.parametrize("draws", [1, 2, 4])
def test_the_share_of_false_patterns_is_at_most_what_q_says(draws, motifs, spread):
    """Half of these q-values would fail: with motifs, shares are close to what is promised."""
    rng, runs = np.random.default_rng([draws, motifs]), 600
    shares, found = {0.1: [], 0.2: [], 0.4: []}, []
    for _ in range(runs):
        false, true = runs_of_noise(draws, motifs, spread, rng)
        for level, seen in shares.items():
            called = (false <= level).sum(), (true <= level).sum()
            seen.append(called[0] / max(sum(called), 1))
        found.append((true <= 0.4).mean() if motifs else np.nan)
    for level, seen in shares.items():
        assert np.mean(seen) <= level + 2 * np.std(seen) / runs**0.5, level
    assert not motifs or (np.mean(found) > 0.5 and np.mean(shares[0.4]) > 0.2)


def test_noise_that_is_alike_in_every_run_is_not_taken_for_chance_instances():
    """Five kinds of noise, each in every run: without their copies nothing would speak against them."""
    rng = np.random.default_rng(8)
    texts = ("AAAAAAA", "GCGCGCG", "TATATAT", "CCCCACC", "GTGTGTG")

    def run():
        sizes = 20 + rng.exponential(15, size=len(texts)).astype(int)
        patterns = zip(texts, sizes, strict=True)
        return make_discovery(
            [make_pattern(f"pos_patterns.pattern_{i}", text, n_seqlets=n) for i, (text, n) in enumerate(patterns)]
        )

    called = [(calibrate(run(), [run(), run()])["q_value"] <= 0.2).any() for _ in range(30)]
    assert np.mean(called) <= 0.2


@pytest.mark.parametrize("motifs", [0, 8])
@pytest.mark.parametrize("draws", [2])
def test_the_share_of_false_patterns_is_what_q_says(motifs, draws):
    """Runs of noise, with and without motifs, against draws of the same noise; both kinds of null are alike.

    Half of the noise is alike in every run, as clusters of one base are, and half is not.
    """
    rng = np.random.default_rng(draws)
    recurring = [("AAAAAAA", 1.0), ("GCGCGCG", 0.5), ("TATATAT", 2.0)]

    def noise(first=0):
        made = [kind for kind in recurring if rng.random() < 0.8]
        made += [("".join(rng.choice(list("ACGT"), 7)), 1.0) for _ in range(rng.poisson(2))]
        texts = [text for text, _ in made]
        sizes = [int(20 + rng.exponential(15) * scale) for _, scale in made]
        return [
            make_pattern(f"pos_patterns.pattern_{first + i}", text, n_seqlets=n)
            for i, (text, n) in enumerate(zip(texts, sizes, strict=True))
        ]

    false, found, runs = {0.1: [], 0.2: [], 0.4: []}, [], 30
    for _ in range(runs):
        true = [
            make_pattern(f"pos_patterns.pattern_{i}", "".join(rng.choice(list("ACGT"), 9)), n_seqlets=n)
            for i, n in enumerate(rng.integers(20, 200, size=motifs))
        ]
        real = make_discovery([*true, *noise(motifs)])
        nulls, permuted = ([make_discovery(noise()) for _ in range(draws)] for _ in range(2))
        q_values = calibrate(real, nulls, permuted=permuted)["q_value"].to_numpy()
        for level, shares in false.items():
            called = np.flatnonzero(q_values <= level)
            shares.append((called >= motifs).sum() / max(len(called), 1))
        found.append((q_values[:motifs] <= 0.2).mean() if motifs else np.nan)
    for level, shares in false.items():
        assert np.mean(shares) <= level + 3 * np.std(shares) / runs**0.5, level
    # The rates are not kept by calling nothing, nor by calling motifs alone.
    assert not motifs or (np.mean(found) > 0.8 and np.mean(false[0.4]) > 0.1)


def test_seqlet_q_counts_null_seqlets_as_strong():
    weak_null = calibrate(make_discovery([STRONG]), [make_discovery(NOISE)]).iloc[0]["seqlet_q"]
    strong_null = calibrate(make_discovery([STRONG]), [make_discovery([CHANCE_COPY])]).iloc[0]["seqlet_q"]
    assert weak_null == pytest.approx(1 / 80)
    assert strong_null == pytest.approx(31 / 80)


def test_without_a_null_nothing_is_claimed():
    row = calibrate(make_discovery([STRONG]), []).iloc[0]
    assert row["label"] == "not tested"
    assert np.isnan(row["p_value"])
    assert len(calibrate(make_discovery([]), [make_discovery(NOISE)])) == 0


def test_benjamini_hochberg():
    q_values = benjamini_hochberg(np.array([0.04, np.nan, 0.01, 0.03, 0.9]))
    np.testing.assert_allclose(q_values, [4 / 75, np.nan, 0.04, 4 / 75, 0.9])
