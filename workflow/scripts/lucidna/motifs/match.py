"""Name patterns by comparing them with a database of known motifs."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from lucidna.meme import Motif
from lucidna.motifs.multiple_testing import benjamini_hochberg
from lucidna.motifs.patterns import Pattern
from lucidna.ppm import information

logger = logging.getLogger(__name__)

COLUMNS = ["pattern", "rank", "motif", "alternative", "p_value", "q_value", "strand", "overlap"]
SMALL_DATABASE = 25  # below this many motifs tomtom's background distribution rests on too few columns
_LEAST_BITS = 1.0  # of a database motif that can be a match: one of even bases is like any even columns


def match(
    patterns: Sequence[Pattern],
    motifs: Sequence[Motif],
    *,
    threads: int = 1,
    top: int = 3,
    q_cut: float = 0.1,
) -> pd.DataFrame:
    """Find the database motifs that are significantly like each pattern.

    The trimmed base frequencies are compared with Tomtom (Gupta et al. 2007, complete scores, both strands)
    as implemented in memelite. A motif is listed only when it is significant; a pattern without such a motif
    has no line.

    Parameters
    ----------
    patterns : sequence of Pattern
    motifs : sequence of Motif
        The database, from `meme.read_meme`.
    threads : int
    top : int
        Most motifs listed per pattern.
    q_cut : float
        Largest q-value (Benjamini-Hochberg over the database, for each pattern) of a match; q = 1 is never one.

    Returns
    -------
    DataFrame
        pattern, rank (from 1), motif, alternative (its second name), p_value, q_value, strand ("-": the
        pattern is like the reverse complement of the motif), overlap (aligned columns, bp).
    """
    if not patterns or not motifs:
        return pd.DataFrame(columns=COLUMNS)
    # Imported here: numba compiles it on first use, a minute on a fresh installation (kept on disk).
    from memelite import tomtom

    logger.info("comparing %d patterns with %d motifs", len(patterns), len(motifs))
    queries = [np.ascontiguousarray(pattern.ppm[:, pattern.core], dtype=np.float64) for pattern in patterns]
    targets = [np.ascontiguousarray(motif.ppm, dtype=np.float64) for motif in motifs]
    with warnings.catch_warnings():
        # `annotate` says in its notices that the database is small.
        warnings.filterwarnings("ignore", message="tomtom was given")
        p_values, _, _, overlaps, strands = tomtom(queries, targets, n_jobs=threads)
    says = [information(motif.ppm).sum() >= _LEAST_BITS for motif in motifs]
    rows = []
    for i, pattern in enumerate(patterns):
        # A sum over discretised scores may exceed 1 in the last digits.
        p = np.clip(p_values[i], 0.0, 1.0)
        q = benjamini_hochberg(p)
        listed = [j for j in np.lexsort((-overlaps[i], p)) if q[j] <= q_cut and q[j] < 1 and says[j]][:top]
        for rank, j in enumerate(listed, start=1):
            motif = motifs[j]
            strand = "-" if strands[i, j] else "+"
            overlap = int(overlaps[i, j])
            rows.append((pattern.name, rank, motif.name, motif.alternative, p[j], q[j], strand, overlap))
    return pd.DataFrame(rows, columns=COLUMNS)


def best_names(matches: pd.DataFrame) -> dict[str, str]:
    """Return pattern -> name of its best match (`second_name`)."""
    best = matches[matches["rank"] == 1]
    return {
        pattern: second_name(motif, alternative)
        for pattern, motif, alternative in zip(best["pattern"], best["motif"], best["alternative"], strict=True)
    }


def second_name(motif: str, alternative: str) -> str:
    """Return the second name of a database motif where it has one (a gene, say), else the first.

    JASPAR writes some second names as "MA0363.2.REB1": the identifier before the gene is left out.
    """
    return alternative.removeprefix(f"{motif}.") or motif
