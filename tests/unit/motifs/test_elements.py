import numpy as np
import pandas as pd

from lucidna.motifs.core import without_strays
from lucidna.motifs.elements import Part, blocks, element_hits, elements, is_palindrome
from lucidna.motifs.patterns import Pattern

from .simulated import make_pattern, text_to_ppm

OCT, SOX, REB = "TATTTGCATA", "CCTTTGTTCT", "TTACCCGGAA"


def composite(name, words, gaps, *, n_seqlets, reverse=False):
    """A pattern that spells words with gaps of even bases between them."""
    made = make_pattern(name, "A" * 5, n_seqlets=n_seqlets)
    ppm = [text_to_ppm(words[0])]
    for gap, word in zip(gaps, words[1:], strict=True):
        ppm += [np.full((4, gap), 0.25), text_to_ppm(word)]
    ppm = np.concatenate(ppm, axis=1)
    ppm = ppm[::-1, ::-1] if reverse else ppm
    ppm = np.pad(ppm, ((0, 0), (4, 4)), constant_values=0.25)
    cwm = ppm - 0.25
    return Pattern(name, made.sign, ppm, cwm, cwm, made.seqlets, *without_strays(ppm, cwm))


def test_blocks_are_runs_of_informative_columns():
    pattern = composite("pos_patterns.pattern_0", [OCT, SOX], [6], n_seqlets=5)
    assert blocks(pattern.ppm[:, pattern.core]) == [(0, 10), (16, 26)]
    assert blocks(text_to_ppm(OCT)) == [(0, 10)]
    assert blocks(np.full((4, 7), 0.25)) == [(0, 7)]
    short = composite("pos_patterns.pattern_0", ["TAC", "GGA"], [2], n_seqlets=5)
    assert len(blocks(short.ppm[:, short.core])) == 1


def test_composites_are_taken_apart_and_copies_joined():
    patterns = [
        make_pattern("pos_patterns.pattern_0", REB, n_seqlets=200),
        make_pattern("pos_patterns.pattern_1", REB, n_seqlets=100),
        make_pattern("pos_patterns.pattern_2", OCT, n_seqlets=50),
        composite("pos_patterns.pattern_3", [OCT, SOX], [6], n_seqlets=40),
        composite("pos_patterns.pattern_4", [OCT, SOX], [4], n_seqlets=30, reverse=True),
    ]
    parts, table = elements(patterns)
    assert [part.element for part in parts["pos_patterns.pattern_1"]] == ["pos_patterns.pattern_0"]
    assert parts["pos_patterns.pattern_3"] == [
        Part("pos_patterns.pattern_2", 0, 10, False),
        Part("pos_patterns.pattern_3:2", 16, 26, False),
    ]
    assert parts["pos_patterns.pattern_4"] == [
        Part("pos_patterns.pattern_3:2", 0, 10, True),
        Part("pos_patterns.pattern_2", 14, 24, True),
    ]
    assert table["consensus"].tolist() == [REB, REB, OCT, OCT, SOX, SOX, OCT]
    assert table["strand"].tolist() == ["+"] * 5 + ["-"] * 2


def test_a_bipartite_motif_stays_whole():
    patterns = [
        composite("pos_patterns.pattern_0", ["ATCACG", "TGACGT"], [5], n_seqlets=90),
        composite("pos_patterns.pattern_1", ["ATCACG", "TGACGT"], [5], n_seqlets=40),
        make_pattern("pos_patterns.pattern_2", REB, n_seqlets=30),
    ]
    parts, _ = elements(patterns)
    assert parts["pos_patterns.pattern_0"] == [Part("pos_patterns.pattern_0", 0, 17, False)]
    assert [part.element for part in parts["pos_patterns.pattern_1"]] == ["pos_patterns.pattern_0"]
    assert elements([])[0] == {}


def test_signs_are_kept_apart():
    parts, _ = elements([make_pattern(f"{sign}_patterns.pattern_0", REB, n_seqlets=20) for sign in ("pos", "neg")])
    assert {own[0].element for own in parts.values()} == set(parts)


def test_palindromes_have_no_strand_and_chains_are_not_one_instance():
    words = {"TCACGTGA": True, "GTCACGTGA": True, "TGACTCA": True, "TTACCCGG": False, "CGATATCGGG": True}
    for word, own in words.items():
        assert is_palindrome(text_to_ppm(word)) is own, word
    parts = {"p": [Part("p", 0, 8, False, True)], "q": [Part("q", 0, 8, False)]}
    hits = pd.DataFrame(
        [(0, 10, 18, strand, "p") for strand in "+-"] + [(1, at, at + 8, "+", "q") for at in (0, 3, 6, 9)],
        columns=["row", "start", "end", "strand", "pattern"],
    )
    table = element_hits(hits, parts, length=100)
    found = [tuple(row) for row in table[["pattern", "start", "strand", "palindrome"]].itertuples(index=False)]
    assert found == [("p", 10, "+", True), ("q", 0, "+", False), ("q", 6, "+", False)]


def test_hits_of_a_composite_are_hits_of_its_halves():
    parts = {
        "single": [Part("o", 0, 10, False)],
        "pair": [Part("o", 0, 10, False), Part("s", 16, 26, True)],
    }
    hits = pd.DataFrame(
        [
            (0, 50, 76, "+", "pair"),
            (0, 51, 61, "+", "single"),  # the same instance, one bp off
            (1, 50, 76, "-", "pair"),
            (2, 80, 90, "-", "single"),
        ],
        columns=["row", "start", "end", "strand", "pattern"],
    )
    table = element_hits(hits, parts, length=100)
    assert table["alone"].tolist() == [True, False, True, False, False]
    found = [tuple(row) for row in table[["pattern", "row", "start", "end", "strand"]].itertuples(index=False)]
    assert found == [
        ("o", 0, 50, 60, "+"),
        ("o", 1, 66, 76, "-"),
        ("o", 2, 80, 90, "-"),
        ("s", 0, 66, 76, "-"),
        ("s", 1, 50, 60, "+"),
    ]
    assert len(element_hits(hits, parts, length=70)) == 2
    assert element_hits(hits[:0], parts, length=100).empty
