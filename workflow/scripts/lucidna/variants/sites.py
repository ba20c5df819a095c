"""How well patterns match either allele, and which of them a variant makes or breaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

MATCH_P = 1e-4
"""FIMO's own threshold for a match."""

CHANGE = float(np.log2(10))
"""Bits by which a site's score must change for a pattern to count as made or broken: its odds change tenfold.

The score is a sum over positions, so for a substitution this is a base ten times rarer in the pattern's instances than
the one that it replaces, whichever the threshold that the site happens to cross.
"""

_BIN, _EPSILON = 0.1, 1e-4  # FIMO's (memelite)
_ROWS = 1024  # variants that are scored at once


class SiteChange(NamedTuple):
    """The best site of a pattern at a variant.

    Attributes
    ----------
    name : str
        The pattern.
    start, end : int
        0-based, half-open, in the reference; of the alternative's site, bases that the reference lacks have no
        length.
    strand : str
    reference, alternative : float
        The best scores of the two alleles, bits.
    """

    name: str
    start: int
    end: int
    strand: str
    reference: float
    alternative: float

    @property
    def change(self) -> float:
        """Bits, of the alternative against the reference."""
        return self.alternative - self.reference

    @property
    def makes(self) -> bool:
        """Whether the alternative has a site that the reference has not."""
        return self.change >= CHANGE

    @property
    def breaks(self) -> bool:
        """Whether the reference has a site that the alternative has not."""
        return self.change <= -CHANGE


def log_odds(ppm: np.ndarray) -> np.ndarray:
    """Return scores in bits, (4, w), against a uniform background, with FIMO's pseudocount (memelite)."""
    return np.log2(ppm + _EPSILON) - np.log2(0.25)


def match_score(pwm: np.ndarray, *, p: float = MATCH_P) -> float:
    """Return the score above which a site is a match: random bases score so with a probability below `p`.

    As FIMO does (Grant, Bailey & Noble 2011, and memelite): scores in bins of 0.1 bits, all of whose sums are counted
    under a uniform background.

    Parameters
    ----------
    pwm : array
        Scores in bits, (4, w).

    Returns
    -------
    float
        Infinite for a motif that even its consensus does not match.
    """
    bins = np.round(pwm / _BIN).astype(np.int64)
    lowest = int(bins.min(axis=0).sum())
    shifted = bins - bins.min(axis=0)
    mass = np.ones(1)
    for column in shifted.T:
        longer = np.zeros(len(mass) + int(column.max()))
        for shift in column:
            longer[shift : shift + len(mass)] += mass / 4
        mass = longer
    rare = np.flatnonzero(np.cumsum(mass[::-1])[::-1] < p)
    return float((rare[0] + lowest) * _BIN) if len(rare) else np.inf


def best_sites(
    codes: np.ndarray, first: np.ndarray, lengths: np.ndarray, pwm: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return, for each window, the best site of either strand among those that overlap an allele.

    An allele of no base lies between two: a site overlaps it that has both.

    Parameters
    ----------
    codes : array
        uint8 (N, L). A site with an N, as beyond the end of a chromosome, is none.
    first, lengths : array
        int64 (N,), the alleles' first bases in the windows and their bp.
    pwm : array
        Scores in bits, (4, w).

    Returns
    -------
    score : array
        float64 (N,); minus infinity where no site fits.
    start : array
        int64 (N,), in the window.
    forward : array
        bool (N,).
    """
    width, size = pwm.shape[1], codes.shape[1]
    weights = [np.vstack([strand, np.full(width, -np.inf)]) for strand in (pwm, pwm[::-1, ::-1])]
    score = np.full(len(codes), -np.inf)
    start, forward = np.zeros(len(codes), np.int64), np.ones(len(codes), bool)
    # Alleles of like length are scored together: a long one would make all of its block slow.
    order = np.argsort(lengths, kind="stable")
    for rows in np.split(order, range(_ROWS, len(order), _ROWS)):
        n_sites = lengths[rows] + width - 1
        if not len(rows) or not n_sites.max():
            continue
        starts = (first[rows] - width + 1)[:, None] + np.arange(n_sites.max())
        fits = (starts >= 0) & (starts <= size - width) & (np.arange(n_sites.max()) < n_sites[:, None])
        total = np.zeros((2, *starts.shape))
        for offset in range(width):
            letters = codes[rows[:, None], np.clip(starts + offset, 0, size - 1)]
            for strand, columns in enumerate(weights):
                total[strand] += columns[letters, offset]
        total[:, ~fits] = -np.inf
        strand = total.max(axis=2).argmax(axis=0)
        of_strand = total[strand, np.arange(len(rows))]
        best = of_strand.argmax(axis=1)
        score[rows] = of_strand[np.arange(len(rows)), best]
        start[rows] = starts[np.arange(len(rows)), best]
        forward[rows] = strand == 0
    return score, start, forward


def site_changes(
    reference: np.ndarray,
    alternative: np.ndarray,
    first: np.ndarray,
    lengths: np.ndarray,
    place: np.ndarray,
    motifs: Mapping[str, np.ndarray],
) -> list[list[SiteChange]]:
    """Return, for each variant, the patterns that match one of its alleles or both, the largest change first.

    A pattern's score with an allele is that of the best site, on either strand, that overlaps it: the sum of
    log2((f + 1e-4) / 0.25) over the site's bases, f being their frequencies in the pattern, against a uniform
    background as FIMO has it. It matches where the better allele's score passes FIMO's threshold (`match_score`) and
    is above 0, which is to be more like the pattern than like the background.
    It is made or broken where the score moves by `CHANGE` besides.

    Parameters
    ----------
    reference, alternative : array
        uint8 codes (N, L) of `windows.allele_windows`.
    first : array
        int64 (N,), in the windows, of the alleles' first base of their own (`windows.trimmed`).
    lengths : array
        int64 (N, 2), bp of the reference and the alternative allele that are their own.
    place : array
        int64 (N,), 0-based position of that base in the genome.
    motifs : mapping
        Name -> base frequencies (4, w).
    """
    found: list[list[SiteChange]] = [[] for _ in reference]
    for name, ppm in motifs.items():
        pwm = log_odds(ppm)
        sites = [best_sites(codes, first, lengths[:, k], pwm) for k, codes in enumerate((reference, alternative))]
        scores = np.stack([site[0] for site in sites])
        for row in np.flatnonzero(_matched(scores, _threshold(pwm))):
            better = int(scores[1, row] > scores[0, row])
            at = int(sites[better][1][row] - first[row])
            ends = (at, at + ppm.shape[1])
            if better:
                ends = tuple(_in_reference(end, *lengths[row].tolist()) for end in ends)
            strand = "+" if sites[better][2][row] else "-"
            start, end = (int(place[row]) + end for end in ends)
            found[row].append(SiteChange(name, start, end, strand, *scores[:, row].tolist()))
    return [sorted(sites, key=lambda site: -abs(site.change)) for sites in found]


def makes_or_breaks(
    reference: np.ndarray, alternatives: Sequence[np.ndarray], first: np.ndarray, motifs: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Return whether substitutions of one base make or break a site of any pattern, bool (K, N).

    By the same rules as `site_changes`; the reference is scanned once for all K alternatives.

    Parameters
    ----------
    reference : array
        uint8 codes (N, L).
    alternatives : sequence of array
        K of the same shape, which differ from the reference at `first` alone.
    first : array
        int64 (N,), the place of the substitution in the windows.
    motifs : mapping
        Name -> base frequencies (4, w).
    """
    found = np.zeros((len(alternatives), len(reference)), dtype=bool)
    one = np.ones(len(reference), dtype=np.int64)
    for ppm in motifs.values():
        pwm = log_odds(ppm)
        threshold = _threshold(pwm)
        before = best_sites(reference, first, one, pwm)[0]
        for k, codes in enumerate(alternatives):
            scores = np.stack([before, best_sites(codes, first, one, pwm)[0]])
            rows = _matched(scores, threshold)
            found[k, rows] |= np.abs(scores[1, rows] - scores[0, rows]) >= CHANGE
    return found


def _threshold(pwm: np.ndarray) -> float:
    # Of long patterns that few instances made, words unlike the pattern are rare enough for FIMO.
    return max(match_score(pwm), 0.0)


def _matched(scores: np.ndarray, threshold: float) -> np.ndarray:
    """Return where a pattern matches the better of the two alleles, bool (N,); scores are (2, N)."""
    return np.isfinite(scores).all(axis=0) & (scores.max(axis=0) > threshold)


def _in_reference(at: int, n_ref: int, n_alt: int) -> int:
    """Return where a place counted from the alternative allele's first base lies from that of the reference's."""
    if at <= 0 or n_ref == n_alt:
        return at
    return at - n_alt + n_ref if at >= n_alt else min(at, n_ref)
