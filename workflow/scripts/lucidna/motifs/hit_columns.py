"""The columns of the table of hits, and its file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lucidna.files import read_tsv, write_tsv
from lucidna.motifs.null import CREDIBLE

COLUMNS = [
    "chrom",
    "start",
    "end",
    "start_untrimmed",
    "end_untrimmed",
    "pattern",
    "relative_score",
    "score",
    "correlation",
    "contribution",
    "importance",
    "strand",
    "region_id",
    "row",
    "sign_agreement",
    "q_value",
    "motif",
    "label",
    "instance",
    "best",
]
FINEMO_NAMES = {
    "chrom": "chr",
    "pattern": "motif_name",
    "relative_score": "hit_coefficient",
    "score": "hit_coefficient_global",
    "correlation": "hit_similarity",
    "importance": "hit_importance",
    "region_id": "peak_name",
    "row": "peak_id",
    "motif": "match_name",
}
"""Column -> its name in hits.tsv: Fi-NeMo's own where it has the column, in units of the model's output.

contribution, the sum of the map over the hit, keeps its sign; importance is Fi-NeMo's sum of absolute values.
"""

DECOY_COLUMNS = ["draw", "row", "pattern", "relative_score", "score", "correlation", "contribution"]


def write_hits(path: str | Path, hits: pd.DataFrame) -> None:
    """Write hits.tsv, with Fi-NeMo's names of the columns."""
    write_tsv(path, hits.rename(columns=FINEMO_NAMES))


def read_hits(path: str | Path) -> pd.DataFrame:
    """Read hits.tsv, or a table that begins with its columns, with the names of `COLUMNS`."""
    return own_names(read_tsv(path))


def of_credible(hits: pd.DataFrame) -> pd.DataFrame:
    """Return the hits of supported patterns; where no null was run, those of all patterns."""
    return hits[hits["label"].isin(CREDIBLE)]


def once(hits: pd.DataFrame) -> pd.DataFrame:
    """Return the best hit of each instance; a table that does not number instances as it is."""
    return hits[hits["best"] == 1] if "best" in hits else hits


def own_names(hits: pd.DataFrame) -> pd.DataFrame:
    """Return a table of hits with the names of `COLUMNS`; names that are so already stay."""
    return hits.rename(columns={theirs: own for own, theirs in FINEMO_NAMES.items()})
