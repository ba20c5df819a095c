"""Where the maps that a user brings lie: one window for each row, from the BED file of their regions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from lucidna.errors import UserError
from lucidna.genome import Genome
from lucidna.intervals import check_against_genome, read_intervals


def place_maps(
    entry: Mapping[str, Any], where: str, *, n_regions: int, length: int, genome: Genome | None
) -> pd.DataFrame:
    """Return the window of every map.

    Parameters
    ----------
    entry : mapping
        An entry of `maps`, with its defaults. Where its `centre` is "auto", intervals that all are as long as the maps
        are the windows; others are centred on their summits, and those without one are refused, for nobody
        can tell what tool cut which window.
    where : str
        Its config key, for messages.
    n_regions, length : int
        Number of maps, and their length in bp.
    genome : Genome, optional

    Returns
    -------
    DataFrame
        One row per map: region_id (column 4 of the BED file where it is a name for each, else "region_1", ...),
        chrom, summit (0-based centre; the window starts at summit - length // 2), line (of the BED file).

    Raises
    ------
    UserError
        A BED file that is malformed, has another number of lines than there are maps, repeats a region or has
        intervals of which no window follows; a chromosome that the genome lacks; a window that leaves its chromosome.
    """
    path, centre = entry["regions"], entry["centre"]
    aliases = {} if genome is None else genome.aliases
    table = read_intervals(path, centre=centre, aliases=aliases, unique=False, key=f"{where}.centre")
    table = _used(table, entry, where)
    if len(table) != n_regions:
        raise UserError(
            f"config key '{where}': {path} has {len(table)} regions and {entry['maps']} maps of {n_regions}: give one "
            f"line for each map, in their order, or say with {where}.rows which lines have a map"
        )
    width = (table["end"] - table["start"]).to_numpy()
    if centre == "auto":
        if (width == length).all():
            table["summit"] = table["start"] + length // 2
        else:
            _need_summits(table, where, path, length)
    if genome is not None:
        check_against_genome(table, genome.sizes, path)
    _check_windows(table, where, path, length, genome)
    _check_names(table, path)
    names = table["name"]
    if names.duplicated().any() or (names == ".").any():
        names = pd.Series(numbered_names(len(table)))
    return table.assign(region_id=names.to_numpy())[["region_id", "chrom", "summit", "line"]]


def numbered_names(count: int) -> list[str]:
    """Return the names of regions whose BED file has none."""
    return [f"region_{row + 1}" for row in range(count)]


def check_sequences(regions: pd.DataFrame, codes: np.ndarray, where: str, *, genome: Genome) -> None:
    """Refuse sequences that are not the genome's where their maps are said to lie.

    Parameters
    ----------
    regions : DataFrame
        From `place_maps`.
    codes : array
        uint8 (N, L).
    where : str
        The config key, for messages.
    genome : Genome

    Raises
    ------
    UserError
        With the number of such rows, and the first.
    """
    length = codes.shape[1]
    starts = regions["summit"].to_numpy() - length // 2
    chroms = regions["chrom"].to_numpy()
    differing = np.zeros(len(codes), dtype=np.int64)
    for chrom in dict.fromkeys(chroms):
        sequence = genome.codes(chrom)
        for row in np.flatnonzero(chroms == chrom):
            differing[row] = (codes[row] != sequence[starts[row] : starts[row] + length]).sum()
    wrong = np.flatnonzero(differing)
    if not len(wrong):
        return
    row = int(wrong[0])
    raise UserError(
        f"config key '{where}': the sequences of {len(wrong)} of {len(codes)} maps are not the genome's, first that of "
        f"row {row + 1} at {chroms[row]}:{starts[row]}-{starts[row] + length}, where {differing[row]} of {length} "
        f"bases differ: give the regions of these maps in their order, or mend {where}.centre or genome.fasta"
    )


def _used(table: pd.DataFrame, entry: Mapping[str, Any], where: str) -> pd.DataFrame:
    """Keep the lines of which there are maps, and refuse repeats among them."""
    if entry["rows"] is not None:
        mask = _read_mask(entry["rows"], f"{where}.rows")
        if len(mask) != len(table):
            raise UserError(
                f"config key '{where}.rows': {entry['rows']} is of {len(mask)} regions and {entry['regions']} has "
                f"{len(table)}: give the file that was made with these regions"
            )
        table = table[mask].reset_index(drop=True)
    again = table.duplicated(["chrom", "start", "end", "summit"])
    if again.any():
        row = table[again].iloc[0]
        raise UserError(
            f"{entry['regions']}, line {row['line']}: the region {row['chrom']}:{row['start']}-{row['end']} is there "
            f"already ({int(again.sum())} such repeats): leave them out, here and in {entry['maps']}"
        )
    return table


def _check_names(table: pd.DataFrame, path: str) -> None:
    """Refuse what the tables and tracks that are written cannot hold."""
    nowhere, quoted = table["chrom"] == ".", table["name"].str.contains('"') | table["chrom"].str.contains('"')
    for wrong, problem in (
        (nowhere, "the chromosome is '.': name the one that the region lies on"),
        (quoted, 'a name has a double quote ("), which tables cannot hold: leave it out'),
    ):
        if wrong.any():
            raise UserError(f"{path}, line {table['line'][wrong].iloc[0]}: {problem}")


def _read_mask(path: str, where: str) -> np.ndarray:
    """Read which regions have a map: an array of booleans in .npy format."""
    try:
        mask = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"config key '{where}': {path} cannot be read ({error}): give a .npy file") from error
    if not isinstance(mask, np.ndarray) or mask.dtype != bool or mask.ndim != 1:
        raise UserError(f"config key '{where}': {path} is no array of booleans, one for each line of the BED file")
    return mask


def _need_summits(table: pd.DataFrame, where: str, path: str, length: int) -> None:
    bare = (table["centred_on"] != "summit").to_numpy()
    if not bare.any():
        return
    row = table[bare].iloc[0]
    raise UserError(
        f"config key '{where}': line {row['line']} of {path} is {row['end'] - row['start']} bp wide and has no summit, "
        f"and the maps are {length} bp: give the windows of the maps, a narrowPeak file with summits, or "
        f"{where}.centre: midpoint"
    )


def _check_windows(table: pd.DataFrame, where: str, path: str, length: int, genome: Genome | None) -> None:
    """Refuse windows that leave their chromosome."""
    start = table["summit"].to_numpy() - length // 2
    outside = start < 0
    if genome is not None:
        outside |= start + length > table["chrom"].map(genome.sizes).to_numpy()
    if not outside.any():
        return
    row = int(np.argmax(outside))
    chrom, line = table["chrom"].iloc[row], table["line"].iloc[row]
    size = "" if genome is None else f", which has {genome.sizes[chrom]} bp"
    raise UserError(
        f"config key '{where}': the window {chrom}:{start[row]}-{start[row] + length} of line {line} of {path} leaves "
        f"its chromosome{size}: no map can be of it, so give the regions of these maps, or mend {where}.centre"
    )
