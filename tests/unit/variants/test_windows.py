import numpy as np
import pytest

from lucidna.sequence import decode, encode
from lucidna.variants.windows import allele_windows, shared_positions, trimmed

GENOME = encode("ACGTACGTACGGTTTTCCCC")


# The window is [1, 9) of the genome: CGTA CGTA, with the variant's first base behind the gap.
@pytest.mark.parametrize(
    ("ref", "alt", "expected"),
    [
        ("C", "T", "CGTATGTA"),
        ("C", "CAA", "CGTACAAG"),
        ("CGT", "C", "CGTACACG"),
        ("CG", "TA", "CGTATATA"),
    ],
)
def test_alternative_by_hand(ref, alt, expected):
    reference, alternative = allele_windows(GENOME, 5, ref, alt, length=8)
    assert decode(reference) == "CGTACGTA"
    assert decode(alternative) == expected


def test_ends_of_the_chromosome_are_n():
    reference, alternative = allele_windows(GENOME, 1, "C", "G", length=8)
    assert decode(reference) == "NNNACGTA"
    assert decode(alternative) == "NNNAGGTA"
    reference, _ = allele_windows(GENOME, 19, "C", "G", length=8)
    assert decode(reference) == "TCCCCNNN"


@pytest.mark.parametrize(
    ("ref", "alt", "expected"),
    [
        ("C", "T", (0, 1, 1)),
        ("C", "CAA", (1, 0, 2)),
        ("CGT", "C", (1, 2, 0)),
        ("ACG", "ATG", (1, 1, 1)),
        ("ACG", "TCA", (0, 3, 3)),
        ("AA", "AAA", (2, 0, 1)),
        ("GATT", "CT", (0, 3, 1)),
    ],
)
def test_shared_bases_are_trimmed_by_hand(ref, alt, expected):
    assert trimmed(ref, alt) == expected


@pytest.mark.parametrize(("n_ref", "n_alt"), [(1, 1), (3, 3), (1, 4), (4, 1), (2, 3)])
def test_shared_positions_hold_the_same_base_of_the_genome(n_ref, n_alt):
    length, output, start = 40, 20, 100
    names = np.arange(300)  # every base by its position
    left = start - length // 2
    reference = names[left : left + length]
    alternative = np.concatenate([names[left:start], np.full(n_alt, -1), names[start + n_ref :]])[:length]
    if n_ref == n_alt:
        alternative = reference
    crop = slice((length - output) // 2, (length + output) // 2)
    first, second = shared_positions(n_ref, n_alt, length=length, output=output)
    np.testing.assert_array_equal(reference[crop][first], alternative[crop][second])
    assert len(first) >= output - max(n_ref, n_alt) - abs(n_ref - n_alt)
