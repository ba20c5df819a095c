"""Make the table of regions: usable peaks, negatives that match them, and what was dropped and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lucidna.dataset import COLUMNS
from lucidna.errors import UserError
from lucidna.extract import window_sums
from lucidna.filters import blacklisted, composition, off_edge, outlying, too_many_n
from lucidna.genome import Genome
from lucidna.intervals import check_against_genome, read_blacklist, read_intervals
from lucidna.negatives import draw_negatives
from lucidna.tracks import Track

DROPPED_COLUMNS = ["name", "chrom", "start", "end", "role", "reason", "detail", "source_line"]


def prepare_regions(
    genome: Genome,
    tracks: Sequence[Track],
    *,
    window: Mapping[str, int],
    peaks: str,
    centre: str = "auto",
    exclude_chromosomes: Sequence[str] = (),
    blacklist: str | None = None,
    blacklist_slop: int | None = None,
    max_n: float = 0.1,
    negatives: Mapping | None = None,
    outliers: Mapping | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Read the peaks, drop those that cannot be used, and draw negatives for the others.

    Parameters
    ----------
    genome : Genome
        The genome, with the aliases of its chromosomes.
    tracks : sequence of Track
        Signals for the outlier filter; may be empty.
    window : mapping
        "input", "output" (bp) and "jitter" (largest shift, bp).
    peaks : str
        BED or narrowPeak file.
    centre : {"auto", "summit", "midpoint"}
        Where windows are centred; see `lucidna.intervals.read_intervals`.
    exclude_chromosomes : sequence of str
        Chromosomes whose peaks are dropped.
    blacklist : str, optional
        BED file of intervals that no input window may overlap.
    blacklist_slop : int, optional
        By how much those are widened on both sides (bp); half of the input window when None.
    max_n : float
        Largest N share of a peak's input window.
    negatives : mapping, optional
        "ratio", "gc_bin", "max_n" and "seed" of `lucidna.negatives.draw_negatives`; none are drawn when None.
    outliers : mapping, optional
        "quantile" and "factor" of `lucidna.filters.outlying`; no such filter when None.

    Returns
    -------
    rows : DataFrame
        One row per region, by chromosome of the genome and then summit: region_id ("peak_1", ... and
        "negative_1", ... in this order), chrom, start, end (the peak's interval; a negative's input window),
        summit (0-based centre of the windows), strand, role ("peak" or "negative"), name, gc (GC share of the
        input window), source_line (of the peak file; 0 for negatives).
    dropped : DataFrame
        name, chrom, start, end, role, reason ("excluded chromosome", "edge", "n_content", "blacklist",
        "outlier"), detail (the numbers), source_line.
    notices : list of str
        What the user should know.

    Raises
    ------
    UserError
        When a file is malformed, no peak is left, or too few negatives can be drawn.
    """
    called = read_intervals(peaks, centre=centre, aliases=genome.aliases)
    used = called[~called["chrom"].isin(list(exclude_chromosomes))]
    notices = check_against_genome(used, genome.sizes, peaks)
    listed = None
    slop = window["input"] // 2 if blacklist_slop is None else blacklist_slop
    if blacklist is not None:
        listed, more = read_blacklist(blacklist, genome.sizes, aliases=genome.aliases)
        notices += more

    filters = _Filters(called)
    filters.drop("excluded chromosome", _excluded(called["chrom"], exclude_chromosomes))
    kept = filters.kept
    lengths = {"input_length": window["input"], "output_length": window["output"], "jitter": window["jitter"]}
    filters.drop("edge", off_edge(kept["chrom"].to_numpy(), kept["summit"].to_numpy(), genome.sizes, **lengths))
    kept = filters.kept
    gc, n_share = composition(genome, kept["chrom"].to_numpy(), kept["summit"].to_numpy(), length=window["input"])
    filters.frame.loc[kept.index, "gc"] = gc
    filters.drop("n_content", too_many_n(n_share, max_n=max_n))
    if listed is not None:
        kept = filters.kept
        chrom, summit = kept["chrom"].to_numpy(), kept["summit"].to_numpy()
        filters.drop("blacklist", blacklisted(chrom, summit, listed, length=window["input"], slop=slop))
    if tracks and outliers is not None:
        kept = filters.kept
        sums = window_sums(
            tracks,
            kept["chrom"].to_numpy(),
            kept["summit"].to_numpy(),
            length=window["output"],
            aliases=genome.aliases,
        )
        filters.drop("outlier", outlying(sums, [track.name for track in tracks], **outliers))

    kept, dropped = filters.kept, filters.dropped()
    counts = ", ".join(f"{n} {reason}" for reason, n in dropped["reason"].value_counts(sort=False).items())
    if kept.empty:
        raise UserError(
            f"{peaks}: none of the {len(called)} peaks can be used (dropped: {counts}): see regions.* and "
            "window.* in the config"
        )
    notices.append(f"peaks: {len(kept)} of {len(called)} kept" + (f"; dropped: {counts}" if counts else ""))

    tables = [kept.assign(role="peak", source_line=kept["line"])]
    if negatives is not None:
        drawn, more = draw_negatives(
            genome, kept, avoid=called, blacklist=listed, blacklist_slop=slop, **lengths, **negatives
        )
        notices += more
        tables.append(drawn.assign(role="negative", strand=".", name=".", source_line=0))
    return _in_order(pd.concat(tables, ignore_index=True), genome.sizes), dropped, notices


def no_dropped() -> pd.DataFrame:
    """Return the table of dropped regions without a line, for inputs that nothing is dropped from."""
    return pd.DataFrame({column: [] for column in DROPPED_COLUMNS})


def regions_table(rows: pd.DataFrame, fold_tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the rows with one more column, fold_<name>, for the split of each fold.

    Parameters
    ----------
    rows : DataFrame
        The rows of a data set, with region_id.
    fold_tables : mapping
        fold -> DataFrame of region_id and split.

    Raises
    ------
    UserError
        When a fold's table is not of these rows in this order.
    """
    table = rows.copy()
    for fold, splits in fold_tables.items():
        if splits["region_id"].tolist() != rows["region_id"].tolist():
            raise UserError(
                f"fold '{fold}' lists {len(splits)} regions and the data set has {len(rows)}, or their order "
                "differs: delete the folds folder and run again"
            )
        table[f"fold_{fold}"] = splits["split"].to_numpy()
    return table


class _Filters:
    """Apply filters one after the other, each to what the ones before it kept."""

    def __init__(self, called: pd.DataFrame):
        self.frame = called.assign(reason="", detail="", gc=np.nan)

    @property
    def kept(self) -> pd.DataFrame:
        return self.frame.loc[self.frame["reason"] == ""]

    def drop(self, reason: str, found: tuple[np.ndarray, np.ndarray]) -> None:
        dropped, detail = found
        rows = self.kept.index[dropped]
        self.frame.loc[rows, "reason"] = reason
        self.frame.loc[rows, "detail"] = detail[dropped]

    def dropped(self) -> pd.DataFrame:
        frame = self.frame.loc[self.frame["reason"] != ""].assign(role="peak")
        return frame.rename(columns={"line": "source_line"})[DROPPED_COLUMNS].reset_index(drop=True)


def _excluded(chrom: pd.Series, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    dropped = chrom.isin(list(names)).to_numpy()
    return dropped, np.where(dropped, "listed in regions.exclude_chromosomes", "")


def _in_order(rows: pd.DataFrame, sizes: Mapping[str, int]) -> pd.DataFrame:
    """Sort rows by chromosome and summit (a peak before a negative, then as in the file) and number them."""
    rank = rows["chrom"].map({chrom: index for index, chrom in enumerate(sizes)}).to_numpy()
    is_negative = (rows["role"] == "negative").to_numpy()
    rows = rows.iloc[np.lexsort([rows["source_line"], is_negative, rows["summit"], rank])].reset_index(drop=True)
    number = rows.groupby("role").cumcount() + 1
    rows["gc"] = rows["gc"].round(4)
    rows["region_id"] = rows["role"] + "_" + number.astype(str)
    return rows[list(COLUMNS)]
