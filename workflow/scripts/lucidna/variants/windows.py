"""The two sequences of a variant, and which positions of their outputs belong together."""

from __future__ import annotations

import numpy as np

from lucidna.sequence import encode


def allele_windows(codes: np.ndarray, start: int, ref: str, alt: str, *, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the windows around a variant with either allele.

    Both begin at the same base, `length` // 2 before the variant's first. After the allele each goes on with
    what follows in the genome, so that an indel moves what lies to its right. Beyond the chromosome's ends is N.

    Parameters
    ----------
    codes : array
        uint8 (size,), the chromosome.
    start : int
        0-based position of the first base of the reference allele.
    ref, alt : str
        Alleles in A, C, G and T.
    length : int
        bp of the windows.

    Returns
    -------
    reference, alternative : array
        uint8 (length,).
    """
    left = start - length // 2
    before = _padded(codes, left, start)
    after = _padded(codes, start + len(ref), left + length + max(len(ref), len(alt)))
    return tuple(np.concatenate([before, encode(allele), after])[:length] for allele in (ref, alt))


def trimmed(ref: str, alt: str) -> tuple[int, int, int]:
    """Return what alleles have of their own, without the bases that both begin with, then those that both end with.

    The base before an insertion or deletion, which VCF writes with it, goes in this way.

    Returns
    -------
    lead, n_ref, n_alt : int
        Bases in front that are left out, and what remains of the alleles; either may be 0.
    """
    shortest = min(len(ref), len(alt))
    lead = next((at for at in range(shortest) if ref[at] != alt[at]), shortest)
    left = shortest - lead
    tail = next((at for at in range(left) if ref[-1 - at] != alt[-1 - at]), left)
    return lead, len(ref) - lead - tail, len(alt) - lead - tail


def shared_positions(n_ref: int, n_alt: int, *, length: int, output: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the two outputs that are the same base of the genome.

    Parameters
    ----------
    n_ref, n_alt : int
        Lengths of the alleles; bases inside them are left out unless these are equal.
    length, output : int
        bp of the windows of `allele_windows`, and of the output in their middle.

    Returns
    -------
    reference, alternative : array
        int64 (k,), equal in length.
    """
    here = np.arange(output)
    if n_ref == n_alt:
        return here, here
    at = length // 2 - (length - output) // 2  # the variant's first base in the output
    reference = np.concatenate([here[:at], np.arange(at + n_ref, output)])
    alternative = np.concatenate([here[:at], np.arange(at + n_ref, output) + n_alt - n_ref])
    inside = alternative < output
    return reference[inside], alternative[inside]


def _padded(codes: np.ndarray, start: int, end: int) -> np.ndarray:
    """Cut [start, end) from a chromosome, with N (4) where there is none."""
    inside = codes[max(start, 0) : max(end, 0)]
    left = min(max(-start, 0), end - start)
    return np.concatenate([np.full(left, 4, np.uint8), inside, np.full(end - start - left - len(inside), 4, np.uint8)])
