"""Place the seqlets of patterns on the genome."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lucidna.files import atomic_path
from lucidna.motifs.patterns import Pattern


def seqlet_table(patterns: Sequence[Pattern], regions: pd.DataFrame) -> pd.DataFrame:
    """Place every seqlet on the genome.

    Parameters
    ----------
    patterns : sequence of Pattern
    regions : DataFrame
        As `maps.read_regions` gives it: the row number of a seqlet is a line of this table.

    Returns
    -------
    DataFrame
        chrom, start, end (the whole seqlet), pattern, score (0-1000: |contribution| in parts of the pattern's
        largest), strand, core_start, core_end (the trimmed core), region_id; in the order of the regions,
        then by start.
    """
    columns = ["chrom", "start", "end", "pattern", "score", "strand", "core_start", "core_end", "region_id"]
    frames = []
    for pattern in patterns:
        table = pattern.seqlets
        window = regions.iloc[table["row"].to_numpy()]
        start = window["start"].to_numpy() + table["start"].to_numpy()
        end = window["start"].to_numpy() + table["end"].to_numpy()
        reverse = (table["strand"] == "-").to_numpy()
        strength = table["contribution"].abs().to_numpy()
        core_start = np.where(reverse, end - pattern.end, start + pattern.start)
        frames.append(
            pd.DataFrame(
                {
                    "chrom": window["chrom"].to_numpy(),
                    "start": start,
                    "end": end,
                    "pattern": pattern.name,
                    "score": np.rint(1000 * strength / max(strength.max(), 1e-30)).astype(int),
                    "strand": table["strand"].to_numpy(),
                    "core_start": core_start,
                    "core_end": core_start + pattern.end - pattern.start,
                    "region_id": window["region_id"].to_numpy(),
                    "row": table["row"].to_numpy(),
                }
            )
        )
    if not frames:
        return pd.DataFrame(columns=columns)
    return pd.concat(frames).sort_values(["row", "start", "pattern"], kind="stable")[columns].reset_index(drop=True)


def write_seqlets_bed(path: str | Path, table: pd.DataFrame) -> None:
    """Write a `seqlet_table` as BED8: the core is the thick part."""
    columns = ["chrom", "start", "end", "pattern", "score", "strand", "core_start", "core_end"]
    with atomic_path(path) as temporary:
        table[columns].to_csv(temporary, sep="\t", index=False, header=False)
