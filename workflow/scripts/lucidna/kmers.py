"""k-mers of sequences: their numbers, and those whose presence tells the values of the sequences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LONGEST = 8
"""bp; the 4^8 words and a mark for none fit into 16 bits, which numpy sorts fast."""

_NONE = np.uint16(2**16 - 1)  # T * 8, which is never the smaller one of itself and A * 8
_SHRINK = 5.0  # sequences added to those that hold a word, so that a handful is no evidence


@dataclass(frozen=True)
class Word:
    """A k-mer, and how the values of the sequences that hold it differ from the others.

    Attributes
    ----------
    codes : uint8 (k,)
        The strand of the smaller number.
    z : float
        Sum of the standardised values of the sequences with the word on either strand, over the square root
        of their number plus `_SHRINK`.
    n : int
        Sequences with it.
    """

    codes: np.ndarray
    z: float
    n: int


def kmer_index(codes: np.ndarray, k: int) -> np.ndarray:
    """Return the number of the k-mer at each position: (N, L) codes -> (N, L-k+1), -1 for an N.

    The number is sum digit * 4^(k-1-i), ACGT = 0123.
    """
    codes = np.asarray(codes)
    length = codes.shape[1] - k + 1
    index = np.zeros((codes.shape[0], max(length, 0)), dtype=np.int64)
    unknown = np.zeros(index.shape, dtype=bool)
    for shift in range(k):
        digit = codes[:, shift : shift + length]
        index = index * 4 + digit
        unknown |= digit > 3
    index[unknown] = -1
    return index


def telling_words(codes: np.ndarray, values: np.ndarray, *, k: int, n: int) -> list[Word]:
    """Find words, one after another, whose presence on either strand goes with high values.

    After each, its occurrences and those of its neighbours at one mismatch are blotted out, so that the next
    word is not the same motif once more.

    Parameters
    ----------
    codes : uint8 (N, L)
        Sequences.
    values : float (N, T)
        What is known of them, one column per task; each word takes the task that it tells most of.
    k : int
        Length of a word in bp, at most `LONGEST`.
    n : int
        Most words.

    Returns
    -------
    list of Word
        The most telling first; fewer than `n` when the best one left is what chance gives: z is then below
        sqrt(2 ln(M)), about the largest of M normal draws, M = 4^k / 2 words.
    """
    codes = np.array(codes, dtype=np.uint8)
    spread = np.std(values, axis=0, dtype=np.float64)
    known = spread > 0
    standard = ((values - np.mean(values, axis=0, dtype=np.float64)) / np.where(known, spread, 1)).T[known]
    words: list[Word] = []
    by_chance = np.sqrt(2 * np.log(4**k / 2))
    while len(words) < n and codes.shape[1] >= k and len(standard):
        row, word = _present(codes, k)
        held = np.bincount(word, minlength=4**k)
        sums = np.stack([np.bincount(word, weights=task[row], minlength=4**k) for task in standard])
        z = (sums / np.sqrt(held + _SHRINK)).max(axis=0)
        best = int(z.argmax())
        if z[best] < by_chance:
            break
        digits = (best // 4 ** np.arange(k - 1, -1, -1) % 4).astype(np.uint8)
        words.append(Word(codes=digits, z=float(z[best]), n=int(held[best])))
        _blot_out(codes, digits)
    return words


def _present(codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """List (row, word) once for each word that a row holds on either strand."""
    forward = kmer_index(codes, k)
    backward = kmer_index(np.where(codes > 3, codes, 3 - codes)[:, ::-1], k)[:, ::-1]
    index = np.where(forward < 0, _NONE, np.minimum(forward, backward)).astype(np.uint16)
    index = np.sort(index, axis=1, kind="stable")
    first = index != _NONE
    first[:, 1:] &= index[:, 1:] != index[:, :-1]
    row, _ = np.nonzero(first)
    return row, index[first].astype(np.int64)


def _blot_out(codes: np.ndarray, word: np.ndarray) -> None:
    """Set to N, in place, all but the outer bases of what differs from `word` at one position or none."""
    k = len(word)
    width = codes.shape[1] - k + 1
    for strand in (word, 3 - word[::-1]):
        mismatches = np.zeros((len(codes), width), dtype=np.uint8)
        for shift, base in enumerate(strand):
            mismatches += codes[:, shift : shift + width] != base
        row, start = np.nonzero(mismatches <= 1)
        for shift in range(1, k - 1):
            codes[row, start + shift] = 4
