"""Write maps that a user brings as an attribution file of this workflow, after checking what they are said to be."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lucidna import __version__
from lucidna.attribution.hdf5 import ROWS_PER_BLOCK, Block, float16_scale, write_attributions, write_regions_bed
from lucidna.attribution.nulls import shuffled_copies
from lucidna.errors import UserError
from lucidna.external.given_settings import METHOD
from lucidna.external.mapfiles import MapFile
from lucidna.external.places import check_sequences, numbered_names, place_maps
from lucidna.files import sha256
from lucidna.genome import Genome
from lucidna.sequence import one_hot_numpy

log = logging.getLogger(__name__)

# Largest value of a map over the median map's: beyond it float16, scaled to the largest, keeps few bits of the others.
_MOST_ABOVE = 1e4
_LEAST = 1e-30  # smallest largest value: what maps are multiplied by for float16 is itself a float32
MOST_APART = 0.02
"""Largest difference in the mean share of G and C between regions and their shuffles that is not remarked on."""
_DRAWS = 4  # shuffles of a sequence, of which one must differ for it to count as one that a shuffle can change


def write_given(
    name: str,
    entry: Mapping[str, Any],
    out_h5: str | Path,
    out_bed: str | Path,
    *,
    genome: Genome | None = None,
    shuffled: bool = False,
) -> dict[str, Any]:
    """Write the maps of an entry, or those of its shuffled sequences, and their places.

    The numbers stay as they are given, in units of whatever was explained; nothing is corrected. Projected maps
    stand for the hypothetical ones too, zero at the bases that are not in the sequence.

    Parameters
    ----------
    name : str
        Of the entry, for messages.
    entry : mapping
        An entry of `maps`, with its defaults.
    out_h5, out_bed : path
        Written by `attribution.hdf5.write_attributions` and `write_regions_bed`. Prediction, convergence delta, spread
        and agreement of signs are NaN, which maps do not tell.
    genome : Genome, optional
        With it, the sequences must be the genome's at their places.
    shuffled : bool
        Write the maps of shuffled sequences; they have no place in the genome.

    Returns
    -------
    dict
        name, task, head, method, shuffled, n_regions, length, contributions, zero_maps (regions whose map is zero),
        genome_checked, sources (path -> SHA-256), notices.

    Raises
    ------
    UserError
        What `mapfiles.MapFile` and `places.place_maps` refuse; maps that are not finite, or all zero; sequences that
        are not the genome's; ids in another order than the regions; shuffled sequences of another length, or that
        are those of the regions although a dinucleotide shuffle changes them.
    """
    where = f"maps.{name}"
    real = _open(entry, entry, where)
    file, codes, apart = real, real.codes(), 0.0
    if shuffled:
        where = f"{where}.shuffled"
        file = _open(entry["shuffled"], entry, where)
        own, codes = codes, _shuffled_codes(file, real, codes, where)
        apart = abs(_gc(codes) - _gc(own))
        places = _nowhere(file)
        used = [entry["shuffled"][key] for key in ("maps", "onehot")]
    else:
        places = place_maps(entry, where, n_regions=file.n_regions, length=file.length, genome=genome)
        _check_order(file, places, entry, where)
        if genome is not None:
            check_sequences(places, codes, where, genome=genome)
        used = [entry[key] for key in ("maps", "onehot", "regions", "rows")]
    largest, zeros = _examine(file, codes, places["region_id"])
    sources = {path: sha256(path) for path in dict.fromkeys(used) if path}
    notices = _notices(file, where, zeros, genome=genome, shuffled=shuffled)
    if apart > MOST_APART:
        notices.append(
            f"{where}: the share of G and C is {apart:.2f} away from that of the regions: q-values hold only as far "
            "as the shuffled sequences are like the regions in all but their motifs"
        )
    nothing = np.full(file.n_regions, np.nan, dtype=np.float32)

    def block(rows: slice) -> Block:
        unknown = np.full(codes[rows].shape, np.nan, dtype=np.float32)
        return Block(one_hot_numpy(codes[rows], dtype=np.int8), file.maps(rows, codes[rows]), unknown, unknown)

    write_attributions(
        out_h5,
        block,
        region_ids=places["region_id"].tolist(),
        length=file.length,
        prediction=nothing,
        convergence_delta=nothing,
        map_scale=float16_scale(largest),
        attributes={
            "method": METHOD,
            "parameters": {"contributions": file.contributions, "shuffled": shuffled},
            "task": entry["task"],
            "head": entry["head"],
            "sources": sources,
            "versions": {"lucidna": __version__, "numpy": version("numpy")},
        },
    )
    write_regions_bed(out_bed, places, length=file.length)
    for notice in notices:
        log.info("%s", notice)
    return {
        "name": name,
        "task": entry["task"],
        "head": entry["head"],
        "method": METHOD,
        "shuffled": shuffled,
        "n_regions": file.n_regions,
        "length": file.length,
        "contributions": file.contributions,
        "zero_maps": zeros,
        "genome_checked": genome is not None and not shuffled,
        "sources": sources,
        "notices": notices,
    }


def _open(files: Mapping[str, Any], entry: Mapping[str, Any], where: str) -> MapFile:
    settings = {key: files[key] for key in ("maps", "key", "onehot", "onehot_key")}
    file = MapFile({**settings, "ids": None, "contributions": entry["contributions"]}, where)
    if not file.n_regions:
        raise UserError(f"config key '{where}': {files['maps']} has no map in it: give the maps of at least one region")
    return file


def _shuffled_codes(file: MapFile, real: MapFile, codes: np.ndarray, where: str) -> np.ndarray:
    """Return the shuffled sequences, once they are known not to be the regions' own."""
    if file.length != real.length:
        raise UserError(
            f"config key '{where}': {file.path} has maps of {file.length} bp and {real.path} of {real.length} bp: give "
            "maps of shuffled sequences of the same length"
        )
    found = file.codes()
    own = {row.tobytes() for row in codes}
    same = _changeable(found[[row.tobytes() in own for row in found]])
    if same:
        raise UserError(
            f"config key '{where}': {same} of {len(found)} sequences are those of the regions, not shuffled: give the "
            "maps of their dinucleotide-shuffled copies"
        )
    return found


def _changeable(codes: np.ndarray) -> int:
    """Return how many sequences a dinucleotide shuffle changes: a run of one base, or of AT, is its own only one."""
    count = 0
    for rows in _blocks(len(codes)):
        copies = shuffled_copies(codes[rows], n_shuffles=_DRAWS, seed=0, purpose="given")
        count += int((copies != codes[rows, None]).any(axis=(1, 2)).sum())
    return count


def _gc(codes: np.ndarray) -> float:
    known = codes < 4
    return float(((codes == 1) | (codes == 2)).sum() / max(int(known.sum()), 1))


def _nowhere(file: MapFile) -> pd.DataFrame:
    ids = [f"shuffled_{row + 1}" for row in range(file.n_regions)]
    return pd.DataFrame({"region_id": ids, "chrom": ".", "summit": 0})


def _check_order(file: MapFile, places: pd.DataFrame, entry: Mapping[str, Any], where: str) -> None:
    """Refuse a BED file that has names of the maps' own file in other rows."""
    names = places["region_id"].tolist()
    if file.ids is None:
        return
    if names == numbered_names(len(names)) and set(file.ids) != set(names):
        return  # the BED file has no names, and the numbers given instead may be among those of another count
    place = {name: row for row, name in enumerate(names)}
    moved = [row for row, name in enumerate(file.ids) if place.get(name, row) != row]
    if moved:
        row = moved[0]
        raise UserError(
            f"config key '{where}': {entry['regions']} has regions of {file.path} in another order ({len(moved)} of "
            f"{len(names)}), first in row {row + 1} ('{names[row]}' for '{file.ids[row]}'): bring them into one order"
        )


def _examine(file: MapFile, codes: np.ndarray, names: pd.Series) -> tuple[float, int]:
    """Return the largest absolute value and the number of maps that are zero, or raise for maps that are no maps."""
    largest, zeros, sizes = 0.0, 0, []
    for rows in _blocks(file.n_regions):
        size = np.abs(file.maps(rows, codes[rows])).max(axis=(1, 2))
        damaged = np.flatnonzero(~np.isfinite(size))
        if len(damaged):
            row = rows.start + int(damaged[0])
            raise UserError(
                f"config key '{file.where}': the map of region '{names.iloc[row]}' (row {row + 1}) holds NaN or "
                f"infinite values: make the maps of {file.path} again, or leave the region out"
            )
        sizes.append(size)
        largest, zeros = max(largest, float(size.max())), zeros + int((size == 0).sum())
    if not largest:
        raise UserError(f"config key '{file.where}': every map of {file.path} is zero: make them again")
    if largest < _LEAST:
        raise UserError(
            f"config key '{file.where}': no map of {file.path} reaches more than {largest:.3g}, which cannot be "
            "stored: multiply them by one number"
        )
    size = np.concatenate(sizes)
    usual = float(np.median(size[size > 0]))
    if largest > _MOST_ABOVE * usual:
        row = int(size.argmax())
        raise UserError(
            f"config key '{file.where}': the map of region '{names.iloc[row]}' (row {row + 1}) reaches {largest:.3g} "
            f"and the median map of {file.path} {usual:.3g}: the others would be rounded away beside it, so make it "
            "again, or leave the region out"
        )
    return largest, zeros


def _blocks(n: int) -> Iterator[slice]:
    for start in range(0, n, ROWS_PER_BLOCK):
        yield slice(start, min(start + ROWS_PER_BLOCK, n))


def _notices(file: MapFile, where: str, zeros: int, *, genome: Genome | None, shuffled: bool) -> list[str]:
    notices = []
    if file.contributions == "projected":
        notices.append(
            f"{where}: the maps are projected, so hypothetical contributions are zero at the bases that are not in the "
            "sequence"
        )
    if zeros:
        notices.append(f"{where}: the maps of {zeros} of {file.n_regions} regions are zero")
    if genome is None and not shuffled:
        notices.append(
            f"{where}: no genome.fasta was given, so it was not checked that the sequences are those of the places"
        )
    return notices
