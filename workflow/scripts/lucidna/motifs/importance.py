"""Global importance: what a pattern does to the prediction wherever it is put."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lucidna.attribution.nulls import shuffled_copies
from lucidna.motifs.ablation import Predict
from lucidna.motifs.patterns import Pattern
from lucidna.sequence import reverse_complement

_FLIPS = 9999  # random sign changes of a test
_CHUNK = 64  # sequences predicted at a time


class Importance(NamedTuple):
    """What one pattern does in null sequences.

    Attributes
    ----------
    pattern, shuffled : ndarray
        float64 (networks, n), change of the prediction of each null sequence by an instance of the pattern, and
        by the same instance with its bases in random order.
    """

    pattern: np.ndarray
    shuffled: np.ndarray


def null_sequences(sequences: np.ndarray, n: int, *, seed: int) -> np.ndarray:
    """Return `n` dinucleotide shuffles of regions drawn at random, each region once as long as they last.

    Returns
    -------
    ndarray
        uint8 (n, L).
    """
    rng = np.random.default_rng([seed, 2])
    order = np.concatenate([rng.permutation(len(sequences)) for _ in range(-(-n // len(sequences)))])[:n]
    # A region that is drawn twice needs another shuffle each time.
    turn = np.arange(n) // len(sequences)
    copies = shuffled_copies(sequences[order], n_shuffles=int(turn.max()) + 1, seed=seed, purpose="importance")
    return copies[np.arange(n), turn]


def instances_of(pattern: Pattern, sequences: np.ndarray, n: int, *, seed: int) -> np.ndarray:
    """Draw instances of a pattern: the bases of its core in `n` of its seqlets, half of them reverse-complemented.

    Parameters
    ----------
    pattern : Pattern
        Its seqlets lie in `sequences`.
    sequences : ndarray
        uint8 (N, L).
    n : int
    seed : int

    Returns
    -------
    ndarray
        uint8 (n, w).
    """
    rng = np.random.default_rng([seed, 3])
    table = pattern.seqlets.iloc[rng.integers(0, pattern.n_seqlets, n)]
    width = pattern.end - pattern.start
    reverse = (table["strand"] == "-").to_numpy()
    start = np.where(reverse, table["end"] - pattern.end, table["start"] + pattern.start)
    words = sequences[table["row"].to_numpy()[:, None], start[:, None] + np.arange(width)]
    turned = reverse ^ (np.arange(n) % 2 == 1)
    return np.where(turned[:, None], reverse_complement(words), words)


def permuted(words: np.ndarray, *, seed: int) -> np.ndarray:
    """Return words (n, w) with the bases of each in random order."""
    keys = np.random.default_rng([seed, 4]).random(words.shape)
    return np.take_along_axis(words, np.argsort(keys, axis=1), axis=1)


def planted(sequences: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Return sequences (n, L) with a word (n, w) in the middle of each; N in a word leaves the base as it is."""
    out = sequences.copy()
    start = (sequences.shape[1] - words.shape[1]) // 2
    middle = out[:, start : start + words.shape[1]]
    middle[:] = np.where(words < 4, words, middle)
    return out


def global_importance(predict: Predict, nulls: np.ndarray, words: np.ndarray, *, seed: int) -> Importance:
    """Measure the change of the prediction by instances of a pattern in sequences without motifs.

    I = mean over null sequences x of f(x with an instance) - f(x) (Koo et al., PLoS Comput Biol 17:e1008925,
    2021). The same instances with their bases in random order are the null: what any bases of this
    composition do there.

    Parameters
    ----------
    predict : callable
        See `ablation.Predict`.
    nulls : ndarray
        uint8 (n, L).
    words : ndarray
        uint8 (n, w), one instance for each.
    seed : int
        Of the random orders.
    """
    both = np.stack([nulls, planted(nulls, words), planted(nulls, permuted(words, seed=seed))], axis=1)
    # The weights of a profile are those of the sequence that holds the instance.
    parts = [predict(both[i : i + _CHUNK], both[i : i + _CHUNK, 1]) for i in range(0, len(both), _CHUNK)]
    found = np.concatenate(parts, axis=1)
    return Importance(found[:, :, 1] - found[:, :, 0], found[:, :, 2] - found[:, :, 0])


def sign_flip_p(differences: np.ndarray, *, seed: int) -> float:
    """Test whether paired differences (n,) are centred at 0: two-sided, by random changes of their signs.

    Returns
    -------
    float
        (1 + draws whose |mean| is as large) / (1 + draws), NaN without a difference.
    """
    differences = np.asarray(differences, dtype=float)
    differences = differences[np.isfinite(differences)]
    if not len(differences):
        return float("nan")
    rng = np.random.default_rng([seed, 5])
    observed = abs(differences.sum()) * (1 - 1e-12)
    sums = np.zeros(_FLIPS)
    for value in differences:
        sums += value * (2 * rng.integers(0, 2, _FLIPS) - 1)
    return float((1 + (np.abs(sums) >= observed).sum()) / (1 + _FLIPS))
