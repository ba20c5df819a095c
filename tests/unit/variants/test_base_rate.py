import numpy as np
import pytest

from lucidna.sequence import decode, encode
from lucidna.variants import base_rate as module
from lucidna.variants.base_rate import SiteCounts, base_rate, count_sites
from lucidna.variants.sites import makes_or_breaks, site_changes
from lucidna.variants.windows import allele_windows, trimmed

WORD, LENGTH = "TGCCTTACG", 60
GENOME = "A" * 40 + WORD + "A" * 40


def ppm(word, weight=0.97):
    matrix = np.full((4, len(word)), (1 - weight) / 3)
    matrix[encode(word), np.arange(len(word))] = weight
    return matrix


def scanned(genome, variants, motifs):
    """What `count_sites` takes, of variants (start, ref, alt) of a chromosome."""
    codes = encode(genome)
    windows = [allele_windows(codes, *variant, length=LENGTH) for variant in variants]
    reference, alternative = (np.stack(each) for each in zip(*windows, strict=True))
    own = np.array([trimmed(ref, alt) for _, ref, alt in variants])
    first, place = LENGTH // 2 + own[:, 0], np.array([start for start, *_ in variants]) + own[:, 0]
    changes = site_changes(reference, alternative, first, own[:, 1:], place, motifs)
    return reference, alternative, first, own[:, 1:], changes, motifs


def drawn(n, *, seed, size=20_000):
    """A random chromosome, places, and ten motifs of nine bases."""
    rng = np.random.default_rng(seed)
    genome = decode(rng.integers(0, 4, size=size).astype(np.uint8))
    motifs = {f"m{k}": rng.dirichlet([0.25] * 4, size=9).T for k in range(10)}
    return genome, rng.choice(np.arange(LENGTH, size - LENGTH), size=n, replace=False), motifs, rng


def others_of(letter):
    return [base for base in "ACGT" if base != letter]


def test_a_case_that_can_be_counted_by_hand():
    matrix = ppm(WORD)
    matrix[:, 4] = (0.01, 0.49, 0.01, 0.49)
    variants = [
        (44, "T", "C"),  # as good as the T: nothing breaks; either other base does
        (44, "T", "A"),  # breaks; of the others, G does and C does not
        (47, "C", "G"),  # breaks, as do both others
        (46, "AC", "AT"),  # the same place, with the base before it: breaks, as do both others
        (20, "A", "C"),  # far from the word
        (42, "CCTT", "C"),  # a deletion, an insertion and two bases for two are left out
        (44, "T", "TGG"),
        (44, "TT", "GG"),
    ]
    counts = count_sites(*scanned(GENOME, variants, {"word": matrix}))
    assert counts == SiteCounts(variants=5, changing=3, others=10, others_changing=2 + 1 + 2 + 2)
    # A second pattern at the same bases makes no second site of them.
    assert count_sites(*scanned(GENOME, variants, {"word": matrix, "again": matrix})) == counts
    assert base_rate(counts, n_patterns=1) == {
        "patterns": 1,
        "variants": 5,
        "make_or_break": 0.6,
        "other_substitutions": 10,
        "others_make_or_break": 0.7,
    }


def test_sites_that_are_made_count():
    broken = GENOME[:44] + "A" + GENOME[45:]
    motifs = {"word": ppm(WORD)}
    assert count_sites(*scanned(broken, [(44, "A", "T")], motifs)) == SiteCounts(1, 1, 2, 0)
    assert count_sites(*scanned(broken, [(44, "A", "C")], motifs)) == SiteCounts(1, 0, 2, 1)


def test_the_others_are_judged_as_variants_are():
    genome, places, motifs, _ = drawn(300, seed=3)
    variants = [(place, genome[place], alt) for place in places for alt in others_of(genome[place])]
    reference, alternative, first, lengths, changes, _ = scanned(genome, variants, motifs)
    expected = [any(site.makes or site.breaks for site in sites) for sites in changes]
    assert 0 < sum(expected) < len(expected)
    assert makes_or_breaks(reference, [alternative], first, motifs)[0].tolist() == expected
    # Each of the three is twice an other one.
    counts = count_sites(reference, alternative, first, lengths, changes, motifs)
    assert counts == SiteCounts(900, sum(expected), 1800, 2 * sum(expected))


def test_alternatives_drawn_at_random_change_as_many_sites_as_the_others():
    genome, places, motifs, rng = drawn(4000, seed=7, size=40_000)
    random = [(place, genome[place], rng.choice(others_of(genome[place]))) for place in places]
    scan = scanned(genome, random, motifs)
    rate = base_rate(count_sites(*scan), n_patterns=10)
    share, others = rate["make_or_break"], rate["others_make_or_break"]
    assert 0.01 < others < 0.1
    # Three standard errors, were the substitutions of one place independent.
    tolerance = 3 * np.sqrt(others * (1 - others) * (1 / 4000 + 1 / 8000))
    assert abs(share - others) < tolerance
    # The tolerance tells variants that were picked for a site, one in ten of them, from these.
    picked, hit = list(random), makes_or_breaks(scan[0], [scan[1]], scan[2], motifs)[0]
    sites = [variant for variant, changes in zip(random, hit, strict=True) if changes]
    picked[:400] = [sites[row % len(sites)] for row in range(400)]
    rate = base_rate(count_sites(*scanned(genome, picked, motifs)), n_patterns=10)
    assert rate["make_or_break"] - rate["others_make_or_break"] > tolerance


def test_blocks_change_nothing_and_the_windows_stay_as_they_are(monkeypatch):
    genome, places, motifs, rng = drawn(50, seed=1)
    scan = scanned(genome, [(place, genome[place], rng.choice(others_of(genome[place]))) for place in places], motifs)
    before = [windows.copy() for windows in scan[:2]]
    whole = count_sites(*scan)
    monkeypatch.setattr(module, "_ROWS", 7)
    assert count_sites(*scan) == whole
    for windows, copy in zip(scan[:2], before, strict=True):
        np.testing.assert_array_equal(windows, copy)


@pytest.mark.parametrize("motifs", [{}, {"word": ppm(WORD)}])
def test_without_patterns_or_substitutions_there_is_no_rate(motifs):
    variants = [(42, "CCTT", "C")] if motifs else [(44, "T", "C")]
    counts = count_sites(*scanned(GENOME, variants, motifs))
    assert counts == SiteCounts()
    rate = base_rate(counts, n_patterns=len(motifs))
    assert (rate["variants"], rate["make_or_break"], rate["others_make_or_break"]) == (0, None, None)


def test_counts_of_blocks_add_up():
    assert SiteCounts(1, 2, 3, 4) + SiteCounts(10, 20, 30, 40) == SiteCounts(11, 22, 33, 44)
