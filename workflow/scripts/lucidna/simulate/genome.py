"""One simulated chromosome: its accessible sites, the sequence, and the motifs planted in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lucidna.errors import UserError
from lucidna.simulate.background import gc_field, markov_sequence, soft_mask
from lucidna.simulate.grammar import PAIR_SLACK, PAIR_SPACING, Difficulty, Motif
from lucidna.simulate.ppm import sample_instances

SITE_SPACING = 320
"""Smallest distance between two accessible sites, bp: no activator of one acts on the centre of another."""

_MARGIN = 400  # bp at both ends without sites, so that wide windows fit
_PLACE_SD, _PLACE_MAX = 30.0, 85  # bp of an instance's centre from the centre of its site
# Average bp between instances of one motif, by role, that are planted without regard to sites. A repressor
# that stood in accessible sites only would be a mark of accessibility, and be learnt as one.
_EVERY = {"decoy": 1200, "repressor": 2500, "activator": 10_000, "pair": 10_000}
_N_RUN = 500
_N = 4
_TRIES = 12
# Shares of the sites with: a complete pair, its members at a wrong spacing, one member alone; a repressor.
_PAIR_SHARES = (0.25, 0.10, 0.12)
_REPRESSOR_SHARE = 0.20
_ACTIVATOR_COUNTS = (0.25, 0.35, 0.25, 0.15)  # of 1, 2, 3, 4 activators


@dataclass
class Chromosome:
    """The sequence of one chromosome and what was put into it.

    Attributes
    ----------
    codes : uint8 (L,)
        A C G T N = 0 1 2 3 4.
    lower : bool (L,)
        True where the base is written in lower case.
    sites : int64 (n,)
        Centres of the accessible sites.
    empty : bool (n,)
        True for the sites without motifs.
    """

    codes: np.ndarray
    lower: np.ndarray
    sites: np.ndarray
    empty: np.ndarray


@dataclass
class _Blocks:
    """What is planted together, one row each: one motif, or two at a distance (`second` -1 for none)."""

    site: np.ndarray
    first: np.ndarray
    second: np.ndarray
    distance: np.ndarray


def build_chromosome(
    length: int, n_sites: int, *, motifs: dict[str, Motif], difficulty: Difficulty, rng: np.random.Generator
) -> Chromosome:
    """Draw a chromosome: sites, background, decoys anywhere, the grammar's motifs in the sites.

    Decoys, repressors and a few lone instances of the other motifs come first, at positions that know
    nothing of the sites, and nothing is planted over them: decoys are as frequent in sites as elsewhere. The
    background is somewhat richer in G and C under the sites, and under half as many other places.

    Parameters
    ----------
    length : int
        bp.
    n_sites : int
    motifs : dict[str, Motif]
    difficulty : Difficulty
    rng : Generator

    Returns
    -------
    Chromosome

    Raises
    ------
    UserError
        When so many sites do not fit.
    """
    sites = place_sites(length, n_sites, rng=rng)
    islands = rng.integers(0, length, size=n_sites // 2)
    centres = np.concatenate([sites, islands])
    gc = gc_field(length, centres=centres, rises=rng.normal(0.06, 0.03, size=len(centres)), rng=rng)
    codes = markov_sequence(gc, rng=rng)
    taken = np.zeros(length, dtype=bool)
    run = _n_run(length, sites)
    codes[run] = _N
    taken[run] = True

    _scatter(codes, taken, motifs=motifs, rng=rng)
    empty = rng.random(n_sites) < difficulty.empty
    for blocks in _compose(np.flatnonzero(~empty), list(motifs.values()), rng=rng):
        _plant(codes, taken, sites, blocks, list(motifs.values()), rng=rng)
    return Chromosome(codes, soft_mask(length, share=0.12, rng=rng), sites, empty)


def place_sites(length: int, n: int, *, rng: np.random.Generator) -> np.ndarray:
    """Draw the centres of `n` sites, clustered as regulatory elements are, at least `SITE_SPACING` apart.

    Returns
    -------
    int64 (n,)
        Sorted.

    Raises
    ------
    UserError
        When they do not fit.
    """
    if n == 0:
        return np.zeros(0, dtype=np.int64)
    free = length - 2 * _MARGIN - SITE_SPACING * (n - 1)
    if free < 60 * n:
        most = max(0, (length - 2 * _MARGIN) // (SITE_SPACING + 60))
        raise UserError(
            f"config key 'simulate.peaks' puts {n} peaks on a chromosome of {length} bp, which holds {most}: "
            "ask for fewer peaks or longer chromosomes"
        )
    gaps = rng.gamma(0.6, size=n + 1)
    before = np.cumsum(gaps[:-1]) / gaps.sum() * free
    return (_MARGIN + before).astype(np.int64) + SITE_SPACING * np.arange(n)


def _n_run(length: int, sites: np.ndarray) -> slice:
    """Return where the unknown bases lie: the middle of the widest gap between sites."""
    edges = np.concatenate([[0], sites, [length]])
    widest = int(np.diff(edges).argmax())
    middle = int(edges[widest] + edges[widest + 1]) // 2
    half = min(_N_RUN, int(edges[widest + 1] - edges[widest]) // 3) // 2
    return slice(middle - half, middle + half)


def _scatter(codes: np.ndarray, taken: np.ndarray, *, motifs: dict[str, Motif], rng: np.random.Generator) -> None:
    """Plant decoys, repressors, and a few lone instances of the other motifs, evenly over the chromosome."""
    for motif in motifs.values():
        n = len(codes) // _EVERY[motif.role]
        starts = np.sort(rng.integers(0, len(codes) - motif.width, size=n))
        starts = starts[np.diff(starts, prepend=-motif.width) >= motif.width]
        starts = starts[_free(taken, starts, np.full(len(starts), motif.width))]
        _write(codes, taken, starts, rng.random(len(starts)) < 0.5, motif, rng=rng)


def _compose(filled: np.ndarray, motifs: list[Motif], *, rng: np.random.Generator) -> list[_Blocks]:
    """Draw what each filled site holds, widest first; no two blocks of one list entry share a site."""
    of_role = {
        role: np.array([index for index, motif in enumerate(motifs) if motif.role == role])
        for role in ("activator", "pair", "repressor")
    }

    def single(sites: np.ndarray, choice: np.ndarray) -> _Blocks:
        return _Blocks(sites, choice, np.full(len(sites), -1), np.zeros(len(sites), dtype=np.int64))

    first, second = of_role["pair"]
    kind = np.searchsorted(np.cumsum(_PAIR_SHARES), rng.random(len(filled)), side="right")
    good, wrong, alone = (filled[kind == value] for value in range(3))
    both = np.concatenate([good, wrong])
    distance = np.concatenate(
        [
            PAIR_SPACING + rng.integers(-PAIR_SLACK, PAIR_SLACK + 1, size=len(good)),
            PAIR_SPACING + rng.integers(PAIR_SLACK + 4, 25, size=len(wrong)),
        ]
    )
    blocks = [
        _Blocks(both, np.full(len(both), first), np.full(len(both), second), distance),
        single(alone, rng.choice(of_role["pair"], size=len(alone))),
    ]
    repressed = filled[rng.random(len(filled)) < _REPRESSOR_SHARE]
    blocks.append(single(repressed, rng.choice(of_role["repressor"], size=len(repressed))))
    n_activators = 1 + rng.choice(len(_ACTIVATOR_COUNTS), size=len(filled), p=_ACTIVATOR_COUNTS)
    for slot in range(len(_ACTIVATOR_COUNTS)):
        chosen = filled[n_activators > slot]
        blocks.append(single(chosen, rng.choice(of_role["activator"], size=len(chosen))))
    return blocks


def _plant(
    codes: np.ndarray,
    taken: np.ndarray,
    sites: np.ndarray,
    blocks: _Blocks,
    motifs: list[Motif],
    *,
    rng: np.random.Generator,
) -> None:
    """Write one block into each of several sites, on free bases; without room after some tries, none."""
    widths = np.array([motif.width for motif in motifs])
    total = np.where(blocks.second >= 0, blocks.distance + widths[blocks.second], widths[blocks.first])
    reverse = rng.random(len(total)) < 0.5
    start = np.full(len(total), -1)
    pending = np.arange(len(total))
    for _ in range(_TRIES):
        offset = np.clip(rng.normal(0, _PLACE_SD, size=len(pending)), -_PLACE_MAX, _PLACE_MAX)
        proposal = sites[blocks.site[pending]] + np.rint(offset - total[pending] / 2).astype(np.int64)
        fits = _free(taken, proposal, total[pending])
        start[pending[fits]] = proposal[fits]
        pending = pending[~fits]
    placed = start >= 0
    for index, motif in enumerate(motifs):
        for member, distance in ((blocks.first, np.zeros_like(total)), (blocks.second, blocks.distance)):
            rows = placed & (member == index)
            # On the reverse strand the block reads from its right end.
            shift = np.where(reverse, total - distance - motif.width, distance)
            _write(codes, taken, (start + shift)[rows], reverse[rows], motif, rng=rng)


def _write(
    codes: np.ndarray,
    taken: np.ndarray,
    starts: np.ndarray,
    reverse: np.ndarray,
    motif: Motif,
    *,
    rng: np.random.Generator,
) -> None:
    instances = sample_instances(motif.ppm, len(starts), threshold=motif.threshold, rng=rng)
    instances[reverse] = 3 - instances[reverse, ::-1]
    positions = starts[:, None] + np.arange(motif.width)
    codes[positions] = instances
    taken[positions] = True


def _free(taken: np.ndarray, starts: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Say for every interval whether all of its bases are free, bool (n,)."""
    filled = np.concatenate([[0], np.cumsum(taken)])
    return filled[starts + widths] == filled[starts]
