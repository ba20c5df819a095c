import numpy as np

from lucidna.meme import Motif
from lucidna.motifs.composite import composite_names, composites

from .simulated import make_pattern, text_to_ppm

A, B, C = "TTACCCGGA", "CACGTGACA", "GGGCGATTA"
FIRST = make_pattern("pos_patterns.pattern_0", A, n_seqlets=80)
SECOND = make_pattern("pos_patterns.pattern_1", B, n_seqlets=60)


def spaced(name, *texts, gap=5, rng=None):
    """A pattern of words with bases between them that contribute nothing."""
    pattern = make_pattern(name, ("A" * gap).join(texts), n_seqlets=40)
    cwm, ppm = pattern.cwm.copy(), pattern.ppm.copy()
    at = 3
    for text in texts[:-1]:
        at += len(text)
        cwm[:, at : at + gap], ppm[:, at : at + gap] = 0.01, 0.25
        at += gap
    return type(pattern)(**{**vars(pattern), "cwm": cwm, "ppm": ppm})


def test_two_patterns_and_their_spacing():
    pair = spaced("pos_patterns.pattern_2", A, B[::-1].translate(str.maketrans("ACGT", "TGCA")))
    table = composites([FIRST, SECOND, pair]).set_index("pattern")
    assert table.loc[pair.name, "composite_of"] == f"{FIRST.name}+ + {SECOND.name}- spacing 5"
    assert table.loc[FIRST.name, "half_of"] == table.loc[SECOND.name, "half_of"] == pair.name
    assert table.loc[[FIRST.name, SECOND.name], "composite_of"].tolist() == ["", ""]
    assert table.loc[pair.name, "half_of"] == ""


def test_a_composite_has_the_names_of_both_halves():
    pair = spaced("pos_patterns.pattern_2", A, B)
    table = composites([FIRST, SECOND, pair])
    # Compared as a whole it is like one of them.
    names = {FIRST.name: "REB1", SECOND.name: "CBF1", pair.name: "CBF1"}
    assert composite_names(table, names) == {pair.name: "REB1+CBF1"}
    assert composite_names(table, {FIRST.name: "REB1"}) == {pair.name: "REB1+pattern_1"}
    # Halves from the database: their second names.
    of = table.assign(composite_of=["", "", "MA0363.2+ + MA1418.1- spacing -1"])
    motifs = [Motif("MA0363.2", "MA0363.2.REB1", None), Motif("MA1418.1", "IRF3", None)]
    assert composite_names(of, {}, motifs) == {pair.name: "REB1+IRF3"}


def test_one_pattern_twice_without_a_gap():
    twice = make_pattern("pos_patterns.pattern_2", A + A, n_seqlets=40)
    table = composites([FIRST, SECOND, twice]).set_index("pattern")
    assert table.loc[twice.name, "composite_of"] == f"{FIRST.name}+ + {FIRST.name}+ spacing 0"
    assert (table.loc[FIRST.name, "half_of"], table.loc[SECOND.name, "half_of"]) == (twice.name, "")


def test_copies_halves_alone_and_other_signs_are_no_composites():
    copy = make_pattern("pos_patterns.pattern_2", "T" + A, n_seqlets=40)
    half_known = spaced("pos_patterns.pattern_3", A, C)
    assert (composites([FIRST, SECOND, copy, half_known])[["composite_of", "half_of"]] == "").all().all()
    pair = spaced("pos_patterns.pattern_2", A, B)
    negative = make_pattern("neg_patterns.pattern_0", B, n_seqlets=40)
    assert (composites([FIRST, negative, pair])["composite_of"] == "").all()
    assert composites([]).empty


def test_parts_of_a_composite_are_preferred_to_composites():
    pair = spaced("pos_patterns.pattern_2", A, B)
    triple = spaced("pos_patterns.pattern_3", A, B, C)
    third = make_pattern("pos_patterns.pattern_4", C, n_seqlets=40)
    table = composites([FIRST, SECOND, pair, triple, third]).set_index("pattern")
    assert table.loc[pair.name, "composite_of"] == f"{FIRST.name}+ + {SECOND.name}+ spacing 5"
    # Two single parts do not make up three: the pair and the third do.
    assert table.loc[triple.name, "composite_of"] == f"{pair.name}+ + {third.name}+ spacing 5"


def test_halves_from_the_database():
    rng = np.random.default_rng(3)
    motifs = [Motif(f"random{i}", "", rng.dirichlet([0.3] * 4, size=10).T) for i in range(40)]
    motifs += [Motif("alpha", "", text_to_ppm(A)), Motif("beta", "", text_to_ppm(B))]
    pair = spaced("pos_patterns.pattern_0", A, B, gap=4)
    assert composites([pair], motifs)["composite_of"].tolist() == ["alpha+ + beta+ spacing 4"]
    whole = Motif("both", "", pair.ppm[:, pair.core])
    assert composites([pair], [*motifs, whole])["composite_of"].tolist() == [""]
    assert composites([FIRST], motifs)["composite_of"].tolist() == [""]
    assert composites([pair], motifs[:40])["composite_of"].tolist() == [""]
