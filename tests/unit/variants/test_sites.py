import numpy as np
import pytest
from memelite.fimo import fimo

from lucidna.sequence import encode, one_hot_numpy
from lucidna.variants.sites import CHANGE, MATCH_P, best_sites, log_odds, match_score, site_changes
from lucidna.variants.windows import allele_windows, trimmed

WORD = "TGCCTTACG"


def ppm(word, weight=0.97):
    matrix = np.full((4, len(word)), (1 - weight) / 3)
    matrix[encode(word), np.arange(len(word))] = weight
    return matrix


def changes(genome, start, ref, alt, motifs, *, length=60):
    """Sites of one variant of a chromosome, as the stage finds them."""
    assert genome[start : start + len(ref)] == ref
    reference, alternative = allele_windows(encode(genome), start, ref, alt, length=length)
    lead, n_ref, n_alt = trimmed(ref, alt)
    first, lengths, place = np.array([length // 2 + lead]), np.array([[n_ref, n_alt]]), np.array([start + lead])
    return site_changes(reference[None], alternative[None], first, lengths, place, motifs)[0]


@pytest.mark.parametrize("width", [6, 9, 14])
def test_matches_are_those_of_fimo(width):
    rng = np.random.default_rng(width)
    matrix = rng.dirichlet([0.15] * 4, size=width).T
    codes = rng.integers(0, 4, size=(50, 2000)).astype(np.uint8)
    table = fimo({"motif": matrix}, one_hot_numpy(codes), threshold=MATCH_P)[0]
    threshold, found = match_score(log_odds(matrix)), 0
    for pwm in (log_odds(matrix), log_odds(matrix)[::-1, ::-1]):
        starts = codes.shape[1] - width + 1
        scores = sum(pwm[codes[:, offset : offset + starts], offset] for offset in range(width))
        found += int((scores > threshold).sum())
    assert found == len(table)
    assert (found > 0) == (width > 6)  # of 4 ** 6 words, the best alone has p > 1e-4


def test_best_site_is_that_of_a_search_through_all():
    rng = np.random.default_rng(0)
    codes = rng.choice(5, p=[0.24, 0.24, 0.24, 0.24, 0.04], size=(40, 50)).astype(np.uint8)
    first, lengths = rng.integers(2, 40, size=40), rng.integers(0, 6, size=40)
    pwm = rng.normal(size=(4, 7))
    score, start, forward = best_sites(codes, first, lengths, pwm)
    assert np.isfinite(score).sum() > 30
    columns = [np.vstack([strand, np.full(7, -np.inf)]) for strand in (pwm, pwm[::-1, ::-1])]
    for row in range(40):
        a, b = first[row], first[row] + lengths[row]
        places = [s for s in range(44) if (s < b and s + 7 > a if a < b else s < a < s + 7)]
        each = {(s, k): columns[k][codes[row, s : s + 7], np.arange(7)].sum() for s in places for k in (0, 1)}
        best = max(each, key=each.get)
        if each[best] == -np.inf:  # an N in every site
            assert score[row] == -np.inf
            continue
        assert score[row] == pytest.approx(each[best])
        assert (start[row], forward[row]) == (best[0], best[1] == 0)


@pytest.mark.parametrize("offset", range(len(WORD)))
@pytest.mark.parametrize("strand", "+-")
def test_every_substitution_of_a_consensus_instance_breaks_it(offset, strand):
    word = WORD if strand == "+" else WORD[::-1].translate(str.maketrans("ACGT", "TGCA"))
    genome = "A" * 40 + word + "A" * 40
    start, ref = 40 + offset, word[offset]
    for alt in set("ACGT") - {ref}:
        (site,) = changes(genome, start, ref, alt, {"word": ppm(WORD)})
        assert site.breaks
        assert not site.makes
        assert (site.start, site.end, site.strand) == (40, 49, strand)
        assert site.reference == pytest.approx(9 * np.log2(0.9701 / 0.25))
        # The other sites at the place are far worse, so the change is the ratio of the two frequencies.
        assert site.change == pytest.approx(np.log2(0.0101 / 0.9701))
        changed = genome[:start] + alt + genome[start + 1 :]
        (back,) = changes(changed, start, alt, ref, {"word": ppm(WORD)})
        assert back.makes
        assert back.change == pytest.approx(-site.change)
        assert (back.start, back.end, back.strand) == (40, 49, strand)


def test_an_uninformative_base_changes_little_and_breaks_nothing():
    matrix = ppm(WORD)
    matrix[:, 4] = (0.2, 0.2, 0.2, 0.4)
    genome = "A" * 40 + WORD + "A" * 40
    (site,) = changes(genome, 44, "T", "C", {"word": matrix})
    assert site.change == pytest.approx(np.log2(0.2001 / 0.4001))
    assert abs(site.change) < CHANGE
    assert not site.breaks
    assert not site.makes


def test_places_beside_the_site_do_not_count():
    genome = "A" * 40 + WORD + "A" * 40
    for start in (39, 49):
        assert changes(genome, start, "A", "C", {"word": ppm(WORD)}) == []
    assert changes(genome, 44, "T", "C", {}) == []
    # The base before an insertion is in the instance, the insertion behind it.
    assert changes(genome, 48, "G", "GCC", {"word": ppm(WORD)}) == []


def test_indels_have_places_in_the_reference():
    genome = "A" * 40 + WORD + "A" * 40
    motifs = {"word": ppm(WORD)}
    (site,) = changes(genome, 42, "CCTT", "C", motifs)
    assert site.breaks
    assert (site.start, site.end) == (40, 49)
    (site,) = changes("A" * 80, 40, "A", "A" + WORD, motifs)
    assert site.makes
    assert (site.start, site.end) == (41, 41)
    # An insertion completes the word around it: its place is what the reference has of it.
    (site,) = changes("A" * 40 + "TGCTACG" + "A" * 40, 42, "C", "CCT", motifs)
    assert site.makes
    assert (site.start, site.end) == (40, 47)
    # What stands outside of the word is cut out of its middle.
    (site,) = changes("A" * 40 + "TGCCGGGTTACG" + "A" * 40, 43, "CGGG", "C", motifs)
    assert site.makes
    assert (site.start, site.end) == (40, 52)


def test_the_largest_change_comes_first():
    genome = "A" * 40 + WORD + "A" * 40
    sites = changes(genome, 44, "T", "C", {"soft": ppm(WORD, 0.9), "hard": ppm(WORD, 0.97)})
    assert [site.name for site in sites] == ["hard", "soft"]


def test_a_site_with_an_unknown_base_is_none():
    unknown = np.full((1, 30), 4, np.uint8)
    unknown[0, 12:17] = [0, 2, 1, 3, 0]  # an island as short as what follows the begin of a chromosome
    score, _, _ = best_sites(unknown, np.array([14]), np.array([1]), log_odds(ppm("TTACCCGG")))
    assert score[0] == -np.inf
    unknown[0, 10:20] = 1
    assert np.isfinite(best_sites(unknown, np.array([14]), np.array([1]), log_odds(ppm("TTACCCGG")))[0][0])
