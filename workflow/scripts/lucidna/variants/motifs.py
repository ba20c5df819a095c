"""The motif instances that a variant lies in, and those that it makes or unmakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from memelite.fimo import fimo

from lucidna.files import read_tsv
from lucidna.meme import read_meme
from lucidna.motifs.hit_columns import read_hits
from lucidna.motifs.null import SUPPORTED, SUPPORTED_EMPTY
from lucidna.sequence import one_hot_numpy

MATCH_P = 1e-4
"""FIMO's own threshold for a match."""


@dataclass(frozen=True)
class TaskMotifs:
    """What is known of one task's motifs.

    Attributes
    ----------
    hits : DataFrame
        Instances of supported patterns up to the false discovery rate: chrom, start, end, pattern, motif,
        contribution, q_value.
    motifs : dict
        Name -> base frequencies (4, w) of the supported patterns.
    """

    hits: pd.DataFrame
    motifs: dict[str, np.ndarray]


def read_task_motifs(folders: Sequence[str | Path], *, fdr: float) -> TaskMotifs:
    """Read hits and supported patterns from the motif folders of a task, one for each head.

    A pattern with a match in the database carries its name: "pos_patterns.pattern_0 (CTCF)". Where there are several
    heads, their names come first: "counts:pos_patterns.pattern_0".

    Parameters
    ----------
    folders : sequence of path
        Each holds hits.tsv, patterns.tsv and patterns.meme.
    fdr : float
        Largest q-value of a hit that counts.
    """
    hits, motifs = [], {}
    for folder in map(Path, folders):
        prefix = f"{folder.name}:" if len(folders) > 1 else ""
        patterns = read_tsv(folder / "patterns.tsv")
        supported = set(patterns["pattern"][patterns["label"].isin([SUPPORTED, SUPPORTED_EMPTY])])
        table = read_hits(folder / "hits.tsv")
        table = table[(table["q_value"] <= fdr) & table["pattern"].isin(supported)].fillna({"motif": ""})
        hits.append(table.assign(pattern=prefix + table["pattern"].astype(str)))
        if supported:
            names = patterns.fillna({"match_name": ""}).set_index("pattern")["match_name"]
            for motif in read_meme(folder / "patterns.meme"):
                if motif.name in supported:
                    label = f"{motif.name} ({names[motif.name]})" if names[motif.name] else motif.name
                    motifs[prefix + label] = motif.ppm
    return TaskMotifs(pd.concat(hits, ignore_index=True), motifs)


def overlapping_hits(variants: pd.DataFrame, hits: pd.DataFrame) -> list[pd.DataFrame]:
    """Return, for each variant, the hits that its reference allele overlaps.

    Parameters
    ----------
    variants : DataFrame
        chrom, start (0-based), ref.
    hits : DataFrame
        chrom, start, end (0-based, half-open), and what else a hit has.
    """
    by_chrom = {chrom: group.sort_values("start") for chrom, group in hits.groupby("chrom")}
    longest = int((hits["end"] - hits["start"]).max()) if len(hits) else 0
    found = []
    for chrom, start, ref in variants[["chrom", "start", "ref"]].itertuples(index=False):
        group = by_chrom.get(chrom, hits.iloc[:0])
        first, last = np.searchsorted(group["start"], [start - longest, start + len(ref)])
        near = group.iloc[first:last]
        found.append(near[near["end"] > start])
    return found


def matches_changed(
    reference: np.ndarray, alternative: np.ndarray, allele_lengths: np.ndarray, motifs: Mapping[str, np.ndarray]
) -> list[tuple[list[str], list[str]]]:
    """Return, for each variant, the motifs that match the alternative alone, and those that match the reference alone.

    A motif matches an allele where FIMO (memelite) finds it on either strand, with p up to `MATCH_P`, at a place
    that overlaps the allele; for an allele that a deletion leaves empty but for its first base, that base and the
    next count.

    Parameters
    ----------
    reference, alternative : array
        uint8 codes (N, L) of `windows.allele_windows`.
    allele_lengths : array
        int64 (N, 2).
    motifs : mapping
        Name -> base frequencies (4, w).
    """
    if not motifs or not len(reference):
        return [([], [])] * len(reference)
    with_ref, with_alt = (
        _matching(codes, allele_lengths[:, index], motifs) for index, codes in enumerate((reference, alternative))
    )
    order = list(motifs)
    return [
        (
            [name for name in order if name in alt and name not in ref],
            [name for name in order if name in ref and name not in alt],
        )
        for ref, alt in zip(with_ref, with_alt, strict=True)
    ]


def _matching(codes: np.ndarray, lengths: np.ndarray, motifs: Mapping[str, np.ndarray]) -> list[set[str]]:
    """Return the motifs that overlap the allele in the middle of each window."""
    at = codes.shape[1] // 2
    reach = max(ppm.shape[1] for ppm in motifs.values())
    # Every window is cut to what the widest motif can reach around the longest allele.
    first, last = max(at - reach, 0), min(at + int(lengths.max()) + reach + 1, codes.shape[1])
    tables = fimo(dict(motifs), one_hot_numpy(codes[:, first:last]), threshold=MATCH_P)
    found: list[set[str]] = [set() for _ in codes]
    for name, table in zip(motifs, tables, strict=True):
        start, end = table["start"].to_numpy() + first, table["end"].to_numpy() + first
        rows = table["sequence_name"].to_numpy(dtype=np.int64)
        inside = (start < at + np.maximum(lengths[rows], 2)) & (end > at)
        for row in rows[inside]:
            found[row].add(name)
    return found
