"""Rankings of instances, and how each of them fares against the truth."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from lucidna.truth.instances import _overlaps, inside, on_own_motifs

LEAST_TRUE_OVERLAP = 0.5


@dataclass
class Truth:
    """The instances inside the windows, and where the windows lie."""

    instances: pd.DataFrame
    windows: pd.DataFrame

    @classmethod
    def of(cls, instances, windows):
        """Keep the instances wholly inside a window, and number the windows."""
        kept = instances[inside(instances, windows)].reset_index(drop=True)
        return cls(kept, windows.reset_index(drop=True))

    @property
    def functional(self):
        return (self.instances["role"] != "decoy").to_numpy()


@dataclass
class Ranked:
    """Hits, best first, with what they find.

    Attributes
    ----------
    hits : DataFrame
        chrom, start, end, in order.
    key : ndarray
        float, what they are ordered by, largest first.
    true : ndarray
        bool, whether a hit lies on a functional instance.
    decoy : ndarray
        bool, on a decoy and on nothing functional.
    own : ndarray
        bool, on functional instances of all motifs that the hit's pattern stands for.
    found : ndarray
        int, rank of the first hit that finds each functional instance; len(hits) for one that none finds.
    own_found : ndarray
        int, the same of hits whose pattern stands for the instance's motif.
    """

    hits: pd.DataFrame
    key: np.ndarray
    true: np.ndarray
    decoy: np.ndarray
    own: np.ndarray
    found: np.ndarray
    own_found: np.ndarray

    def of_own(self):
        """Return the ranking with a stricter truth: a hit is true, and finds an instance, on its own motif alone."""
        return replace(self, true=self.own, found=self.own_found)


def ranked(hits, key, truth, *, stands_for=None):
    """Order hits by `key`, largest first, and compare them with the truth; `stands_for`: pattern -> its motifs."""
    key = np.asarray(key, dtype=float)
    order = np.argsort(-key, kind="stable")
    hits = hits.iloc[order].reset_index(drop=True)
    hit, instance = _overlaps(hits, truth.instances, min_overlap=LEAST_TRUE_OVERLAP)
    functional = truth.functional
    true, decoy = np.zeros(len(hits), dtype=bool), np.zeros(len(hits), dtype=bool)
    true[hit[functional[instance]]] = True
    decoy[hit[~functional[instance]]] = True
    own, found = np.zeros(len(hits), dtype=bool), np.full((2, len(truth.instances)), len(hits))
    np.minimum.at(found[0], instance, hit)
    if stands_for is not None:
        motifs = truth.instances["motif"].to_numpy()[instance]
        right = on_own_motifs(hit, hits["pattern"].to_numpy(), motifs, stands_for)
        own[hit[functional[instance] & right]] = True
        np.minimum.at(found[1], instance[right], hit[right])
    return Ranked(hits, key[order], true, decoy & ~true, own, *found[:, functional])


def at_rank(ranking, n):
    """Return precision and recall of the first n hits."""
    precision = float(ranking.true[:n].mean()) if n else float("nan")
    return precision, float((ranking.found < n).mean())


def recall_at_precision(ranking, precision):
    """Return the largest recall at which all hits above some cut are at least as precise; 0 where no cut is.

    Hits of one key stand or fall together: their order among themselves says nothing, but if they are listed motif by
    motif it would look as if the ranking had told the motifs that act from those that do not.
    """
    if not len(ranking.true):
        return 0.0
    cuts = np.flatnonzero(np.append(ranking.key[1:] != ranking.key[:-1], True))
    precisions = (np.cumsum(ranking.true) / np.arange(1, len(ranking.true) + 1))[cuts]
    enough = cuts[precisions >= precision - 1e-12]
    return float((ranking.found <= enough[-1]).mean()) if len(enough) else 0.0


def fdr_interval(true, regions, *, draws, seed):
    """Return the 2.5 and 97.5 percentiles of the observed FDR over resampled regions.

    Without a false hit every resample says 0; the upper end is then that of Wilson.
    """
    if not len(true):
        return float("nan"), float("nan")
    _, region = np.unique(regions, return_inverse=True)
    n_hits = np.bincount(region)
    n_false = np.bincount(region, weights=~true)
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(n_hits), np.full(len(n_hits), 1 / len(n_hits)), size=draws)
    shares = (counts @ n_false) / np.maximum(counts @ n_hits, 1)
    low, high = np.quantile(shares, [0.025, 0.975])
    if true.all():
        high = 1.96**2 / (len(true) + 1.96**2)
    return float(low), float(high)


def base_scores(hits, key, windows, *, length):
    """Give every base of every window the largest key of the hits on it, 0 where there is none."""
    scores = np.zeros((len(windows), length), dtype=np.float32)
    place = {chrom: (group["start"].to_numpy(), group.index.to_numpy()) for chrom, group in windows.groupby("chrom")}
    key = np.asarray(key, dtype=np.float32)
    for chrom, group in hits.reset_index(drop=True).groupby("chrom"):
        if chrom not in place:
            continue
        starts, rows = place[chrom]
        order = np.argsort(starts)
        starts, rows = starts[order], rows[order]
        for start, end, value in zip(group["start"], group["end"], key[group.index], strict=True):
            first = np.searchsorted(starts, start - length, side="right")
            last = np.searchsorted(starts, end)
            for window in range(first, last):
                a, b = max(start - starts[window], 0), min(end - starts[window], length)
                part = scores[rows[window], a:b]
                np.maximum(part, value, out=part)
    return scores


def base_aupr(scores, truth):
    """Return the average precision of scores (n, L) for the bases of functional instances."""
    functional = truth.instances[truth.functional].reset_index(drop=True)
    labels = base_scores(functional, np.ones(len(functional)), truth.windows, length=scores.shape[1])
    return float(average_precision_score(labels.ravel() > 0, scores.ravel()))
