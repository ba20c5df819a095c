import numpy as np
import pytest

from lucidna.ppm import information
from lucidna.simulate.grammar import (
    DIFFICULTIES,
    PAIR_ALONE,
    PAIR_EFFECT,
    PAIR_SPACING,
    build_motifs,
    describe,
    find_matches,
    strengths,
)
from lucidna.truth import match_patterns

CODE = {base: code for code, base in enumerate("ACGT")}


def place(*sites: tuple[int, str, str], length: int = 200) -> np.ndarray:
    """Put sites (start, letters, strand) on a background without any motif."""
    codes = np.zeros(length, dtype=np.uint8)
    for start, letters, strand in sites:
        site = np.array([CODE[base] for base in letters], dtype=np.uint8)
        codes[start : start + len(site)] = site if strand == "+" else 3 - site[::-1]
    return codes


@pytest.fixture(scope="module")
def motifs():
    return build_motifs(DIFFICULTIES["standard"])


def test_roles_and_information(motifs):
    roles = [motif.role for motif in motifs.values()]
    assert [roles.count(role) for role in ("activator", "pair", "repressor", "decoy")] == [5, 2, 1, 2]
    for motif in motifs.values():
        assert information(motif.ppm).sum() == pytest.approx(0.8 * 2 * motif.width)
        assert (motif.effect > 0, motif.effect < 0) == {
            "activator": (True, False),
            "pair": (True, False),
            "repressor": (False, True),
            "decoy": (False, False),
        }[motif.role]


def test_no_two_motifs_resemble_each_other(motifs):
    ppms = {name: motif.ppm for name, motif in motifs.items()}
    table = match_patterns(ppms, ppms, top=None)
    others = table[table["pattern"] != table["motif"]]
    assert others["correlation"].max() < 0.75
    own = table[table["pattern"] == table["motif"]]
    np.testing.assert_allclose(own["correlation"], 1)


def test_matches_are_found_on_both_strands_once(motifs):
    codes = place((20, "TTACCCGGAA", "+"), (60, "CCACCAGGGGGCGC", "-"))
    matches = find_matches(codes, motifs)
    assert matches[["start", "end", "motif", "strand"]].to_numpy().tolist() == [
        [20, 30, "REB1", "+"],
        [60, 74, "CTCF", "-"],
    ]
    effects = strengths(matches, motifs)
    np.testing.assert_allclose(effects, [motifs["REB1"].effect, motifs["CTCF"].effect], rtol=1e-5)


def test_of_overlapping_matches_the_better_stays(motifs):
    """TGACTCA reads much the same on both strands; one site is one instance."""
    matches = find_matches(place((50, "GATGACTCATC", "-")), motifs)
    assert matches[["start", "motif", "strand"]].to_numpy().tolist() == [[50, "AP1", "-"]]


def test_a_sequence_without_matches(motifs):
    matches = find_matches(place(), motifs)
    assert matches.columns.tolist() == ["start", "end", "motif", "score", "strand", "role"]
    assert len(matches) == len(strengths(matches, motifs)) == 0


def test_a_weaker_match_has_less_effect(motifs):
    perfect = strengths(find_matches(place((50, "CCACCAGGGGGCGC", "+")), motifs), motifs)
    mutated = find_matches(place((50, "CCACCAGGGGGCGA", "+")), motifs)
    assert 0 < strengths(mutated, motifs)[0] < 0.9 * perfect[0]


@pytest.mark.parametrize("strand", ["+", "-"])
@pytest.mark.parametrize(
    ("shift", "together"), [(0, True), (2, True), (-2, True), (3, False), (-3, False), (12, False)]
)
def test_the_pair_needs_its_spacing(motifs, strand, shift, together):
    first, second = motifs["OCT"], motifs["SOX"]
    distance = PAIR_SPACING + shift
    start = 100 - distance if strand == "-" else 100 + distance
    codes = place((100, first.consensus, strand), (start, second.consensus, strand))
    matches = find_matches(codes, motifs)
    assert set(matches["motif"]) == {"OCT", "SOX"}
    expected = PAIR_EFFECT / 2 if together else PAIR_ALONE
    np.testing.assert_allclose(strengths(matches, motifs), expected, rtol=1e-5)


def test_the_pair_needs_its_order_and_strand(motifs):
    first, second = motifs["OCT"].consensus, motifs["SOX"].consensus
    for sites in (
        [(100, first, "+"), (100 + PAIR_SPACING, second, "-")],
        [(100 + PAIR_SPACING, first, "+"), (100, second, "+")],
    ):
        np.testing.assert_allclose(strengths(find_matches(place(*sites), motifs), motifs), PAIR_ALONE, rtol=1e-5)


def test_harder_means_weaker_and_noisier():
    easy, standard, hard = (DIFFICULTIES[name] for name in ("easy", "standard", "hard"))
    assert easy.effect > standard.effect > hard.effect
    assert easy.sharpness > standard.sharpness > hard.sharpness
    assert easy.noise < standard.noise < hard.noise
    assert easy.empty < standard.empty < hard.empty


def test_description_is_plain(motifs):
    described = {entry["name"]: entry for entry in describe(motifs)}
    assert described["OCT"]["partner"] == "SOX"
    assert described["OCT"]["spacing"]["start_to_start"] == PAIR_SPACING
    assert described["GATA"]["partner"] is None
    assert np.array(described["GATA"]["ppm"]).shape == (4, 10)
