import numpy as np
import pytest

from lucidna.motifs.align import align, laid_over, similarity

from .simulated import text_to_ppm


def test_similarity_finds_shift_and_strand():
    motif = text_to_ppm("TTACCCGGA") - 0.25
    assert similarity(motif, motif) == pytest.approx(1)
    assert similarity(motif, np.pad(motif, ((0, 0), (4, 1)))) == pytest.approx(1)
    assert similarity(motif, motif[::-1, ::-1]) == pytest.approx(1)
    assert similarity(motif, -motif) < 0.6
    assert similarity(motif, text_to_ppm("CACGTGACA") - 0.25) < 0.6
    assert similarity(motif, np.zeros((4, 5))) == 0


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("left", "width"), [(5, 40), (0, 9), (31, 40)])
def test_a_part_is_found_where_it_was_put(left, width, reverse):
    motif = text_to_ppm("TTACCCGGA") - 0.25
    whole = np.zeros((4, width))
    whole[:, left : left + 9] = motif[::-1, ::-1] if reverse else motif
    found = align(whole, motif)
    assert found == (pytest.approx(1), left, reverse)
    np.testing.assert_array_equal(laid_over(whole, motif), whole)
    # The other way round the larger one begins before the part.
    found = align(motif, whole)
    assert found == (pytest.approx(1), left + 9 - width if reverse else -left, reverse)
    np.testing.assert_array_equal(laid_over(motif, whole), motif)


def test_what_does_not_overlap_is_zero():
    first, second = np.zeros((4, 6)), np.zeros((4, 4))
    first[0, 5], second[0, 0] = 1, 1
    second[1, 3] = 0.5
    np.testing.assert_array_equal(laid_over(first, second), first)


def test_with_nothing_there_is_no_alignment():
    motif = text_to_ppm("TTACCCGGA")
    assert align(motif, np.zeros((4, 3))) == (0, 0, False)
    assert not laid_over(motif, np.zeros((4, 3))).any()
