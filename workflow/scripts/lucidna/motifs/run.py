"""Run the motif stage: discover patterns in one set of maps, then annotate those of the real maps."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lucidna.errors import UserError
from lucidna.files import sha256, write_json, write_tsv
from lucidna.intervals import check_indexable
from lucidna.meme import Motif, read_meme
from lucidna.motifs.composite import composite_names, composites
from lucidna.motifs.decoys import signal_overlap
from lucidna.motifs.discover import run_modisco
from lucidna.motifs.expected import expected_table
from lucidna.motifs.halves import half_notices, label_halves, lone_halves
from lucidna.motifs.hit_columns import of_credible, write_hits
from lucidna.motifs.hit_table import region_table, write_hits_bed
from lucidna.motifs.hits import call_hits
from lucidna.motifs.maps import MapFile, is_zero, open_maps, read_predictions, read_regions
from lucidna.motifs.match import SMALL_DATABASE, best_names, match
from lucidna.motifs.null import CREDIBLE, SUPPORTING, calibrate, enough_shuffled, null_notices
from lucidna.motifs.part import add_parts
from lucidna.motifs.patterns import (
    Discovery,
    describe,
    read_discovery,
    write_patterns_meme,
)
from lucidna.motifs.reproducibility import NULL, counts, group_counts, look_up, read_runs
from lucidna.motifs.run_facts import describe_patterns, describe_runs, unseen_notices
from lucidna.motifs.saturation import saturation
from lucidna.motifs.seqlets import seqlet_table, write_seqlets_bed

logger = logging.getLogger(__name__)

discover = run_modisco

NO_DECOYS = "no maps of shuffled sequences were given"
"""Why hits have no q-value."""


def annotate(
    attributions_h5: str | Path,
    regions_bed: str | Path,
    modisco_h5: str | Path,
    out_dir: str | Path,
    *,
    null_attributions: Sequence[str | Path] = (),
    null_modisco: Sequence[str | Path] = (),
    permuted_modisco: Sequence[str | Path] = (),
    fewer: Mapping[float, str | Path] | None = None,
    runs: Mapping[str, Mapping[str, str | Path]] | None = None,
    candidates: Mapping[str, Mapping[str, object]] | None = None,
    database: str | Path | None = None,
    expected: Mapping[str, str] | None = None,
    fdr: float = 0.1,
    lambda_: float = 0.7,
    trim: float = 0.3,
    threads: int = 1,
    work_dir: str | Path | None = None,
) -> dict:
    """Test the patterns against the null, name them, call their hits and write the tables.

    Parameters
    ----------
    attributions_h5, regions_bed : path
        Real maps and the narrowPeak file with their places.
    modisco_h5 : path
        Patterns that `discover` found in them.
    out_dir : path
        Where these are written: patterns.tsv (with the halves that only composites show, `halves.lone_halves`),
        patterns.meme (trimmed cores), matches.tsv, expected.tsv, reproducibility.tsv, saturation.tsv, seqlets.bed
        (BED8, the core thick), hits.tsv (all, each with the label of its pattern), hits.bed, hits.bed.gz and its
        index (instances with q <= fdr of supported patterns),
        decoys.tsv (hits in shuffled sequences), regions.tsv (`hit_table.region_table` of supported patterns) and
        summary.json. Without a null every pattern counts as supported.
        Without patterns the tables have a header and no line of a pattern.
    null_attributions, null_modisco : sequence of path
        Maps of dinucleotide-shuffled sequences and the patterns found in them, one of each per draw. Without
        them hits have no q-value (hits.tsv says why in a column of its own), what counts hits by their q-value is
        empty, and patterns are compared with `permuted_modisco` only; maps that are 0 everywhere are left out.
    permuted_modisco : sequence of path
        Patterns found in the real maps with their positions permuted, one per draw.
    fewer : mapping, optional
        Share of the regions -> patterns found in these alone.
    runs : mapping, optional
        Other runs in which the patterns are looked up: kind ("candidate", "method" or "output") -> name -> patterns.
    candidates : mapping, optional
        Candidate id -> its "fold", "seed" and "family".
    database : path, optional
        Known motifs in MEME format; None for no comparison.
    expected : mapping, optional
        Name -> site (IUPAC) of motifs to look up among the patterns.
    fdr : float
        q-value up to which a database motif is a match and a hit is counted.
    lambda_, trim : float
        Fi-NeMo's sparsity, and the share of a CWM's largest column at which patterns are trimmed everywhere.
    threads : int
    work_dir : path, optional
        Folder for temporary files; the system's by default.

    Returns
    -------
    dict
        The content of summary.json: facts of the discovery and of each null, the numbers of patterns by sign
        and by label, of matched patterns, of hits, decoy hits and hits with q <= fdr (of supported patterns, and of
        the others), the share of regions whose
        predicted signal shuffled sequences reach (`decoys.signal_overlap`), notices, seconds.

    Raises
    ------
    UserError
        For inputs that are missing, malformed or do not belong together (also patterns of maps that are 0
        everywhere), and when Fi-NeMo fails.
    """
    start = time.perf_counter()
    out_dir = Path(out_dir)
    maps, nulls = open_maps(attributions_h5), [open_maps(path) for path in null_attributions]
    regions = read_regions(regions_bed, maps)
    check_indexable(regions, regions_bed)
    found = read_discovery(modisco_h5, trim=trim)
    null_found = [read_discovery(path, trim=trim) for path in null_modisco]
    permuted = [read_discovery(path, trim=trim) for path in permuted_modisco]
    again = read_runs(runs or {}, trim=trim)
    made = zip(
        [modisco_h5, *null_modisco, *permuted_modisco],
        [found, *null_found, *permuted],
        [maps, *nulls, *[maps] * len(permuted)],
        strict=True,
    )
    for path, discovery, source in made:
        _check_source(path, discovery, source)
    patterns, notices = found.patterns, list(found.facts["notices"])
    if patterns and is_zero(maps):
        raise UserError(
            f"{maps.path}: every contribution is 0, but {modisco_h5} holds {len(patterns)} patterns: run the motif "
            "discovery again with these maps, or give the maps that it was run with"
        )
    nulls, null_found = _that_say_something(nulls, null_found, notices)
    notices += [f"shuffled sequences: {notice}" for null in null_found for notice in null.facts["notices"]]
    notices += [f"permuted maps: {notice}" for null in permuted for notice in null.facts["notices"]]
    drawn = [("shuffled", null_found), ("permuted", permuted)]
    again[NULL] = {f"{kind} {draw}": null for kind, draws in drawn for draw, null in enumerate(draws)}

    motifs = _database(database, notices)
    tested = add_parts(patterns, calibrate(found, null_found, permuted=permuted))
    draws = {"shuffled": len(null_found), "permuted": len(permuted)}
    null_words = null_notices(tested, **draws, fdr=fdr, enough=enough_shuffled(found, null_found))
    halves, wholes = lone_halves(patterns)
    patterns, tested = patterns + halves, label_halves(tested, wholes)
    notices += half_notices(wholes)
    matches = match(patterns, motifs, threads=threads, q_cut=fdr)
    made_of = composites(patterns, motifs, q_cut=fdr)
    names = best_names(matches)
    names |= composite_names(made_of, names, motifs)
    labels = dict(zip(tested["pattern"], tested["label"], strict=True))
    hits, hit_counts, hit_notices, decoys = call_hits(
        maps,
        regions,
        nulls,
        patterns,
        names=names,
        labels=labels,
        lambda_=lambda_,
        trim=trim,
        threads=threads,
        work_dir=work_dir,
    )
    notices += hit_notices
    overlap = _signal_overlap(maps, nulls)
    if overlap is not None:
        notices.append(
            "decoys are shuffled copies of the regions, alike in GC but not in predicted signal: the distributions of "
            f"predictions overlap by {overlap:.0%}"
        )
    if not nulls:
        only = ", and patterns are compared with those of permuted maps only" if permuted else ""
        notices.append(f"{NO_DECOYS}: no hit has a q-value{only}")
        hits = hits.assign(q_value_note=NO_DECOYS)
    notices += null_words

    table = describe(patterns).merge(tested, on="pattern", how="left")
    found_again = look_up(patterns, again, threads=threads)
    for part in (
        counts(found_again, patterns),
        group_counts(found_again, patterns, candidates or {}),
        made_of,
        hit_counts,
    ):
        table = table.merge(part, on="pattern", how="left")
    credible = hits[hits["q_value"] <= fdr]["pattern"].value_counts()
    table["hits_at_fdr"] = table["pattern"].map(credible).fillna(0).astype(int) if nulls else np.nan
    best = matches[matches["rank"] == 1].set_index("pattern")
    table["match"] = table["pattern"].map(best["motif"]).fillna("")
    table["match_name"] = table["pattern"].map(names).fillna("")
    table["match_q"] = table["pattern"].map(best["q_value"])

    write_tsv(out_dir / "patterns.tsv", table)
    write_patterns_meme(out_dir / "patterns.meme", patterns)
    write_tsv(out_dir / "matches.tsv", matches)
    write_tsv(out_dir / "expected.tsv", expected_table(patterns, table, expected or {}))
    write_tsv(out_dir / "reproducibility.tsv", found_again)
    believed = table.loc[table["label"].isin(SUPPORTING), "pattern"]
    less = {share: read_discovery(path, trim=trim) for share, path in (fewer or {}).items()}
    write_tsv(out_dir / "saturation.tsv", saturation(found, less, supported=set(believed), threads=threads))
    write_seqlets_bed(out_dir / "seqlets.bed", seqlet_table(found.patterns, regions))
    write_hits(out_dir / "hits.tsv", hits)
    write_hits(out_dir / "decoys.tsv", decoys)
    counted = of_credible(hits)
    in_regions = region_table(maps, regions, counted, [name for name in labels if labels[name] in CREDIBLE], fdr=fdr)
    if not nulls:  # which hits would count is not known: that is not the same as none
        in_regions[list(in_regions.columns[in_regions.columns.get_loc("hits") :])] = np.nan
    write_tsv(out_dir / "regions.tsv", in_regions)
    n_instances = write_hits_bed(out_dir / "hits.bed", counted, fdr=fdr)
    n_at_fdr = int((counted["q_value"] <= fdr).sum())
    left_out = int((hits["q_value"] <= fdr).sum()) - n_at_fdr
    if left_out:
        notices.append(
            f"{left_out} hits with q <= {fdr:g} are of patterns that the null does not support: hits.tsv lists them "
            "with the label of their pattern, and they count nowhere else"
        )
    notices += unseen_notices(table)
    notices = list(dict.fromkeys(notices))  # draws of one kind may have the same to say
    summary = {
        **describe_runs(found, null_found, permuted, again, patterns, found_again),
        **describe_patterns(found, table, halves=wholes),
        "database": None if database is None else str(database),
        "digests": {} if database is None else {str(database): sha256(database)},
        "hits": {
            "total": len(hits),
            "before_removing_repeats": int(hit_counts["hits"].sum()),
            "decoys": int(hit_counts["decoy_hits"].sum()),
            "signal_overlap": overlap,
            "at_fdr": n_at_fdr,
            "instances_at_fdr": n_instances,
            "at_fdr_not_supported": left_out,
            "fdr": fdr,
            "lambda": lambda_,
            "trim": trim,
        },
        "notices": notices,
        "seconds": round(time.perf_counter() - start, 1),
    }
    write_json(out_dir / "summary.json", summary)
    for notice in notices:
        logger.info("%s", notice)
    logger.info("%d patterns, %d supported; %d hits, %d with q <= %g in %d instances", *_headline(summary))
    return summary


def _signal_overlap(maps: MapFile, nulls: Sequence[MapFile]) -> float | None:
    shuffled = np.concatenate([np.zeros(0), *(read_predictions(null) for null in nulls)])
    share = signal_overlap(read_predictions(maps), shuffled)
    return None if np.isnan(share) else round(share, 4)


def _that_say_something(
    nulls: list[MapFile], found: list[Discovery], notices: list[str]
) -> tuple[list[MapFile], list[Discovery]]:
    """Leave out maps of shuffled sequences that are 0 everywhere: beside them every pattern and hit is credible."""
    kept = [number for number, null in enumerate(nulls) if not is_zero(null)]
    if len(kept) < len(nulls):
        notices.append(
            f"{len(nulls) - len(kept)} of {len(nulls)} sets of maps of shuffled sequences are 0 everywhere: they say "
            "nothing of what noise gives, and neither patterns nor hits are compared with them"
        )
    return [nulls[number] for number in kept], [found[number] for number in kept]


def _check_source(path: str | Path, discovery: Discovery, maps: MapFile) -> None:
    made_from = discovery.facts["n_regions"], discovery.facts["map_length"]
    if made_from != (maps.n_regions, maps.length):
        raise UserError(
            f"{path} was made from {made_from[0]} maps of {made_from[1]} bp, but {maps.path} holds "
            f"{maps.n_regions} of {maps.length} bp: run the motif discovery again"
        )


def _database(path: str | Path | None, notices: list[str]) -> list[Motif]:
    if path is None:
        notices.append("motifs.database is null: patterns were not compared with known motifs")
        return []
    motifs = read_meme(path)
    if len(motifs) < SMALL_DATABASE:
        notices.append(f"the database has {len(motifs)} motifs: p-values of matches are rough below {SMALL_DATABASE}")
    return motifs


def _headline(summary: dict) -> tuple[int, int, int, int, float, int]:
    patterns, hits = summary["patterns"], summary["hits"]
    found = patterns["total"], patterns["supported"]
    return *found, *(hits[name] for name in ("total", "at_fdr", "fdr", "instances_at_fdr"))
