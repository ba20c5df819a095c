"""Build position probability matrices with a stated information, draw from them, scan for them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lucidna.errors import UserError
from lucidna.iupac import IUPAC
from lucidna.ppm import information

_PSEUDOCOUNT = 1e-3
_NEVER = -1e3  # the score of an unknown base: no match holds one


def consensus_ppm(consensus: str, *, bits: float) -> np.ndarray:
    """Build the PPM of a consensus with a stated total information.

    Every column is the consensus letter (shared evenly by the bases of an ambiguous one) mixed with even
    bases; the share of the mixture is the same in all columns and is solved for.

    Parameters
    ----------
    consensus : str
        IUPAC letters.
    bits : float
        Total information of the PPM.

    Returns
    -------
    float64 (4, w)

    Raises
    ------
    UserError
        When a letter is unknown, or when the consensus cannot hold so much information.
    """
    unknown = sorted(set(consensus) - IUPAC.keys())
    if unknown or not consensus:
        raise UserError(f"consensus '{consensus}' holds '{''.join(unknown)}': use the letters {''.join(IUPAC)}")
    pure = np.zeros((4, len(consensus)))
    for column, letter in enumerate(consensus):
        pure[["ACGT".index(base) for base in IUPAC[letter]], column] = 1 / len(IUPAC[letter])
    most = information(pure).sum()
    if not 0 <= bits <= most:
        raise UserError(f"consensus '{consensus}' cannot hold {bits:g} bits: choose between 0 and {most:g}")

    def mixture(share: np.ndarray) -> np.ndarray:
        return share * pure + (1 - share) * 0.25

    return mixture(_solve(lambda share: information(mixture(share)).sum(), np.asarray(bits), high=1.0))


def random_ppms(n: int, *, width: int, information: float, seed: int) -> dict[str, np.ndarray]:
    """Draw PPMs at random, all of the same total information.

    Columns are drawn evenly from all distributions over four bases; raising a PPM to a power, solved for,
    brings its information to the stated one.

    Parameters
    ----------
    n : int
        How many.
    width : int
        Columns of each.
    information : float
        Bits of each, below 2 * `width`.
    seed : int

    Returns
    -------
    dict[str, float64 (4, width)]
        By name, "random_1" to "random_<n>".

    Raises
    ------
    UserError
        When `information` is not between 0 and 2 * `width`.
    """
    if not 0 < information < 2 * width:
        raise UserError(f"{width} columns cannot hold {information:g} bits: choose between 0 and {2 * width:g}")
    rng = np.random.default_rng(seed)
    drawn = np.log(rng.dirichlet(np.ones(4), size=(n, width)).transpose(0, 2, 1) + 1e-6)

    def sharpened(power: np.ndarray) -> np.ndarray:
        weights = np.exp(power[:, None, None] * (drawn - drawn.max(axis=1, keepdims=True)))
        return weights / weights.sum(axis=1, keepdims=True)

    target = np.full(n, float(information))
    power = _solve(lambda value: _total_bits(sharpened(value)), target, high=1e4)
    return {f"random_{index + 1}": ppm for index, ppm in enumerate(sharpened(power))}


def log_odds(ppm: np.ndarray) -> np.ndarray:
    """Return the score of every base at every column against even bases.

    Returns
    -------
    float32 (w, 5)
        Bits, for the codes A C G T N; an unknown base scores so low that no match holds one.
    """
    ppm = np.asarray(ppm, dtype=np.float64)
    smooth = (ppm + _PSEUDOCOUNT) / (1 + 4 * _PSEUDOCOUNT)
    return np.concatenate([np.log2(smooth / 0.25), np.full((1, ppm.shape[1]), _NEVER)]).T.astype(np.float32)


def score_windows(codes: np.ndarray, ppm: np.ndarray) -> np.ndarray:
    """Score every window of a sequence against a PPM, forward strand.

    Parameters
    ----------
    codes : uint8 (L,)
    ppm : array (4, w)

    Returns
    -------
    float32 (max(L - w + 1, 0),)
        Bits of the window that starts at each position.
    """
    table = log_odds(ppm)
    length = len(codes) - len(table) + 1
    scores = np.zeros(max(length, 0), dtype=np.float32)
    for column, row in enumerate(table):
        scores += row[codes[column : column + len(scores)]]
    return scores


def sample_instances(ppm: np.ndarray, n: int, *, threshold: float, rng: np.random.Generator) -> np.ndarray:
    """Draw instances of a PPM that score at least `threshold` bits; weaker draws are drawn again.

    Returns
    -------
    uint8 (n, w)

    Raises
    ------
    ValueError
        When not even the best instance reaches the threshold.
    """
    table = log_odds(ppm)
    if table.max(axis=1).sum() < threshold:
        raise ValueError(f"no instance scores {threshold:g} bits")
    steps = np.cumsum(ppm, axis=0)[:3]
    columns = np.arange(ppm.shape[1])
    instances = np.zeros((n, ppm.shape[1]), dtype=np.uint8)
    pending = np.arange(n)
    while len(pending):
        draws = rng.random((len(pending), 1, len(columns)))
        instances[pending] = (draws >= steps).sum(axis=1)
        pending = pending[table[columns, instances[pending]].sum(axis=1) < threshold]
    return instances


def _total_bits(ppms: np.ndarray) -> np.ndarray:
    return information(ppms).sum(axis=-1)


def _solve(function: Callable[[np.ndarray], np.ndarray], target: np.ndarray, *, high: float) -> np.ndarray:
    """Bisect a growing function, element by element, between 0 and `high`."""
    low, high = np.zeros_like(target, dtype=np.float64), np.full_like(target, high, dtype=np.float64)
    for _ in range(100):
        middle = (low + high) / 2
        short = function(middle) < target
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return high
