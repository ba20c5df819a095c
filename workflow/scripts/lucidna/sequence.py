"""Letters, codes and one-hot columns, the reverse complement, and the dinucleotide shuffle.

A sequence is an array of uint8 codes, A C G T N = 0 1 2 3 4, so that the complement of a base is 3 minus
its code. Torch is imported only by the functions that are given or return tensors: the stages that prepare
data do without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numba
import numpy as np

from lucidna.errors import UserError

if TYPE_CHECKING:
    import torch

ALPHABET = "ACGT"
N = 4
"""The code of an unknown base."""

_LETTERS = np.frombuffer(b"ACGTN", dtype=np.uint8)
_SPLITMIX = np.uint64(0x9E3779B97F4A7C15)


def compiled(function: Callable) -> Callable:
    """Compile `function` with numba to run without the interpreter's lock; keep it on disk where possible.

    numba refuses to cache when neither the package's folder nor the home folder is writable, as in some
    containers; the function is then compiled afresh in each process.
    """
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return numba.njit(nogil=True)(function)


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
    _shuffle_rows(codes, np.uint64(seed), rows.astype(np.uint64), out)
    return out


@compiled
def _mix(value):
    """Scramble 64 bits (the finaliser of splitmix64; Steele, Lea, Flood 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@compiled
def _below(state, bound):
    """Draw an integer in [0, bound), bound < 2**32, and step the generator `state` (uint64 (1,))."""
    state[0] += _SPLITMIX
    return np.int64(((_mix(state[0]) >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32))


@compiled
def _shuffle_rows(codes, seed, rows, out):
    n, length = codes.shape
    state = np.empty(1, dtype=np.uint64)
    edges = np.empty((4, max(length, 1)), dtype=np.uint8)
    for i in range(n):
        for draw in range(out.shape[1]):
            # Mixing after each part keeps (seed, row, draw) triples from meeting in one state.
            state[0] = _mix(_mix(_mix(seed + _SPLITMIX) + rows[i] + _SPLITMIX) + np.uint64(draw) + _SPLITMIX)
            start = 0
            while start < length:
                if codes[i, start] == 4:
                    out[i, draw, start] = 4
                    start += 1
                    continue
                end = start
                while end < length and codes[i, end] != 4:
                    end += 1
                _shuffle_run(codes[i, start:end], state, edges, out[i, draw, start:end])
                start = end


@compiled
def _shuffle_run(run, state, edges, out):
    """Write one uniformly random Eulerian walk of `run` (m,), without N, to `out` (m,)."""
    m = len(run)
    count = np.zeros(4, dtype=np.int64)
    for k in range(m - 1):
        edges[run[k], count[run[k]]] = run[k + 1]
        count[run[k]] += 1

    # Wilson: walk at random from each base not yet in the tree until the tree is met; the edge by which the
    # walk last left a base is that base's last edge. Edges are drawn by number, so parallel edges count.
    root = run[m - 1]
    in_tree = np.zeros(4, dtype=np.bool_)
    in_tree[root] = True
    last = np.zeros(4, dtype=np.int64)
    for base in range(4):
        if count[base] == 0:
            continue
        at = base
        while not in_tree[at]:
            last[at] = _below(state, count[at])
            at = edges[at, last[at]]
        at = base
        while not in_tree[at]:
            in_tree[at] = True
            at = edges[at, last[at]]

    for base in range(4):
        free = count[base]
        if base != root and free > 0:
            free -= 1
            edges[base, last[base]], edges[base, free] = edges[base, free], edges[base, last[base]]
        for k in range(free - 1, 0, -1):
            j = _below(state, k + 1)
            edges[base, k], edges[base, j] = edges[base, j], edges[base, k]

    used = np.zeros(4, dtype=np.int64)
    at = run[0]
    out[0] = at
    for k in range(1, m):
        step = used[at]
        used[at] = step + 1
        at = edges[at, step]
        out[k] = at
