"""Sequences and maps without a signal: dinucleotide-shuffled copies, and maps whose positions are permuted."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from lucidna.sequence import dinucleotide_shuffle, one_hot_numpy


def shuffled_copies(codes: np.ndarray, *, n_shuffles: int, seed: int, purpose: str) -> np.ndarray:
    """Return shuffles of each sequence that keep its dinucleotide counts.

    The random numbers of a row follow from the seed, the purpose and the sequence itself, so a sequence gets
    the same shuffles whatever is in the array with it, in any order and in batches of any size.

    Parameters
    ----------
    codes : array
        uint8 (N, L), A C G T N = 0 1 2 3 4; N bases stay where they are.
    n_shuffles : int
        Copies per sequence.
    seed : int
        0 is a seed like any other.
    purpose : str
        Separates the random numbers of different uses of one seed.

    Returns
    -------
    array
        uint8 (N, n_shuffles, L).
    """
    codes = np.ascontiguousarray(codes, dtype=np.uint8)
    return dinucleotide_shuffle(codes, n_shuffles=n_shuffles, seed=seed, rows=sequence_keys(codes, purpose=purpose))


def sequence_keys(codes: np.ndarray, *, purpose: str) -> np.ndarray:
    """Return a number for each sequence, uint64 (N,), that follows from the purpose and the sequence alone.

    Parameters
    ----------
    codes : array
        uint8 (N, L).
    purpose : str
        Separates the random numbers of different uses of one seed.
    """
    key = f"{purpose} ".encode()
    identity = [hashlib.blake2b(key + row.tobytes(), digest_size=8).digest() for row in codes]
    return np.frombuffer(b"".join(identity), dtype="<u8")


def codes_of(onehot: np.ndarray) -> np.ndarray:
    """Return the codes uint8 (N, L) of one-hot sequences (N, 4, L); a zero column is N."""
    codes = onehot.argmax(axis=1).astype(np.uint8)
    codes[onehot.sum(axis=1) == 0] = 4
    return codes


def shuffled_references(onehot: np.ndarray, *, n_shuffles: int, seed: int) -> np.ndarray:
    """Return dinucleotide-shuffled references of one-hot sequences (N, 4, L), int8 (N, n_shuffles, 4, L).

    The columns of N bases stay zero.
    """
    copies = shuffled_copies(codes_of(onehot), n_shuffles=n_shuffles, seed=seed, purpose="reference")
    return one_hot_numpy(copies, dtype=np.int8)


def null_sequences(codes: np.ndarray, *, draw: int, seed: int) -> np.ndarray:
    """Return sequences with the composition of the regions and none of their motifs.

    Parameters
    ----------
    codes : array
        uint8 (N, L).
    draw : int
        Number of the draw; each gives other sequences.
    seed : int
        Of all draws.

    Returns
    -------
    array
        uint8 (N, L), one shuffle of each region.
    """
    return shuffled_copies(codes, n_shuffles=1, seed=seed, purpose=f"null {draw}")[:, 0]


def permuted(maps: np.ndarray, onehot: np.ndarray, *, seed: int | Sequence[int]) -> np.ndarray:
    """Return maps (N, 4, L) whose positions are shuffled within each region among those with a base.

    What is at a position stays together: its contribution goes with the base that has it, so the permuted map has
    the same projected values as the map, at other places, and the same hypothetical ones up to the order of bases.
    """
    rng = np.random.default_rng(seed)
    result = np.zeros_like(maps)
    for row, (one, x) in enumerate(zip(maps, onehot, strict=True)):
        known = np.flatnonzero(x.sum(axis=0) > 0)
        source = rng.permutation(known)
        # The bases of a column are rolled so that the value of the base there becomes that of the base here.
        turn = x[:, known].argmax(axis=0) - x[:, source].argmax(axis=0)
        base = (np.arange(4)[:, None] - turn[None]) % 4
        result[row][:, known] = one[base, source[None]]
    return result
