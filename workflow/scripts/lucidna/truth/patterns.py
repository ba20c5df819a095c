"""Which planted motif a discovered pattern is."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lucidna.ppm import information, reverse_complement_ppm


def match_patterns(
    patterns: dict[str, np.ndarray], motifs: dict[str, np.ndarray], *, top: int | None = 1
) -> pd.DataFrame:
    """Match every pattern with the motifs that it resembles most.

    Both matrices are weighted by information, (p - 0.25) * bits of the column, and slid along each other on
    both strands. The correlation at an offset is the cosine of the whole motif and the part of the pattern
    under it, so that a pattern which holds two motifs side by side matches both, and a motif that sticks
    out of the pattern loses.

    Parameters
    ----------
    patterns : dict[str, array (4, w)]
        PPMs by name.
    motifs : dict[str, array (4, w)]
        PPMs by name.
    top : int or None
        Motifs listed per pattern; None for all.

    Returns
    -------
    DataFrame
        pattern, motif, correlation (-1 to 1), offset (of the motif's first column from the pattern's first;
        negative when it begins before), strand ("-" when the motif's reverse complement matches). Patterns
        in the order given, best motif first.
    """
    weighted = {
        motif: {"+": _weighted(ppm), "-": _weighted(reverse_complement_ppm(np.asarray(ppm)))}
        for motif, ppm in motifs.items()
    }
    columns = ["pattern", "motif", "correlation", "offset", "strand"]
    found = []
    for pattern, ppm in patterns.items():
        matrix = _weighted(ppm)
        rows = []
        for motif, strands in weighted.items():
            both = [(*_best_offset(matrix, oriented), strand) for strand, oriented in strands.items()]
            rows.append((pattern, motif, *max(both, key=lambda match: match[0])))
        found += sorted(rows, key=lambda row: -row[2])[:top]
    return pd.DataFrame(found, columns=columns)


def compare_patterns(patterns: dict[str, np.ndarray], motifs: list[dict], *, min_correlation: float = 0.8) -> dict:
    """Say which planted motifs were discovered, and which patterns are none of them.

    Parameters
    ----------
    patterns : dict[str, array (4, w)]
        PPMs by name.
    motifs : list[dict]
        What truth/motifs.json holds: name, role and ppm (4, w) of every planted motif.
    min_correlation : float
        Correlation (`match_patterns`) from which a pattern counts as a motif.

    Returns
    -------
    dict
        motifs: list of dicts (motif, role, found, pattern: the best one, correlation); n_functional and
        n_found (planted motifs that are not decoys, and those of them that were found); decoys_found and
        unmatched: names of decoys and of patterns; pattern_motif: the motifs that every pattern stands for,
        best first (two for a pattern that holds a pair, none for an unmatched one).
    """
    table = match_patterns(patterns, {motif["name"]: np.array(motif["ppm"]) for motif in motifs}, top=None)
    enough = table[table["correlation"] >= min_correlation]
    listed = []
    for motif in motifs:
        here = table[table["motif"] == motif["name"]]
        best = None if here.empty else here.loc[here["correlation"].idxmax()]
        listed.append(
            {
                "motif": motif["name"],
                "role": motif["role"],
                "found": best is not None and bool(best["correlation"] >= min_correlation),
                "pattern": None if best is None else str(best["pattern"]),
                "correlation": None if best is None else float(best["correlation"]),
            }
        )
    resembled = {pattern: list(group["motif"]) for pattern, group in enough.groupby("pattern")}
    functional = [entry for entry in listed if entry["role"] != "decoy"]
    return {
        "motifs": listed,
        "n_functional": len(functional),
        "n_found": sum(entry["found"] for entry in functional),
        "decoys_found": [entry["motif"] for entry in listed if entry["role"] == "decoy" and entry["found"]],
        "unmatched": [pattern for pattern in patterns if pattern not in resembled],
        "pattern_motif": {pattern: resembled.get(pattern, []) for pattern in patterns},
    }


def _weighted(ppm: np.ndarray) -> np.ndarray:
    ppm = np.asarray(ppm, dtype=np.float64)
    return (ppm - 0.25) * information(ppm)


def _best_offset(pattern: np.ndarray, motif: np.ndarray) -> tuple[float, int]:
    """Return the largest correlation and its offset."""
    width = motif.shape[1]
    padded = np.pad(pattern, ((0, 0), (width - 1, width - 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, width, axis=1)
    products = np.einsum("bow,bw->o", windows, motif)
    norms = np.sqrt(np.einsum("bow,bow->o", windows, windows)) * np.linalg.norm(motif)
    correlations = np.where(norms > 1e-12, products / np.maximum(norms, 1e-12), 0.0)
    best = int(correlations.argmax())
    return float(correlations[best]), best - (width - 1)
