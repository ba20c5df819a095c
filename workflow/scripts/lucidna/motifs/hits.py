"""Call motif instances with Fi-NeMo in real and in null maps, and give each a q-value."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from lucidna.errors import UserError
from lucidna.motifs.decoys import hit_q_values
from lucidna.motifs.elements import Part, elements
from lucidna.motifs.finemo import run_finemo
from lucidna.motifs.hit_columns import COLUMNS, DECOY_COLUMNS
from lucidna.motifs.hit_table import sign_agreement
from lucidna.motifs.instances import number_instances
from lucidna.motifs.maps import MapFile
from lucidna.motifs.patterns import Pattern

logger = logging.getLogger(__name__)

_CHUNK = 20000  # regions handed to one run of Fi-NeMo, which holds them all in memory
# What hits compete with decoys by. Shuffled sequences hold perfect words of a short motif by chance, to which a
# network responds as strongly as to real ones: in the yeast run 0 hits of Reb1, 0 of Cbf1 and 65 of Abf1 have q <= 0.1
# by coefficient, 242, 22 and 312 by the map's shape. On simulated data, with longer motifs, both hold the nominal rate,
# and the coefficient finds somewhat more, most where the data are noisy (benchmarks/hits).
_RANKED_BY = "correlation"


class Calls(NamedTuple):
    """Hits, and what was found in shuffled sequences.

    Attributes
    ----------
    hits : DataFrame
        `hit_columns.COLUMNS`: chrom, start, end (0-based, half-open), start_untrimmed, end_untrimmed (of the
        whole CWM), pattern, relative_score (the coefficient when every map has one strength), score,
        correlation (cosine with the CWM, 0 to 1), contribution (sum of the projected map, units of the model's
        output), importance (of its absolute values), strand, region_id, row (of the maps), sign_agreement (of
        networks, `hit_table.sign_agreement`), q_value, motif, label (of the pattern), instance and best
        (`instances.number_instances`); in genome order. A hit seen in several overlapping windows is listed once,
        where its correlation is best.
    counts : DataFrame
        pattern, hits, decoy_hits: before the removal of repeats.
    notices : list of str
    decoys : DataFrame
        `hit_columns.DECOY_COLUMNS`: hits in shuffled sequences; draw and row say in which.
    """

    hits: pd.DataFrame
    counts: pd.DataFrame
    notices: list[str]
    decoys: pd.DataFrame


def call_hits(
    maps: MapFile,
    regions: pd.DataFrame,
    nulls: Sequence[MapFile],
    patterns: Sequence[Pattern],
    *,
    names: dict[str, str],
    labels: dict[str, str],
    lambda_: float = 0.7,
    trim: float = 0.3,
    threads: int = 1,
    work_dir: str | Path | None = None,
) -> Calls:
    """Call the instances of every pattern and estimate their false discovery rate.

    Fi-NeMo explains each projected map as a sparse sum of CWMs; a hit's score is its
    `hit_coefficient_global`. Real maps and maps of shuffled sequences go through the same runs of `finemo
    call-hits`; what it finds in the shuffled ones is false by construction and calibrates the rest
    (`decoys.hit_q_values`) by the correlation, how well the map has the pattern's shape there. Fi-NeMo fits
    every region by itself on its own scale, so a region's hits do not depend on its company. It tries the places
    where a whole CWM fits, flanks included, and of 50 bp its core is often 10: up to 40 bp at the ends of a map would
    not be searched (a fifth of the instances in maps of 200 bp). So maps are given an empty margin as wide as a
    CWM, and every place is searched where the core fits; the whole CWM may reach beyond the map.

    A hit's place is that of the pattern's core (`patterns.without_strays`). A composite of two motifs has a cosine
    of .71 with one of them alone, which is above `lambda_`, and shuffled sequences, which hold neither, do not tell: up
    to 70 % of the hits of a composite were so where one motif had no other pattern. So each of its elements
    (`elements.elements`) must have a cosine of `lambda_` on its own columns; other hits are left out, in real and in
    shuffled sequences. The motif that is there is called by its own pattern, or as a half (`halves.lone_halves`).

    Parameters
    ----------
    maps : MapFile
        Real maps.
    regions : DataFrame
        Their places, from `maps.read_regions`.
    nulls : sequence of MapFile
        Maps of shuffled sequences of the same length, one per draw; without any the q-values are NaN.
    patterns : sequence of Pattern
        Of the real maps, with the halves that only composites show (`halves.lone_halves`).
    names : dict
        Pattern -> name of its database match.
    labels : dict
        Pattern -> what the comparison with the null says of it (`null.calibrate`).
    lambda_ : float
        Sparsity, and the least cosine similarity of a hit with its CWM.
    trim : float
        Share of the largest column of a CWM at which it is cut.
    threads : int
    work_dir : path, optional
        Folder for temporary files; the system's by default.

    Returns
    -------
    Calls

    Raises
    ------
    UserError
        When a null has another length than the maps, and when the command fails.
    """
    for null in nulls:
        if null.length != maps.length:
            raise UserError(f"{null.path}: maps of {null.length} bp, {maps.path}: of {maps.length} bp; make both anew")
    if not patterns or maps.n_regions == 0:
        counts = pd.DataFrame(columns=["pattern", "hits", "decoy_hits"])
        why = "no hits were called: there are no patterns to look for"
        return Calls(pd.DataFrame(columns=COLUMNS), counts, [why], pd.DataFrame(columns=DECOY_COLUMNS))
    if work_dir is not None:
        Path(work_dir).mkdir(parents=True, exist_ok=True)
    tables, notices, left_out = [], [], 0
    parts = elements(patterns)[0]
    with tempfile.TemporaryDirectory(prefix="finemo_", dir=work_dir) as folder:
        for sources, first_row in _chunks([maps, *nulls]):
            table, troubles = run_finemo(
                sources,
                Path(folder),
                patterns,
                parts,
                lambda_=lambda_,
                trim=trim,
                threads=threads,
            )
            whole = table["least_part"] >= lambda_
            left_out += int((~whole & (table["row"] + first_row < maps.n_regions)).sum())
            tables.append(table[whole].assign(row=table.loc[whole, "row"] + first_row))
            notices += troubles
            done = first_row + sum(stop - start for _, start, stop in sources)
            logger.info("hits called in %d of %d maps", done, sum(m.n_regions for m in (maps, *nulls)))
    if left_out:
        notices.append(
            f"{left_out} hits of composite patterns are left out: one of the motifs is not there (cosine below "
            f"{lambda_:g})"
        )
    found = pd.concat(tables, ignore_index=True)
    is_target = found["row"] < maps.n_regions
    targets, decoys = found[is_target].reset_index(drop=True), found[~is_target]
    targets["q_value"] = hit_q_values(
        targets[_RANKED_BY].to_numpy(),
        targets["pattern"].to_numpy(),
        decoys[_RANKED_BY].to_numpy(),
        decoys["pattern"].to_numpy(),
        n_target_regions=maps.n_regions,
        n_decoy_regions=sum(null.n_regions for null in nulls),
    )
    targets["sign_agreement"] = sign_agreement(maps, targets)
    counts = pd.DataFrame({"pattern": [pattern.name for pattern in patterns]})
    for column, table in (("hits", targets), ("decoy_hits", decoys)):
        counts[column] = counts["pattern"].map(table["pattern"].value_counts()).fillna(0).astype(int)
    placed = _place(targets, regions, names, labels, parts)
    return Calls(placed, counts, notices, _by_draw(decoys, maps, nulls))


def _by_draw(decoys: pd.DataFrame, maps: MapFile, nulls: Sequence[MapFile]) -> pd.DataFrame:
    """Say of each decoy in which draw, and in which row of its maps, it was found."""
    begins = np.cumsum([maps.n_regions, *(null.n_regions for null in nulls)])
    draw = np.searchsorted(begins, decoys["row"].to_numpy(), side="right") - 1
    return decoys.assign(draw=draw, row=decoys["row"] - begins[draw])[DECOY_COLUMNS].reset_index(drop=True)


def _chunks(files: Sequence[MapFile]) -> list[tuple[list[tuple[MapFile, int, int]], int]]:
    """Cut several files, laid end to end, into runs of `_CHUNK` rows: [(file, start, stop), ...], first."""
    total = sum(file.n_regions for file in files)
    chunks = []
    for first in range(0, total, _CHUNK):
        sources, begin = [], 0
        for file in files:
            start, stop = max(first - begin, 0), min(first + _CHUNK - begin, file.n_regions)
            if start < stop:
                sources.append((file, start, stop))
            begin += file.n_regions
        chunks.append((sources, first))
    return chunks


def _place(
    targets: pd.DataFrame,
    regions: pd.DataFrame,
    names: dict[str, str],
    labels: dict[str, str],
    parts: dict[str, list[Part]],
) -> pd.DataFrame:
    window = regions.iloc[targets["row"].to_numpy()]
    places = ("start", "end", "start_untrimmed", "end_untrimmed")
    table = targets.assign(
        chrom=window["chrom"].to_numpy(),
        **{name: targets[name].to_numpy() + window["start"].to_numpy() for name in places},
        region_id=window["region_id"].to_numpy(),
        motif=targets["pattern"].map(names).fillna(""),
        label=targets["pattern"].map(labels),
    )
    # Chromosomes in the order of the regions, which is that of the genome.
    order = {chrom: rank for rank, chrom in enumerate(dict.fromkeys(regions["chrom"]))}
    table["rank"] = table["chrom"].map(order)
    table = table.sort_values(_RANKED_BY, ascending=False, kind="stable")
    table = table.drop_duplicates(["chrom", "start", "end", "strand", "pattern"])
    table = table.sort_values(["rank", "start", "end", "pattern", "strand"], kind="stable")
    return number_instances(table, parts)[COLUMNS].reset_index(drop=True)
