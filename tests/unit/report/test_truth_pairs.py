import numpy as np
import pandas as pd
import pytest

from lucidna.report.truth_pairs import letters_ppm, pairs_against_truth, planted_place
from lucidna.simulate.grammar import PAIR_SLACK, PAIR_SPACING, build_motifs, describe, difficulty_of

FOUND = "spacing, more than expected"
MOTIFS = describe(build_motifs(difficulty_of("standard")))
PAIR = [motif for motif in MOTIFS if motif["role"] == "pair"]
FIRST, SECOND = (motif["consensus"] for motif in PAIR)
OTHER = next(motif["consensus"] for motif in MOTIFS if motif["role"] == "activator")


def reverse_complement(text):
    return text[::-1].translate(str.maketrans("ACGT", "TGCA"))


def tables(letters, **pair):
    """One pair of two elements with these letters."""
    record = {"element_a": "a", "element_b": "b", "distance": 16.0, "strands": "same", "at_distance": 50}
    record |= {"expected_at_distance": 4.0, "evidence": FOUND, **pair}
    return pd.DataFrame([record]), pd.DataFrame({"element": ["a", "b"], "consensus": letters})


@pytest.mark.parametrize("cut_first", [0, 2])
@pytest.mark.parametrize("cut_second", [0, 1])
@pytest.mark.parametrize("turn", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("swapped", [False, True])
def test_the_planted_place_is_that_of_the_elements_in_a_sequence(cut_first, cut_second, turn, swapped):
    # The pair is written into a sequence, the elements are searched there, and begins are read off.
    sequence = "N" * 20 + FIRST + "N" * (PAIR_SPACING - len(FIRST)) + SECOND + "N" * 20
    elements = [FIRST[cut_first:], SECOND[: len(SECOND) - cut_second]]
    elements = [reverse_complement(text) if back else text for text, back in zip(elements, turn, strict=True)]
    matches = [{"motif": PAIR[0]["name"]}, {"motif": PAIR[1]["name"]}]
    matches[0] |= {"offset": 0 if turn[0] else -cut_first, "strand": "-" if turn[0] else "+"}
    matches[1] |= {"offset": -cut_second if turn[1] else 0, "strand": "-" if turn[1] else "+"}
    begins = []
    for text, back in zip(elements, turn, strict=True):
        place = sequence.find(reverse_complement(text) if back else text)
        begins.append((place + len(text) - 1 if back else place, -1 if back else 1))
    if swapped:
        matches, begins = matches[::-1], begins[::-1]
    known = {motif["name"]: np.array(motif["ppm"]) for motif in MOTIFS}
    distance, strands = planted_place(*matches, PAIR[0], known)
    assert distance == (begins[1][0] - begins[0][0]) * begins[0][1]
    assert strands == ("same" if turn[0] == turn[1] else "opposite")


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ({}, "is found, at its spacing"),
        ({"distance": 16.0 + PAIR_SLACK}, "is found, at its spacing"),
        ({"distance": 16.0 + PAIR_SLACK + 1}, "is not found"),
        ({"strands": "opposite"}, "is not found"),
        ({"evidence": "spacing"}, "is not found"),
        ({"evidence": np.nan}, "is not found"),
    ],
)
def test_found_is_the_place_and_the_evidence(pair, said):
    table = pairs_against_truth(*tables([FIRST, SECOND], **pair), MOTIFS, place="t, counts head")
    assert said in table.caption
    assert "of 0 other pairs" in table.caption
    assert [cell.text for cell in table.rows[0]][:5] == [PAIR[0]["name"], PAIR[1]["name"], "yes", "+16", "same"]


def test_another_pair_that_was_called_one_is_listed_and_counted():
    table = pairs_against_truth(*tables([FIRST, OTHER]), MOTIFS, place="t")
    assert "is not found; of 1 other pairs of motifs 1 were called so" in table.caption
    assert [cell.text for cell in table.rows[0]][2] == "no"
    quiet = pairs_against_truth(*tables([FIRST, OTHER], evidence=np.nan), MOTIFS, place="t")
    assert "of 1 other pairs of motifs 0 were called so" in quiet.caption
    assert not quiet.rows


def test_nothing_to_compare():
    pairs, elements = tables([FIRST, SECOND])
    assert pairs_against_truth(None, elements, MOTIFS, place="t") is None
    assert pairs_against_truth(pairs, elements, [m for m in MOTIFS if m["role"] != "pair"], place="t") is None


def test_letters():
    np.testing.assert_allclose(letters_ppm("AN"), [[1, 0.25], [0, 0.25], [0, 0.25], [0, 0.25]])
    np.testing.assert_allclose(letters_ppm("R")[:, 0], [0.5, 0, 0.5, 0])
