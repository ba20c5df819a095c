"""Letters, codes and one-hot columns, the reverse complement, and the dinucleotide shuffle.

A sequence is an array of uint8 codes, A C G T N = 0 1 2 3 4, so that the complement of a base is 3 minus
its code. Torch is imported only by the functions that are given or return tensors: the stages that prepare
data do without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lucidna.errors import UserError

if TYPE_CHECKING:
    import torch

ALPHABET = "ACGT"
N = 4
"""The code of an unknown base."""

_LETTERS = np.frombuffer(b"ACGTN", dtype=np.uint8)


def _code_table() -> np.ndarray:
    table = np.full(256, 255, dtype=np.uint8)
    for code, letter in enumerate(b"ACGTN"):
        table[letter] = table[letter + 32] = code
    return table


CODE_OF = _code_table()
"""uint8 (256,): the code of every byte, 255 for what is not in ACGTNacgtn."""


def encode(text: str | bytes) -> np.ndarray:
    """Return the codes of a sequence of letters.

    Parameters
    ----------
    text : str or bytes
        Letters of ACGTN in either case.

    Returns
    -------
    numpy.ndarray
        uint8 (len(text),).

    Raises
    ------
    UserError
        At the first other letter, with its 0-based position.
    """
    raw = text.encode("utf-8", "replace") if isinstance(text, str) else bytes(text)
    codes = CODE_OF[np.frombuffer(raw, dtype=np.uint8)]
    bad = np.flatnonzero(codes == 255)
    if len(bad):
        raise UserError(
            f"letter {chr(raw[bad[0]])!r} at position {bad[0]} (0-based) of a sequence: "
            "only A, C, G, T and N are read, in either case"
        )
    return codes


def decode(codes: np.ndarray) -> str:
    """Return the letters of codes (L,) as an upper-case string."""
    return _LETTERS[np.asarray(codes)].tobytes().decode("ascii")


def one_hot(codes: torch.Tensor) -> torch.Tensor:
    """Return the one-hot columns of codes, on their device; the column of N is zero.

    Parameters
    ----------
    codes : torch.Tensor
        uint8 (N, L).

    Returns
    -------
    torch.Tensor
        float32 (N, 4, L), bases in the order ACGT.
    """
    import torch

    bases = torch.arange(4, dtype=codes.dtype, device=codes.device)
    # Written as numbers at once: ten times as fast on the CPU as truth values that are converted.
    columns = torch.empty((*codes.shape[:-1], 4, codes.shape[-1]), dtype=torch.float32, device=codes.device)
    return torch.eq(codes.unsqueeze(-2), bases[:, None], out=columns)


def one_hot_numpy(codes: np.ndarray, *, dtype: np.dtype | type = np.float32) -> np.ndarray:
    """Return the one-hot columns (..., 4, L) of codes (..., L) as `dtype`; the column of N is zero."""
    bases = np.arange(4, dtype=np.uint8)[:, None]
    return (np.asarray(codes)[..., None, :] == bases).astype(dtype)


def reverse_complement(codes: np.ndarray | torch.Tensor) -> np.ndarray | torch.Tensor:
    """Return the codes (..., L) of the other strand, read 5' to 3', in the same kind of array; N stays N."""
    if isinstance(codes, np.ndarray):
        return np.ascontiguousarray(np.where(codes < N, 3 - codes, codes)[..., ::-1])

    # 3 - code for a base, above 4 for an N.
    return (codes ^ 3).clamp(max=N).flip(-1)


def reverse_complement_one_hot(x: np.ndarray | torch.Tensor) -> np.ndarray | torch.Tensor:
    """Return the other strand of one-hot columns or of a map (..., 4, L): both last axes reversed."""
    if isinstance(x, np.ndarray):
        return np.ascontiguousarray(x[..., ::-1, ::-1])
    return x.flip((-2, -1))


def dinucleotide_shuffle(
    codes: np.ndarray, *, n_shuffles: int = 1, seed: int, rows: np.ndarray | None = None
) -> np.ndarray:
    """Shuffle sequences uniformly among those with the same dinucleotide counts.

    Each shuffle is a uniformly random Eulerian walk through the multigraph of the sequence's dinucleotides,
    so that every dinucleotide count, the first base and the last base are kept. Runs of bases between Ns are
    shuffled one by one, and every N stays where it is.

    Parameters
    ----------
    codes : numpy.ndarray
        uint8 (n, L).
    n_shuffles : int
        Draws per row.
    seed : int
        Any integer from 0; draws of different seeds, rows and shuffles are independent.
    rows : numpy.ndarray, optional
        int (n,), the identity of each row, by default 0..n-1. A draw depends on the seed, the row's identity,
        the number of the draw and the sequence alone; give the rows' numbers in the whole set when it is
        shuffled in batches.

    Returns
    -------
    numpy.ndarray
        uint8 (n, n_shuffles, L).

    Raises
    ------
    ValueError
        When `codes` is not a (n, L) array of codes 0 to 4, or `rows` has another length.

    References
    ----------
    Kandel, Matias, Unger, Winkler (1996), "Shuffling biological sequences", Discrete Applied Mathematics 71:
    a uniform walk from a uniform last-edge tree and uniform orders of the other edges. The tree is drawn by
    the method of Wilson (1996), "Generating random spanning trees more quickly than the cover time", STOC.
    """
    codes = np.ascontiguousarray(codes, dtype=np.uint8)
    if codes.ndim != 2 or (codes.size and codes.max() > N):
        raise ValueError(f"codes must be (n, L) with values 0 to 4; got shape {codes.shape}")
    rows = np.arange(len(codes)) if rows is None else np.asarray(rows)
    if rows.shape != (len(codes),):
        raise ValueError(f"rows must have one entry for each of the {len(codes)} sequences; got {rows.shape}")
    out = np.empty((len(codes), n_shuffles, codes.shape[1]), dtype=np.uint8)
    # Imported here: numba takes half a second to load, and most stages shuffle nothing.
    from lucidna.shuffling import shuffle_rows

    shuffle_rows(codes, np.uint64(seed), rows.astype(np.uint64), out)
    return out
