"""The motif instances that a variant lies in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lucidna.files import read_tsv
from lucidna.meme import read_meme
from lucidna.motifs.hit_columns import read_hits
from lucidna.motifs.null import CREDIBLE


@dataclass(frozen=True)
class TaskMotifs:
    """What is known of one task's motifs.

    Attributes
    ----------
    hits : DataFrame
        Instances of supported patterns up to the false discovery rate: chrom, start, end, strand, name (the pattern's,
        as in `motifs`), contribution, q_value.
    regions : DataFrame
        chrom, start, end: where instances were searched.
    motifs : dict
        Name -> base frequencies (4, w) of the supported patterns (`with_counts`).
    """

    hits: pd.DataFrame
    regions: pd.DataFrame
    motifs: dict[str, np.ndarray]


def read_task_motifs(folders: Sequence[str | Path], *, fdr: float) -> TaskMotifs:
    """Read hits and supported patterns from the motif folders of a task, one for each head.

    A pattern with a match in the database carries its name: "pos_patterns.pattern_0 (CTCF)". Where there are several
    heads, their names come first: "counts:pos_patterns.pattern_0".

    Parameters
    ----------
    folders : sequence of path
        Each holds hits.tsv, regions.tsv, patterns.tsv and patterns.meme.
    fdr : float
        Largest q-value of a hit that counts.
    """
    hits, regions, motifs = [], [], {}
    for folder in map(Path, folders):
        prefix = f"{folder.name}:" if len(folders) > 1 else ""
        patterns = read_tsv(folder / "patterns.tsv")
        matched = patterns.fillna({"match_name": ""}).set_index("pattern")["match_name"]
        label = {name: prefix + (f"{name} ({match})" if match else name) for name, match in matched.items()}
        regions.append(read_tsv(folder / "regions.tsv")[["chrom", "start", "end"]])
        supported = set(patterns["pattern"][patterns["label"].isin(CREDIBLE)])
        table = read_hits(folder / "hits.tsv")
        table = table[(table["q_value"] <= fdr) & table["pattern"].isin(supported)]
        hits.append(table.assign(name=table["pattern"].map(label)))
        if supported:
            found = read_meme(folder / "patterns.meme")
            sizes = patterns.set_index("pattern")["n_seqlets"]
            motifs |= {label[m.name]: with_counts(m.ppm, sizes[m.name]) for m in found if m.name in supported}
    return TaskMotifs(pd.concat(hits, ignore_index=True), pd.concat(regions, ignore_index=True), motifs)


def with_counts(ppm: np.ndarray, n: int) -> np.ndarray:
    """Return frequencies (4, w) of `n` instances as they are with one more instance of each base.

    What none of 30 instances has is rare, not impossible: without this every such base would cost a site 13 bits,
    however few the instances are (Laplace's rule of succession).
    """
    return (ppm * n + 1) / (n + 4)


def overlapping_hits(variants: pd.DataFrame, hits: pd.DataFrame) -> list[pd.DataFrame]:
    """Return, for each variant, the hits that it changes, those of the largest |contribution| first.

    A hit counts where it has a base that the reference allele does not share with the alternative
    (`windows.trimmed`); for an insertion, where it has both bases between which the new ones come.

    Parameters
    ----------
    variants : DataFrame
        chrom, and of the bases of the reference allele's own start (0-based) and end (half-open).
    hits : DataFrame
        chrom, start, end (0-based, half-open), contribution, and what else a hit has.
    """
    by_chrom = {chrom: group.sort_values("start", kind="stable") for chrom, group in hits.groupby("chrom")}
    longest = int((hits["end"] - hits["start"]).max()) if len(hits) else 0
    found = []
    for chrom, start, end in variants[["chrom", "start", "end"]].itertuples(index=False):
        group = by_chrom.get(chrom, hits.iloc[:0])
        first, last = np.searchsorted(group["start"], [start - longest, end])
        near = group.iloc[first:last]
        near = near[near["end"] > start]
        found.append(near.loc[near["contribution"].abs().sort_values(ascending=False, kind="stable").index])
    return found


def in_regions(variants: pd.DataFrame, regions: pd.DataFrame) -> np.ndarray:
    """Return whether each variant lies in a region in which hits were searched, bool (N,).

    Parameters
    ----------
    variants : DataFrame
        chrom, start, end as for `overlapping_hits`.
    regions : DataFrame
        chrom, start, end (0-based, half-open); they may overlap.
    """
    inside = np.zeros(len(variants), dtype=bool)
    for chrom, group in regions.groupby("chrom"):
        rows = np.flatnonzero(variants["chrom"] == chrom)
        group = group.sort_values("start")
        # Of the regions that begin up to the variant, the one that reaches furthest.
        reach = np.concatenate([[-1], np.maximum.accumulate(group["end"].to_numpy())])
        start, end = (variants[name].to_numpy()[rows] for name in ("start", "end"))
        inside[rows] = reach[np.searchsorted(group["start"].to_numpy(), start, side="right")] >= np.maximum(
            end, start + 1
        )
    return inside
