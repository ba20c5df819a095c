"""Check every input against the others before anything is computed; the first mistake is one sentence."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lucidna.errors import UserError, nearest
from lucidna.files import read_json, sha256
from lucidna.filters import off_edge
from lucidna.folds import assign, expand_folds
from lucidna.genome import Genome, open_genome
from lucidna.intervals import check_against_genome, read_blacklist, read_intervals
from lucidna.prepare import prepare_regions
from lucidna.reporter import check_classes, read_sequences
from lucidna.tracks import Track, check_bigwig, check_track, read_sheet
from lucidna.variants.vcf import longest_allele, read_variants

logger = logging.getLogger(__name__)


def check_inputs(
    *,
    genome: str | None = None,
    aliases: Mapping[str, str] | None = None,
    regions: Mapping[str, Any] | None = None,
    tracks_sheet: str | None = None,
    sequences: Mapping[str, Any] | None = None,
    window: Mapping[str, int],
    target: str,
    folds: Mapping,
    fewest_valid: int = 1,
    variants: str | None = None,
) -> dict[str, Any]:
    """Check the inputs of a data set, the cheap checks first, up to the regions that it will hold.

    Parameters
    ----------
    genome : str, optional
        FASTA or 2bit file; None with `sequences`.
    aliases : mapping, optional
        Chromosome name in the other files -> name in the genome.
    regions : mapping, optional
        The section `regions` of the config: what `lucidna.prepare.prepare_regions` takes.
    tracks_sheet : str, optional
        The sheet of tracks; may be None for target "binary".
    sequences : mapping, optional
        The section `sequences` of the config, instead of a genome.
    window : mapping
        "input", "output" and "jitter", in bp.
    target : {"binary", "counts", "profile"}
        What the models predict.
    folds : mapping
        The section `folds` of the config.
    fewest_valid : int
        Peaks that the validation split of each fold must have.
    variants : str, optional
        VCF that is read against the genome; it is no part of the data set, and not of what is returned.

    Returns
    -------
    dict
        Plain values for JSON: digests (path -> SHA-256 of every input file), sizes (chromosome -> bp; None
        for sequences), n_peaks (peaks, or sequences, that the checks leave), tracks (a summary of each),
        notices (list of str).

    Raises
    ------
    UserError
        For the first thing that is wrong.
    """
    if window["output"] > window["input"]:
        raise UserError(
            f"window.output {window['output']} is larger than window.input {window['input']}: the predicted "
            "window must lie inside the input, so lower window.output"
        )
    expand_folds(folds)
    if sequences is not None:
        return _check_sequences(sequences, window, target, folds, fewest_valid)
    if genome is None or regions is None:
        raise UserError("config has no 'genome' or no 'regions': give both, or 'sequences' instead")
    if variants is not None:
        _must_be_file("variants.vcf", variants)
    found = _check_genome_inputs(genome, aliases, regions, tracks_sheet, window, target, folds, fewest_valid)
    if variants is not None:
        logger.info("checking the variants of %s", variants)
        read_variants(variants, open_genome(genome, aliases=aliases), longest=longest_allele(window["input"]))
    return found


def input_state(settings: Mapping[str, Any], paths: Iterable[str]) -> str:
    """Digest settings with the size and time of change of files: another digest, other inputs."""
    stats = {str(path): Path(path).stat() for path in paths}
    state = {"settings": settings, "files": {path: [stat.st_size, stat.st_mtime_ns] for path, stat in stats.items()}}
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def found_for(settings: Mapping[str, Any], checked: str) -> dict[str, Any]:
    """Return what the check of the inputs found, unless they have changed since.

    Parameters
    ----------
    settings : mapping
        The settings of the data set.
    checked : path
        JSON with "state", from `input_state`, and "found", from `check_inputs`. It is removed when it no longer
        holds, so that the next run checks again.

    Raises
    ------
    UserError
        When the settings or a file are not those that were checked.
    """
    record = read_json(checked)
    try:
        holds = record["state"] == input_state(settings, record["found"]["digests"])
    except FileNotFoundError:
        holds = False
    if not holds:
        Path(checked).unlink()
        raise UserError("the inputs are not those that were checked (data/checked.json): run again to check them anew")
    return record["found"]


def _check_genome_inputs(
    genome: str,
    aliases: Mapping[str, str] | None,
    regions: Mapping[str, Any],
    tracks_sheet: str | None,
    window: Mapping[str, int],
    target: str,
    folds: Mapping,
    fewest_valid: int,
) -> dict[str, Any]:
    files = {"genome.fasta": genome, "regions.peaks": regions["peaks"]}
    files |= {"regions.blacklist": regions.get("blacklist"), "tracks": tracks_sheet}
    for key, path in files.items():
        _must_be_file(key, path)
    if target == "binary" and not (regions.get("negatives") or {}).get("ratio"):
        raise UserError(
            "config key 'regions.negatives.ratio' is 0, but target 'binary' tells peaks from negatives: give 1 or more"
        )
    if target != "binary" and tracks_sheet is None:
        raise UserError(f"config key 'target' is '{target}', but 'tracks' is missing: name a track sheet")
    tracks = read_sheet(tracks_sheet) if tracks_sheet is not None else []
    paths = list(dict.fromkeys(path for track in tracks for path in track.files.values()))
    for path in paths:
        check_bigwig(path)

    opened = open_genome(genome, aliases=aliases)
    peaks, notices = _check_peaks(opened, regions, window)
    assign(peaks.assign(role="peak"), folds, opened.sizes, fewest_valid=fewest_valid)
    if regions.get("blacklist") is not None:
        notices += read_blacklist(regions["blacklist"], opened.sizes, aliases=opened.aliases)[1]

    used = [chrom for chrom in opened.sizes if chrom in set(peaks["chrom"])]
    for chrom in used:
        logger.info("checking the letters of %s", chrom)
        opened.codes(chrom)
    summaries, more = _check_tracks(tracks, opened, used)
    # The filters of the regions may leave a fold without any, or nothing to draw negatives from.
    logger.info("checking what the filters leave")
    rows, dropped, _ = prepare_regions(opened, tracks, window=window, **regions)
    try:
        assign(rows, folds, opened.sizes, fewest_valid=fewest_valid)
    except UserError as error:
        counts = ", ".join(f"{n} for {reason}" for reason, n in dropped["reason"].value_counts(sort=False).items())
        raise UserError(f"{regions['peaks']}: {len(dropped)} peaks are dropped ({counts}), then {error}") from error
    inputs = [path for path in files.values() if path is not None] + paths
    return {
        "digests": {str(path): sha256(path) for path in dict.fromkeys(inputs)},
        "sizes": {chrom: int(size) for chrom, size in opened.sizes.items()},
        "n_peaks": len(peaks),
        "tracks": summaries,
        "notices": notices + more,
    }


def _check_peaks(
    genome: Genome, regions: Mapping[str, Any], window: Mapping[str, int]
) -> tuple[pd.DataFrame, list[str]]:
    """Return the peaks whose windows lie on a chromosome that is not excluded."""
    path, sizes = regions["peaks"], genome.sizes
    peaks = read_intervals(path, centre=regions.get("centre", "auto"), aliases=genome.aliases)
    excluded = list(regions.get("exclude_chromosomes") or [])
    kept = peaks.loc[~peaks["chrom"].isin(excluded)]
    notices = check_against_genome(kept, sizes, path)
    n_midpoint = int((peaks["centred_on"] == "midpoint").sum())
    if regions.get("centre", "auto") == "auto":
        notices.append(
            f"{path}: {len(peaks) - n_midpoint} windows are centred on summits and {n_midpoint} on midpoints"
        )

    known = {*sizes, *peaks["chrom"]}
    for name in excluded:
        if name not in known:
            guess = nearest(name, known)
            hint = f"did you mean '{guess}'?" if guess else f"it has {', '.join(list(sizes)[:5])}"
            raise UserError(
                f"config key 'regions.exclude_chromosomes' has '{name}', which {genome.path} does not: {hint}"
            )
    if kept.empty:
        raise UserError(
            f"{path}: all {len(peaks)} peaks are on the chromosomes of regions.exclude_chromosomes "
            f"({', '.join(excluded)}): exclude fewer"
        )
    if len(kept) < len(peaks):
        notices.append(f"{path}: {len(peaks) - len(kept)} peaks on {', '.join(excluded)} are excluded")
    return _check_window(kept, sizes, window, path, notices), notices


def _check_window(
    peaks: pd.DataFrame, sizes: Mapping[str, int], window: Mapping[str, int], path: str, notices: list[str]
) -> pd.DataFrame:
    needed = window["input"] + 2 * window["jitter"]
    used = {chrom: sizes[chrom] for chrom in dict.fromkeys(peaks["chrom"])}
    longest = max(used, key=used.get)
    if needed > used[longest]:
        raise UserError(
            f"window.input {window['input']} (with twice the jitter {needed} bp) is longer than every "
            f"chromosome with peaks, the longest being {longest} with {used[longest]} bp: lower window.input "
            "or window.jitter"
        )
    short = [chrom for chrom, size in used.items() if size < needed]
    if short:
        notices.append(
            f"{path}: the window of {needed} bp, jitter included, is longer than {', '.join(short[:5])}"
            f"{', ...' if len(short) > 5 else ''}; the peaks there are dropped"
        )
    lengths = {"input_length": window["input"], "output_length": window["output"], "jitter": window["jitter"]}
    off, _ = off_edge(peaks["chrom"].to_numpy(), peaks["summit"].to_numpy(), sizes, **lengths)
    if off.all():
        raise UserError(
            f"{path}: the window of {needed} bp, jitter included, reaches past a chromosome end at all "
            f"{len(peaks)} peaks: lower window.input or window.jitter"
        )
    return peaks.loc[~off]


def _check_tracks(
    tracks: Sequence[Track], genome: Genome, used: Sequence[str]
) -> tuple[list[dict[str, Any]], list[str]]:
    summaries, notices = [], []
    for track in tracks:
        logger.info("checking track %s", track.name)
        summary, more = check_track(track, genome.sizes, used, aliases=genome.aliases)
        summaries.append(summary)
        notices += more
    return summaries, notices


def _check_sequences(
    settings: Mapping[str, Any], window: Mapping[str, int], target: str, folds: Mapping, fewest_valid: int
) -> dict[str, Any]:
    table = settings["table"]
    _must_be_file("sequences.table", table)
    columns = {key: settings[key] for key in ("id", "sequence", "activities", "group") if key in settings}
    rows, _, values, names, notices = read_sequences(table, **columns, length=window["input"])
    constant = np.flatnonzero(np.ptp(values, axis=0) == 0)
    if len(constant):
        raise UserError(
            f"{table}: the activity {names[constant[0]]!r} is {values[0, constant[0]]:g} for every sequence, "
            "so nothing can be learnt from it: leave it out of sequences.activities or give the measured "
            "values"
        )
    if target == "binary":
        check_classes(table, rows, values, names)
    assign(rows, folds, seed=settings.get("seed", 0), fewest_valid=fewest_valid)
    return {
        "digests": {str(table): sha256(table)},
        "sizes": None,
        "n_peaks": len(rows),
        "tracks": [{"name": name} for name in names],
        "notices": notices,
    }


def _must_be_file(key: str, path: str | None) -> None:
    if path is not None and not Path(path).is_file():
        raise UserError(f"config key '{key}' is '{path}', which is no file: correct the path")
