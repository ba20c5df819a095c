"""The field's standard synthetic set: classify sequences by which set of motifs they were drawn from.

The design of the synthetic benchmark of Koo and Ploenzke, Nature Machine Intelligence 3:258 (2021): a
sequence of either class holds three to seven motifs, strung together with random gaps on an even
background. Positives draw their motifs from a small core, negatives from the core and a larger pool, so
that the class is a matter of the set of motifs, not of the presence of one. The matrix that a sequence was
drawn from is its ground truth.
"""

from __future__ import annotations

import numpy as np

from lucidna.errors import UserError
from lucidna.ppm import reverse_complement_ppm

MOTIF_COUNTS = {3: 0.50, 4: 0.25, 5: 0.17, 6: 0.05, 7: 0.03}
"""Probability of every number of motifs in a sequence."""

SPLITS = {"train": 0.7, "valid": 0.1, "test": 0.2}
"""Share of the sequences in every split."""

_CHUNK = 2000  # sequences sampled at once


def standard_set(
    core: dict[str, np.ndarray],
    pool: dict[str, np.ndarray],
    *,
    n: int = 20_000,
    length: int = 200,
    seed: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Draw the standard synthetic set.

    Both sets of motifs are used together with their reverse complements. The gaps before, between and after
    the motifs are proportional to draws from U(0, 2), rounded, and drawn again until they fill the sequence
    exactly.

    Parameters
    ----------
    core : dict[str, array (4, w)]
        Motifs of the positives.
    pool : dict[str, array (4, w)]
        Further motifs of the negatives; may be empty.
    n : int
        Sequences; half of them, rounded down, are positives.
    length : int
        bp.
    seed : int

    Returns
    -------
    codes : uint8 (n, length)
        A C G T = 0 1 2 3.
    labels : uint8 (n,)
        1 for positives.
    truth : float32 (n, 4, length)
        The matrix that each sequence was drawn from; 0.25 outside the motifs.
    splits : dict[str, int64]
        Sorted row numbers of "train", "valid" and "test".

    Raises
    ------
    UserError
        When there is no core motif, or when seven of the widest motifs do not fit.
    """
    if not core:
        raise UserError("the standard synthetic set needs at least one core motif: give some")
    of_class = {1: _both_strands(core), 0: _both_strands({**core, **pool})}
    widest = max(ppm.shape[1] for ppm in of_class[0])
    if widest * max(MOTIF_COUNTS) > length:
        raise UserError(
            f"{max(MOTIF_COUNTS)} motifs of {widest} bp do not fit in {length} bp: "
            "give shorter motifs or longer sequences"
        )
    rng = np.random.default_rng(seed)
    labels = (rng.permutation(n) < n // 2).astype(np.uint8)
    truth = np.full((n, 4, length), 0.25, dtype=np.float32)
    counts = rng.choice(list(MOTIF_COUNTS), p=list(MOTIF_COUNTS.values()), size=n)
    for row in range(n):
        choices = of_class[labels[row]]
        chosen = [choices[index] for index in rng.integers(len(choices), size=counts[row])]
        position = 0
        for gap, ppm in zip(_gaps(chosen, length, rng=rng), chosen, strict=False):
            position += gap
            truth[row, :, position : position + ppm.shape[1]] = ppm
            position += ppm.shape[1]

    codes = np.empty((n, length), dtype=np.uint8)
    for at in range(0, n, _CHUNK):
        steps = np.cumsum(truth[at : at + _CHUNK], axis=1)[:, :3]
        draws = rng.random((len(steps), 1, length), dtype=np.float32)
        codes[at : at + _CHUNK] = (draws >= steps).sum(axis=1)

    order = rng.permutation(n)
    edges = np.rint(np.cumsum(list(SPLITS.values()))[:-1] * n).astype(int)
    parts = np.split(order, edges)
    return codes, labels, truth, {name: np.sort(part) for name, part in zip(SPLITS, parts, strict=True)}


def _both_strands(motifs: dict[str, np.ndarray]) -> list[np.ndarray]:
    return [strand for ppm in motifs.values() for strand in (ppm, reverse_complement_ppm(ppm))]


def _gaps(chosen: list[np.ndarray], length: int, *, rng: np.random.Generator) -> np.ndarray:
    """Draw the gaps before every motif and after the last, int (len(chosen) + 1,), that fill the length."""
    free = length - sum(ppm.shape[1] for ppm in chosen)
    while True:
        draws = rng.uniform(0, 2, size=len(chosen) + 1)
        gaps = np.rint(draws / draws.sum() * free).astype(int)
        if gaps.sum() == free:
            return gaps
