"""False discovery rates of hits by target-decoy competition: hits in shuffled sequences are false."""

from __future__ import annotations

import numpy as np


def target_decoy_q(
    targets: np.ndarray, decoys: np.ndarray, *, n_target_regions: float, n_decoy_regions: float
) -> np.ndarray:
    """Estimate the q-value of each target score.

    At a threshold t the share of false hits is estimated by the rate of decoys over the rate of targets,

        FDR(t) = ((1 + #decoys >= t) / n_decoy_regions) / (#targets >= t / n_target_regions),

    and q(s) is the least FDR(t) over t <= s, at most 1 (Elias & Gygi 2007; the 1 as in Levitsky et al. 2017
    keeps the estimate from being 0 when no decoy is seen).

    Parameters
    ----------
    targets, decoys : ndarray, shapes (n,) and (m,)
        Scores; larger is better.
    n_target_regions, n_decoy_regions : float
        Number of sequences in which each was searched, or of whole runs.

    Returns
    -------
    ndarray, shape (n,)
        q-values in the order of `targets`; no smaller score has a smaller q-value.
    """
    targets, decoys = np.asarray(targets, dtype=float), np.sort(np.asarray(decoys, dtype=float))
    if len(targets) == 0:
        return np.zeros(0)
    thresholds, place = np.unique(targets, return_inverse=True)
    above_targets = len(targets) - np.searchsorted(np.sort(targets), thresholds, side="left")
    above_decoys = len(decoys) - np.searchsorted(decoys, thresholds, side="left")
    rate = ((1 + above_decoys) / n_decoy_regions) / (above_targets / n_target_regions)
    return np.minimum(np.minimum.accumulate(rate), 1.0)[place]


def hit_q_values(
    scores: np.ndarray,
    patterns: np.ndarray,
    decoy_scores: np.ndarray,
    decoy_patterns: np.ndarray,
    *,
    n_target_regions: int,
    n_decoy_regions: int,
    min_hits: int = 50,
) -> np.ndarray:
    """Estimate the q-value of each hit among the hits of its own pattern.

    A pattern with fewer than `min_hits` hits cannot be judged alone (its q-values could not fall below 1 /
    hits): such patterns of one sign are pooled with each other, never with the frequent ones, whose many true
    hits would lend weak patterns a false discovery rate that they have not earned. Within a pool q-values
    hold on average over its patterns.

    The estimate is conservative where shuffled sequences hold true instances by chance (a short motif does
    occur in them, and the model does respond to it). A shuffle has the GC content and the dinucleotides of its
    region, but not the predicted signal: without motifs there is none, and no weighting makes weak
    sequences stand for strong ones (see `signal_overlap`). Of 20 shuffles the one whose prediction is nearest to the
    region's is little nearer, and what brings it there are chance instances, which are no false hits: with such
    decoys .6 % of the hits up to q = 0.1 are false instead of 2 to 4 %, and recall falls from .64, .62 and .55 to
    .61, .59 and .36 in three simulated data sets (benchmarks/results/hits/matched.tsv). So decoys are matched by
    strength instead: Fi-NeMo brings every map to one size before it looks for hits, and a score that is a
    likeness, not an amount, does not depend on the size of the map that it was found in.

    Parameters
    ----------
    scores, decoy_scores : ndarray, shapes (n,) and (m,)
    patterns, decoy_patterns : ndarray of str, shapes (n,) and (m,)
        Names that begin with the sign: "pos_patterns.pattern_0".
    n_target_regions, n_decoy_regions : int
        Number of regions searched; with no decoy region every q-value is NaN.
    min_hits : int

    Returns
    -------
    ndarray, shape (n,)
    """
    q_values = np.full(len(scores), np.nan)
    if n_decoy_regions == 0:
        return q_values
    names, counts = np.unique(patterns, return_counts=True)
    groups = [[name] for name, count in zip(names, counts, strict=True) if count >= min_hits]
    for sign in ("pos", "neg"):
        few = [n for n, count in zip(names, counts, strict=True) if count < min_hits and n.startswith(sign)]
        groups += [few] if few else []
    for group in groups:
        members = np.isin(patterns, group)
        q_values[members] = target_decoy_q(
            scores[members],
            decoy_scores[np.isin(decoy_patterns, group)],
            n_target_regions=n_target_regions,
            n_decoy_regions=n_decoy_regions,
        )
    return q_values


def signal_overlap(targets: np.ndarray, decoys: np.ndarray) -> float:
    """Return the share of regions whose predicted signal shuffled sequences reach as well.

    Parameters
    ----------
    targets, decoys : ndarray, shapes (n,) and (m,)
        Predictions of the regions and of shuffled sequences.

    Returns
    -------
    float
        Share of the regions between the 1st and the 99th percentile of the shuffled; NaN without either. What has no
        prediction (NaN: maps that were given) does not count.
    """
    targets, decoys = (values[np.isfinite(values)] for values in map(np.asarray, (targets, decoys)))
    if not len(targets) or not len(decoys):
        return float("nan")
    low, high = np.quantile(decoys, [0.01, 0.99])
    return float(((targets >= low) & (targets <= high)).mean())
