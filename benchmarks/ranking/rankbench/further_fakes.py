"""Fakes of other kinds than those that the veto was built with: for populations that confirm it."""

from __future__ import annotations

import numpy as np

from lucidna.ranking.kmers import kmer_index
from lucidna.ranking.prepare import smooth, unit_norm
from lucidna.sequence import one_hot_numpy


def further_fakes(codes: np.ndarray, honest: np.ndarray, *, seed: int) -> dict[str, np.ndarray]:
    """Make one map set of every kind, float32 (N, 4, L); arguments as `fakes.fake_maps`."""
    rng = np.random.default_rng([seed, 1])
    onehot = one_hot_numpy(codes)
    honest = unit_norm(honest.astype(np.float32))
    length = codes.shape[1]
    edge = np.exp(-np.minimum(np.arange(length), np.arange(length)[::-1]) / 4)
    made = {
        # What a strand that was turned in the sequence and not in the map gives, and an offset of the window.
        "map of the other strand": honest[:, ::-1, ::-1],
        "shifted by 3 bp": np.roll(honest, 3, axis=2),
        "edges of the window": edge * onehot,
        "random 2-mers": pair_importance(codes, rng.random(16)) * onehot,
        "density of CpG": smooth(pair_importance(codes, (np.arange(16) == 6).astype(float)), 9) * onehot,
    }
    return {name: np.ascontiguousarray(maps, dtype=np.float32) for name, maps in made.items()}


def pair_importance(codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean weight of the two dinucleotides that cover each position, (N, 1, L); `weights` (16,), AA first."""
    found = weights[kmer_index(codes, 2)]
    total = np.zeros((len(codes), 1, codes.shape[1]))
    total[:, 0, :-1] += found
    total[:, 0, 1:] += found
    return total / 2
