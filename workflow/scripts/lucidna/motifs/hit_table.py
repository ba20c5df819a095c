"""What is said of each hit and each region beside the caller's numbers, and the BED files that browsers open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pysam

from lucidna.files import atomic_path
from lucidna.motifs.hit_columns import once
from lucidna.motifs.maps import MapFile, map_blocks, project


def sign_agreement(maps: MapFile, hits: pd.DataFrame) -> np.ndarray:
    """Return how far the networks agree on the sign of what each hit contributes.

    At every base the attribution file holds the share of networks whose contribution has the sign of the mean.
    A hit's value is the mean over its bases, weighted by |contribution|: at a base that contributes nothing
    signs are a matter of chance. It does not say in how many networks' own maps the hit would be called.

    Parameters
    ----------
    maps : MapFile
    hits : DataFrame
        row, and start, end within the map.

    Returns
    -------
    ndarray, float64, shape (n,)
        NaN without a record of the agreement, in regions that one network explains, and where the map is 0.
    """
    shares = np.full(len(hits), np.nan)
    with h5py.File(maps.path, "r") as handle:
        if "sign_agreement" not in handle or "spread" not in handle:
            return shares
        for rows, found, projected in _hits_by_block(maps, hits):
            size = np.abs(projected).astype(np.float64)
            weights = _window_sums(size, found)
            agreeing = _window_sums(size * handle["sign_agreement"][rows].astype(np.float64), found)
            # The spread over networks is NaN where fewer than two explain a region.
            several = np.isfinite(handle["spread"][rows, 0])[found["row"].to_numpy(dtype=np.int64)]
            known = several & (weights > 0)
            shares[found["place"]] = np.divide(agreeing, weights, out=np.full(len(found), np.nan), where=known)
    return shares


def _hits_by_block(maps: MapFile, hits: pd.DataFrame) -> Iterator[tuple[slice, pd.DataFrame, np.ndarray]]:
    """Yield (rows, their hits with `row` counted from the block's first and `place` in `hits`, projected maps)."""
    hits = hits[["row", "start", "end"]].assign(place=np.arange(len(hits)))
    for first, one_hot, hypothetical in map_blocks(maps):
        rows = slice(first, first + len(one_hot))
        found = hits[(hits["row"] >= rows.start) & (hits["row"] < rows.stop)]
        yield rows, found.assign(row=found["row"] - first), project(one_hot, hypothetical)


def _window_sums(values: np.ndarray, hits: pd.DataFrame) -> np.ndarray:
    """Sum values (n, L) over the bases of each hit (row, start, end)."""
    cumulative = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=cumulative[:, 1:])
    row = hits["row"].to_numpy(dtype=np.int64)
    return cumulative[row, hits["end"].to_numpy(dtype=np.int64)] - cumulative[row, hits["start"].to_numpy(np.int64)]


def region_table(
    maps: MapFile, regions: pd.DataFrame, hits: pd.DataFrame, patterns: Sequence[str], *, fdr: float
) -> pd.DataFrame:
    """Summarise the hits of each region.

    Parameters
    ----------
    maps : MapFile
    regions : DataFrame
        chrom, start, end, region_id: one line per map.
    hits : DataFrame
        Of `patterns`: `hit_columns.COLUMNS`, in genome coordinates. A hit counts in every region whose window
        holds all of it.
    patterns : sequence of str
    fdr : float
        Largest q-value of a hit that counts; where no hit has one, none counts.

    Returns
    -------
    DataFrame
        region_id, chrom, start, end, hits, instances (that the hits show: `instances.number_instances`),
        share_in_hits (of the region's summed |contribution|, the part on bases of hits; NaN for a map of zeros),
        and for each pattern the number of its hits.
    """
    hits = hits[hits["q_value"].astype(float) <= fdr]
    inside = in_every_window(hits, regions)
    counts = np.zeros((len(regions), len(patterns)), dtype=np.int64)
    number = {name: column for column, name in enumerate(patterns)}
    np.add.at(counts, (inside["row"].to_numpy(dtype=np.int64), inside["pattern"].map(number).to_numpy(np.int64)), 1)
    different = inside.drop_duplicates(["row", "instance"])["row"].to_numpy(dtype=np.int64)
    shares = np.full(len(regions), np.nan)
    for rows, found, projected in _hits_by_block(maps, inside):
        size = np.abs(projected).astype(np.float64)
        edges = np.zeros((size.shape[0], size.shape[1] + 1), dtype=np.int64)
        row = found["row"].to_numpy(dtype=np.int64)
        np.add.at(edges, (row, found["start"].to_numpy(dtype=np.int64)), 1)
        np.add.at(edges, (row, found["end"].to_numpy(dtype=np.int64)), -1)
        covered = np.cumsum(edges, axis=1)[:, :-1] > 0
        total = size.sum(axis=1)
        np.divide((size * covered).sum(axis=1), total, out=shares[rows], where=total > 0)
    table = regions[["region_id", "chrom", "start", "end"]].reset_index(drop=True)
    instances = np.bincount(different, minlength=len(regions))
    table = table.assign(hits=counts.sum(axis=1), instances=instances, share_in_hits=shares)
    return pd.concat([table, pd.DataFrame(counts, columns=list(patterns))], axis=1)


def in_every_window(hits: pd.DataFrame, regions: pd.DataFrame) -> pd.DataFrame:
    """Place hits in every window that holds all of them: where windows overlap, a hit is in several.

    Parameters
    ----------
    hits : DataFrame
        chrom, start, end, strand, pattern, instance, in genome coordinates.
    regions : DataFrame
        chrom, start, end: one line per window.

    Returns
    -------
    DataFrame
        row (of the window), start, end (within it), strand, pattern, instance.
    """
    kept = ["strand", "pattern", "instance"]
    parts = [pd.DataFrame(columns=["row", "start", "end", *kept])]
    chroms = hits["chrom"].to_numpy()
    for chrom, windows in regions.reset_index(drop=True).groupby("chrom", sort=False):
        here = hits[chroms == chrom].sort_values("start", kind="stable")
        starts, ends = here["start"].to_numpy(), here["end"].to_numpy()
        left, right = windows["start"].to_numpy(), windows["end"].to_numpy()
        low, high = np.searchsorted(starts, left), np.searchsorted(starts, right)
        amount = high - low
        which = np.repeat(np.arange(len(windows)), amount)
        hit = np.arange(amount.sum()) - np.repeat(np.cumsum(amount) - amount, amount) + low[which]
        whole = ends[hit] <= right[which]
        which, hit = which[whole], hit[whole]
        parts.append(
            pd.DataFrame(
                {
                    "row": windows.index.to_numpy()[which],
                    "start": starts[hit] - left[which],
                    "end": ends[hit] - left[which],
                    **{name: here[name].to_numpy()[hit] for name in kept},
                }
            )
        )
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)


def write_hits_bed(path: str | Path, hits: pd.DataFrame, *, fdr: float) -> int:
    """Write the instances with q-value <= `fdr` as BED6, plain and compressed with an index, and return their number.

    Of the hits that are one instance the best stands for all, so that a browser shows every site once. The name is
    the pattern, followed by the motif where it has a match; the score is -log10(q) x 1000 / 3, at most 1000 (q = 0.001
    and below).

    Parameters
    ----------
    path : path
        The plain file; `path`.gz (bgzip) and `path`.gz.tbi (tabix) are written beside it.
    hits : DataFrame
        `hit_columns.COLUMNS`, in genome order.
    fdr : float
    """
    kept = once(hits[hits["q_value"] <= fdr])
    q_values = np.maximum(kept["q_value"].to_numpy(dtype=float), 1e-300)
    bed = pd.DataFrame(
        {
            "chrom": kept["chrom"],
            "start": kept["start"],
            "end": kept["end"],
            "name": kept["pattern"] + ("|" + kept["motif"].astype(str)).where(kept["motif"] != "", ""),
            "score": np.clip(np.rint(-np.log10(q_values) * 1000 / 3), 0, 1000).astype(int),
            "strand": kept["strand"],
        }
    )
    bed["name"] = bed["name"].str.replace(r"\s+", "_", regex=True)
    with atomic_path(path) as temporary:
        bed.to_csv(temporary, sep="\t", index=False, header=False)
    compressed = Path(f"{path}.gz")
    with atomic_path(compressed) as temporary, atomic_path(f"{compressed}.tbi") as index:
        pysam.tabix_compress(str(path), str(temporary), force=True)
        pysam.tabix_index(str(temporary), preset="bed", index=str(index), force=True, keep_original=True)
    return len(bed)
