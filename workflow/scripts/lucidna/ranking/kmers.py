"""How the k-mers under large attributions differ from the k-mers of the same sequences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lucidna.kmers import kmer_index
from lucidna.ranking.bootstrap import block_jackknife

PSEUDOCOUNT = 500
FOLDS = 4


def kmer_prior(index: np.ndarray, k: int) -> np.ndarray:
    """Frequency of each k-mer over all sequences, (4^k,), sum 1 (zeros when there is no k-mer)."""
    counts = np.bincount(index[index >= 0], minlength=4**k).astype(np.float64)
    return counts / max(counts.sum(), 1)


def importance(corrected: np.ndarray) -> np.ndarray:
    """Euclidean norm over bases at each position: (N, 4, L) -> (N, L) in the type of `corrected`."""
    return np.sqrt(np.einsum("nal,nal->nl", corrected, corrected))


def soft_kmer(corrected: np.ndarray, codes: np.ndarray, *, k: int = 6) -> np.ndarray:
    """Cross-fitted log ratio of importance-weighted k-mer frequencies to plain ones, per sequence.

    Parameters
    ----------
    corrected
        (N, 4, L) corrected maps.
    codes
        (N, L).
    k
        Length of the k-mers in bp.

    Returns
    -------
    (N,) sum over k-mers of w ln(p / q): w the share of the sequence's importance under the k-mer, p the
    weighted frequency in the other three quarters of the sequences (i mod 4) with 500 pseudocounts of the
    frequency q in all sequences. Higher is better; blind to the sign of a map.
    """
    index = kmer_index(codes, k)
    known = index >= 0
    cumulative = np.pad(np.cumsum(importance(corrected), axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    weight = np.where(known, cumulative[:, k:] - cumulative[:, :-k], 0)
    total = weight.sum(axis=1, keepdims=True)
    weight /= np.where(total > 0, total, 1)
    # A sequence counts as many times as it has k-mers, so that the pseudocounts weigh the same for any map.
    counts = weight * known.sum(axis=1, keepdims=True)
    return _cross_fit(index, counts, weight, k)


def _cross_fit(index: np.ndarray, counts: np.ndarray, weight: np.ndarray, k: int) -> np.ndarray:
    """Sum over each row of `weight` times ln(p/q), p from the `counts` of the other folds of rows; (N,)."""
    prior = kmer_prior(index, k)
    safe = np.where(prior > 0, prior, 1)
    fold = np.arange(len(index)) % FOLDS
    flat = np.where(index >= 0, index, 0)
    tables = np.stack(
        [
            np.bincount(flat[fold == part].ravel(), weights=counts[fold == part].ravel(), minlength=4**k)
            for part in range(FOLDS)
        ]
    )
    out = np.empty(len(index))
    for part in range(FOLDS):
        train = tables.sum(axis=0) - tables[part]
        ratio = np.where(prior > 0, (train + PSEUDOCOUNT * prior) / (train.sum() + PSEUDOCOUNT) / safe, 1)
        # Differences of sums can leave a count of -1e-17 where nothing was seen; the pseudocount dominates
        # it.
        log_ratio = np.log(ratio)
        out[fold == part] = np.einsum("nl,nl->n", weight[fold == part], log_ratio[flat[fold == part]])
    return out


@dataclass(frozen=True)
class KmerDivergence:
    """Result of `acme_kmer`.

    Attributes
    ----------
    kld
        Kullback-Leibler divergence in nats; NaN when no segment is as long as k.
    lo, hi
        95 % interval by the delete-a-block jackknife over sequences.
    frequency
        (4^k,) k-mer frequency inside the segments.
    cutoff
        (N,) threshold of each sequence.
    n_segments
        Number of segments of at least k positions.
    """

    kld: float
    lo: float
    hi: float
    frequency: np.ndarray
    cutoff: np.ndarray
    n_segments: int


def segments(
    corrected: np.ndarray, *, threshold: float = 0.9, extension: int = 2
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mark the runs of positions above each sequence's quantile, each lengthened to the right.

    Parameters
    ----------
    corrected
        (N, 4, L).
    threshold
        Quantile of the position norms of each sequence; strictly larger ones are kept.
    extension
        How many positions each run is lengthened by, to the right.

    Returns
    -------
    inside : bool (N, L).
    segment : int64 (N, L), number of the segment within its row where `inside`. Lengthened runs that overlap
    are one segment; runs that merely touch are two.
    cutoff : (N,).
    """
    norm = importance(np.asarray(corrected, dtype=np.float64))
    cutoff = np.quantile(norm, threshold, axis=1)
    inside, segment = _lengthen(norm > cutoff[:, None], extension)
    return inside, segment, cutoff


def _lengthen(mask: np.ndarray, extension: int) -> tuple[np.ndarray, np.ndarray]:
    """Lengthen the runs of a bool mask (N, L) to the right; return the new mask and segment numbers."""
    inside, reached = mask.copy(), np.zeros_like(mask)
    for shift in range(1, max(extension, 1) + 1):
        reached[:, shift:] |= mask[:, :-shift]
        if shift <= extension:
            inside |= reached
    # A segment begins at a position of the mask that no earlier run reaches.
    return inside, np.cumsum(mask & ~reached, axis=1)


def _masked_kmers(inside: np.ndarray, segment: np.ndarray, index: np.ndarray, k: int) -> np.ndarray:
    """Which k-mers of (N, L-k+1) lie inside one segment."""
    length = index.shape[1]
    whole = index >= 0
    for shift in range(k):
        whole &= inside[:, shift : shift + length]
    return whole & (segment[:, :length] == segment[:, k - 1 : k - 1 + length])


def _divergence(counts: np.ndarray, prior: np.ndarray) -> float:
    total = counts.sum()
    if total <= 0:
        return float("nan")
    frequency = counts / total
    seen = frequency > 0
    return float((frequency[seen] * np.log(frequency[seen] / prior[seen])).sum())


def acme_kmer(
    corrected: np.ndarray,
    codes: np.ndarray,
    *,
    k: int = 6,
    threshold: float = 0.9,
    extension: int = 2,
    blocks: int = 20,
) -> KmerDivergence:
    """ACME's Method 1: divergence of the k-mers under large attributions from those of the whole sequences.

    A plug-in estimate, strongly biased upwards in small samples (pure noise scores high): it is here to be
    compared with published numbers. `cross_fitted_kmer` is the repaired form.

    Parameters
    ----------
    corrected
        (N, 4, L) corrected maps; their scale per sequence does not matter.
    codes
        (N, L); k-mers with an N are left out.
    k, threshold
        Length of k-mers; quantile of the position norms.
    extension
        Positions added to the right of each run. 2 is what ACME's code prints (intervals inclusive at both
        ends); values it published for whole populations of networks are reproduced by 1 (intervals sliced
        half-open).
    blocks
        Number of blocks of sequences for the jackknife interval.

    Returns
    -------
    KmerDivergence

    Notes
    -----
    Majdandzic et al., PMLR 200:131-149, 2022. Two traps of the original are closed: a sequence without any
    position above its quantile no longer shifts the pairing of segments with sequences, and maps without any
    segment give NaN in place of an exception.
    """
    index = kmer_index(codes, k)
    prior = kmer_prior(index, k)
    inside, segment, cutoff = segments(corrected, threshold=threshold, extension=extension)
    whole = _masked_kmers(inside, segment, index, k)
    counts, kld, left_out = _left_out(whole, index, prior, k, blocks)
    lo, hi = block_jackknife(kld, left_out)
    return KmerDivergence(
        kld=kld,
        lo=lo,
        hi=hi,
        frequency=counts / max(counts.sum(), 1),
        cutoff=cutoff,
        n_segments=_n_segments(inside, segment, k),
    )


def _left_out(
    whole: np.ndarray, index: np.ndarray, prior: np.ndarray, k: int, blocks: int
) -> tuple[np.ndarray, float, np.ndarray]:
    """Return the counts of the marked k-mers, their divergence, and (blocks,) those without each block of rows."""
    block = np.nonzero(whole)[0] * blocks // max(len(index), 1)
    tables = np.bincount(block * 4**k + index[whole], minlength=blocks * 4**k).reshape(blocks, 4**k)
    counts = tables.sum(axis=0).astype(np.float64)
    return counts, _divergence(counts, prior), np.array([_divergence(counts - table, prior) for table in tables])


def _n_segments(inside: np.ndarray, segment: np.ndarray, k: int) -> int:
    number = segment + np.arange(len(segment))[:, None] * (segment.shape[1] + 1)
    return int((np.bincount(number[inside]) >= k).sum())


def cross_fitted_kmer(
    corrected: np.ndarray, codes: np.ndarray, *, k: int = 6, threshold: float = 0.9, extension: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """ACME's Method 1 with its tables fitted on other sequences than those that are scored (M1cf).

    Parameters
    ----------
    corrected, codes, k, threshold, extension
        As in `acme_kmer`.

    Returns
    -------
    values : (N,) mean of ln(p / q) over the masked k-mers of each sequence, p from the other three quarters
    of the sequences with 500 pseudocounts of q; 0 where there is none.
    weights : (N,) number of masked k-mers. The score of the network is the weighted mean of `values`.
    """
    index = kmer_index(codes, k)
    inside, segment, _ = segments(corrected, threshold=threshold, extension=extension)
    whole = _masked_kmers(inside, segment, index, k).astype(np.float64)
    weights = whole.sum(axis=1)
    return _cross_fit(index, whole, whole, k) / np.maximum(weights, 1), weights


def rolled_kmer_null(
    corrected: np.ndarray,
    codes: np.ndarray,
    *,
    k: int = 6,
    threshold: float = 0.9,
    extension: int = 2,
    draws: int = 3,
    blocks: int = 20,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Mean of ACME's Method 1 when each sequence's mask is moved around its circle, which keeps its shape.

    Each mask is rolled by L/10 to 9L/10 positions, so that it keeps its run lengths and loses its place.

    Parameters
    ----------
    draws
        Number of random rolls averaged.
    seed
        Of the rolls; the other parameters are those of `acme_kmer`.

    Returns
    -------
    value, lo, hi : the mean divergence in nats, what these masks score on sequence they do not point at, and its
    95 % interval by the jackknife of `acme_kmer`, the rolls held fixed; NaN when no draw has a segment as long as k.
    """
    rng = np.random.default_rng(seed)
    index = kmer_index(codes, k)
    prior = kmer_prior(index, k)
    norm = importance(np.asarray(corrected, dtype=np.float64))
    mask = norm > np.quantile(norm, threshold, axis=1)[:, None]
    length = mask.shape[1]
    values = []
    for _ in range(draws):
        roll = rng.integers(max(length // 10, 1), max(9 * length // 10, 2), size=len(mask))
        rolled = np.take_along_axis(mask, (np.arange(length)[None, :] - roll[:, None]) % length, axis=1)
        whole = _masked_kmers(*_lengthen(rolled, extension), index, k)
        _, kld, left_out = _left_out(whole, index, prior, k, blocks)
        values.append([kld, *left_out])
    found = np.array([row for row in values if np.isfinite(row[0])])
    if not len(found):
        return (float("nan"),) * 3
    kld, *left_out = found.mean(axis=0).tolist()
    return kld, *block_jackknife(kld, np.array(left_out))
