"""Maps that no network of quality gives, each made to fool some score."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lucidna.ppm import reverse_complement_ppm
from lucidna.ranking.kmers import kmer_index
from lucidna.ranking.prepare import smooth, unit_norm
from lucidna.sequence import one_hot_numpy
from lucidna.simulate.ppm import log_odds

KMER = 6


def fake_maps(
    codes: np.ndarray, honest: np.ndarray, core: Mapping[str, np.ndarray], *, seed: int
) -> dict[str, np.ndarray]:
    """Make one map set of every kind.

    Parameters
    ----------
    codes : uint8 (N, L)
    honest : (N, 4, L)
        Corrected maps of a good network, which some fakes distort.
    core : dict[str, (4, w)]
        Motifs of the positives; the fake that saw a single one knows the first.
    seed : int

    Returns
    -------
    dict[str, float32 (N, 4, L)]
    """
    rng = np.random.default_rng(seed)
    onehot = one_hot_numpy(codes)
    honest = unit_norm(honest.astype(np.float32))
    noise = rng.standard_normal(honest.shape, dtype=np.float32)
    window = np.exp(-0.5 * ((np.arange(codes.shape[1]) - codes.shape[1] / 2) / 8) ** 2)
    fakes = {
        "noise": noise,
        "smooth positive noise": smooth(np.abs(noise), 9) * onehot,
        "spikes on a good map": honest + spikes(honest, onehot, rng=rng),
        "sign flip": -honest,
        "swapped bases": honest[:, [1, 0, 3, 2]],
        "maps of other sequences": np.roll(honest, 1, axis=0),
        "constant map": np.broadcast_to(honest.mean(axis=0), honest.shape),
        "positional window": window * onehot,
        "copy of the input": onehot,
        "GC model": np.broadcast_to(np.array([-1, 1, 1, -1], dtype=np.float32)[:, None], honest.shape),
        "one motif only": one_motif(codes, next(iter(core.values()))) + 0.02 * noise / noise.std(),
        "random 6-mer function": kmer_function(codes, rng.standard_normal(4**KMER)),
        "smooth random 6-mers": kmer_importance(codes, rng.random(4**KMER)) * onehot,
    }
    return {name: np.ascontiguousarray(maps, dtype=np.float32) for name, maps in fakes.items()}


def spikes(maps: np.ndarray, onehot: np.ndarray, *, rng: np.random.Generator, per_sequence: int = 4) -> np.ndarray:
    """Large positive values at a few random positions, at the observed base; shape of `maps`."""
    n, _, length = maps.shape
    out = np.zeros_like(maps)
    rows = np.arange(n)[:, None]
    where = rng.random((n, length)).argsort(axis=1)[:, :per_sequence]
    heights = np.abs(maps).max(axis=(1, 2))[:, None]
    height = np.zeros((n, length), dtype=maps.dtype)
    height[rows, where] = heights
    return out + height[:, None, :] * onehot


def one_motif(codes: np.ndarray, ppm: np.ndarray) -> np.ndarray:
    """Show one motif where it fits best in each sequence, on either strand, and nothing else; (N, 4, L)."""
    n, length = codes.shape
    width = ppm.shape[1]
    strands = [ppm, reverse_complement_ppm(ppm)]
    scores = np.stack(
        [
            sum(log_odds(strand)[column][codes[:, column : column + length - width + 1]] for column in range(width))
            for strand in strands
        ]
    )
    out = np.zeros((n, 4, length))
    best = scores.max(axis=0).argmax(axis=1)
    for row in range(n):
        strand = strands[int(scores[:, row, best[row]].argmax())]
        out[row, :, best[row] : best[row] + width] = strand - 0.25
    return out


def kmer_function(codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Effect of every base on the sum of random weights of all k-mers, (N, 4, L), the others held fixed."""
    n, length = codes.shape
    out = np.zeros((n, 4, length))
    index = kmer_index(codes, KMER)
    for offset in range(KMER):
        place = 4 ** (KMER - 1 - offset)
        digits = codes[:, offset : offset + index.shape[1]].astype(np.int64)
        for base in range(4):
            out[:, base, offset : offset + index.shape[1]] += weights[index + (base - digits) * place]
    return out


def kmer_importance(codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean weight of the k-mers that cover each position, (N, 1, L): recurrent, smooth, and positive."""
    index = kmer_index(codes, KMER)
    total = np.zeros((len(codes), codes.shape[1]))
    for offset in range(KMER):
        total[:, offset : offset + index.shape[1]] += weights[index]
    return total[:, None, :] ** 2
