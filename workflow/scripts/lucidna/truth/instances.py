"""Hits against the motif instances that the simulated genome holds."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig

from lucidna.errors import UserError
from lucidna.simulate.write import INSTANCE_COLUMNS


def read_instances(path: str | os.PathLike) -> pd.DataFrame:
    """Read a BED file of true instances.

    Returns
    -------
    DataFrame
        chrom, start, end, motif, score, strand, region, strength, role.

    Raises
    ------
    UserError
        When the file is missing, or does not have these nine columns.
    """
    if not Path(path).is_file():
        raise UserError(f"there is no file of true instances at '{path}': run the simulation first")
    frame = pd.read_csv(path, sep="\t", keep_default_na=False)
    if tuple(frame.columns) != ("#" + INSTANCE_COLUMNS[0], *INSTANCE_COLUMNS[1:]):
        raise UserError(f"{path}: the first line is not '#{' '.join(INSTANCE_COLUMNS)}': give truth/instances.bed")
    frame.columns = list(INSTANCE_COLUMNS)
    return frame.astype({"chrom": str, "region": str})


def mask_windows(path: str | os.PathLike, chrom: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Read windows of equal width from the mask of contributions.

    Parameters
    ----------
    path : path
        truth/mask.bw.
    chrom, start, end : array (n,)
        Windows; they may reach beyond the chromosome, where the mask is 0.

    Returns
    -------
    float32 (n, L)

    Raises
    ------
    UserError
        When the file cannot be read, does not know a chromosome, or the widths differ.
    """
    chrom, start, end = np.asarray(chrom), np.asarray(start), np.asarray(end)
    widths = np.unique(end - start)
    if len(widths) > 1:
        raise UserError(f"windows of {widths[0]} to {widths[-1]} bp do not make one array: give equal widths")
    width = int(widths[0]) if len(widths) else 0
    out = np.zeros((len(chrom), width), dtype=np.float32)
    try:
        bigwig = pyBigWig.open(str(path))
    except RuntimeError as error:
        raise UserError(f"cannot read the mask '{path}': give truth/mask.bw of the simulated data") from error
    try:
        lengths = bigwig.chroms()
        for name in np.unique(chrom):
            if name not in lengths:
                raise UserError(f"{path} has no chromosome '{name}': give the mask of the same genome")
            track = np.zeros(lengths[name] + 2 * width, dtype=np.float32)
            values = bigwig.values(str(name), 0, lengths[name], numpy=True)
            track[width : width + lengths[name]] = np.nan_to_num(values)
            rows = np.flatnonzero(chrom == name)
            at = np.clip(start[rows] + width, 0, lengths[name] + width)
            out[rows] = track[at[:, None] + np.arange(width)]
    finally:
        bigwig.close()
    return out


def instance_recovery(
    hits: pd.DataFrame,
    instances: pd.DataFrame,
    *,
    min_overlap: float = 0.5,
    pattern_motif: dict[str, list[str]] | None = None,
    within: pd.DataFrame | None = None,
) -> dict:
    """Compare hits with true instances.

    A hit finds an instance when they share at least `min_overlap` of the shorter one, on either strand,
    and, where `pattern_motif` is given, when the hit's pattern stands for the instance's motif. A pattern that
    stands for several motifs, side by side, finds none where one of them is missing. An instance is functional
    unless it is a decoy.

    Parameters
    ----------
    hits : DataFrame
        chrom, start, end, pattern.
    instances : DataFrame
        What `read_instances` returns.
    min_overlap : float
        In (0, 1].
    pattern_motif : dict[str, list[str]], optional
        The motifs that each pattern stands for: several when it holds them side by side, none when it
        resembles no motif.
    within : DataFrame, optional
        chrom, start, end of the windows that were searched: instances not wholly inside one do not count.

    Returns
    -------
    dict
        n_hits, n_instances (functional); recall (found share of the functional instances); precision (share
        of hits that find a functional one); decoy_share (share of hits that lie on a decoy and on nothing
        functional); motifs and patterns: lists of dicts, one per motif (motif, role, n_instances, n_found,
        recall) and pattern (pattern, n_hits, motif: what it stands for, joined by +, or lies on most often,
        n_true, precision, decoy_share). Shares of nothing are None.
    """
    hits = hits.reset_index(drop=True)
    if within is not None:
        instances = instances[inside(instances, within)]
    instances = instances.reset_index(drop=True)
    hit_rows, rows = _overlaps(hits, instances, min_overlap=min_overlap)
    motifs, functional = instances["motif"].to_numpy(), (instances["role"] != "decoy").to_numpy()
    right = np.ones(len(rows), dtype=bool)
    if pattern_motif is not None:
        right = on_own_motifs(hit_rows, hits["pattern"].to_numpy(), motifs[rows], pattern_motif)

    found = np.zeros(len(instances), dtype=bool)
    found[rows[right]] = True
    true_hit, on_functional, on_decoy = (np.zeros(len(hits), dtype=bool) for _ in range(3))
    true_hit[hit_rows[right & functional[rows]]] = True
    on_functional[hit_rows[functional[rows]]] = True
    on_decoy[hit_rows[~functional[rows]]] = True
    decoy_hit = on_decoy & ~on_functional

    patterns = []
    for pattern, index in hits.groupby("pattern", sort=True).groups.items():
        here = motifs[rows[np.isin(hit_rows, index)]]
        stands_for = list(pd.Series(here).value_counts().index[:1])
        if pattern_motif is not None:
            stands_for = pattern_motif.get(pattern, [])
        patterns.append(
            {
                "pattern": str(pattern),
                "n_hits": len(index),
                "motif": "+".join(stands_for) or None,
                "n_true": int(true_hit[index].sum()),
                "precision": _share(true_hit[index]),
                "decoy_share": _share(decoy_hit[index]),
            }
        )
    by_motif = []
    for motif, index in instances.groupby("motif", sort=False).groups.items():
        entry = {"motif": str(motif), "role": str(instances["role"][index[0]]), "n_instances": len(index)}
        by_motif.append({**entry, "n_found": int(found[index].sum()), "recall": _share(found[index])})
    return {
        "n_hits": len(hits),
        "n_instances": int(functional.sum()),
        "recall": _share(found[functional]),
        "precision": _share(true_hit),
        "decoy_share": _share(decoy_hit),
        "motifs": by_motif,
        "patterns": patterns,
    }


def on_own_motifs(
    hit_rows: np.ndarray, patterns: np.ndarray, motifs: np.ndarray, pattern_motif: Mapping[str, Sequence[str]]
) -> np.ndarray:
    """Say of each overlap whether it is of a hit that lies on its own motifs, on all of them.

    Parameters
    ----------
    hit_rows : ndarray
        int (n,), the hit of each overlap of a hit and an instance.
    patterns : ndarray
        str, the pattern of each hit.
    motifs : ndarray
        str (n,), the instance's motif.
    pattern_motif : mapping
        Pattern -> the motifs that it stands for.

    Returns
    -------
    ndarray
        bool (n,): the hit's pattern stands for this motif, and the hit overlaps all others that it stands for, too.
    """
    there: dict[int, set[str]] = {}
    for hit, motif in zip(hit_rows.tolist(), motifs, strict=True):
        there.setdefault(hit, set()).add(motif)
    whole = {hit: set(pattern_motif.get(patterns[hit], ())) <= found for hit, found in there.items()}
    pairs = zip(hit_rows.tolist(), motifs, strict=True)
    return np.array([whole[hit] and motif in pattern_motif.get(patterns[hit], ()) for hit, motif in pairs], dtype=bool)


def _share(flags: np.ndarray) -> float | None:
    return float(flags.mean()) if len(flags) else None


def _overlaps(hits: pd.DataFrame, instances: pd.DataFrame, *, min_overlap: float) -> tuple[np.ndarray, np.ndarray]:
    """Return row numbers of hits and of instances for all pairs that overlap enough."""
    pairs = [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))]
    for chrom, here in instances.groupby("chrom", sort=False):
        asked = hits.index[hits["chrom"] == chrom].to_numpy()
        if not len(asked):
            continue
        here = here.sort_values("start", kind="stable")
        starts, ends, rows = here["start"].to_numpy(), here["end"].to_numpy(), here.index.to_numpy()
        a, b = hits["start"].to_numpy()[asked], hits["end"].to_numpy()[asked]
        # No instance that begins further left than the widest one's width can reach a hit.
        low = np.searchsorted(starts, a - (ends - starts).max(), side="left")
        n = np.searchsorted(starts, b, side="left") - low
        which = np.repeat(np.arange(len(asked)), n)
        candidate = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n) + low[which]
        shared = np.minimum(b[which], ends[candidate]) - np.maximum(a[which], starts[candidate])
        shorter = np.minimum((b - a)[which], (ends - starts)[candidate])
        keep = (shared > 0) & (shared >= min_overlap * shorter)
        pairs.append((asked[which[keep]], rows[candidate[keep]]))
    return tuple(np.concatenate(part) for part in zip(*pairs, strict=True))


def inside(instances: pd.DataFrame, windows: pd.DataFrame) -> np.ndarray:
    """Say for every instance whether some window holds all of it, bool (n,)."""
    inside = np.zeros(len(instances), dtype=bool)
    chroms = instances["chrom"].to_numpy()
    for chrom, here in windows.groupby("chrom", sort=False):
        rows = np.flatnonzero(chroms == chrom)
        here = here.sort_values("start", kind="stable")
        # The furthest end of all windows that begin no later decides.
        furthest = np.concatenate([[-1], np.maximum.accumulate(here["end"].to_numpy())])
        before = np.searchsorted(here["start"].to_numpy(), instances["start"].to_numpy()[rows], side="right")
        inside[rows] = furthest[before] >= instances["end"].to_numpy()[rows]
    return inside
