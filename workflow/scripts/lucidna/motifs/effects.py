"""Run the stage that says what instances do: ablation of hits, importance of patterns, pairs of patterns."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from torch import nn

from lucidna.attribution.members import NONE_CHOSEN
from lucidna.attribution.nulls import codes_of
from lucidna.errors import UserError
from lucidna.files import read_tsv, write_json, write_tsv
from lucidna.motifs.effect_tables import EffectSettings, ablation_table, importance_table, taken_bases
from lucidna.motifs.elements import element_hits, elements, together
from lucidna.motifs.halves import read_with_halves
from lucidna.motifs.hit_columns import of_credible, read_hits, write_hits
from lucidna.motifs.hit_table import in_every_window
from lucidna.motifs.maps import open_maps, read_regions
from lucidna.motifs.null import CREDIBLE
from lucidna.motifs.pair_table import BOTH_EVIDENCE, pairs_table
from lucidna.motifs.pairs import separate_regions
from lucidna.motifs.predictor import Networks
from lucidna.processor import use_processor

logger = logging.getLogger(__name__)

ABLATION, IMPORTANCE, ELEMENTS = "ablation.tsv", "importance.tsv", "elements.tsv"
PAIRS, SUMMARY = "pairs.tsv", "effects.json"


def instance_effects(
    models: Sequence[tuple[str, nn.Module]],
    attributions_h5: str | Path,
    regions_bed: str | Path,
    motifs_dir: str | Path,
    *,
    head: str,
    task: int,
    settings: EffectSettings | None = None,
    fdr: float = 0.1,
    trim: float = 0.3,
    seed: int = 0,
    batch_size: int = 64,
    device: str = "cpu",
    threads: int | None = None,
) -> dict:
    """Write what the networks say of the hits, of the patterns and of their pairs.

    Parameters
    ----------
    models : sequence of (str, nn.Module)
        The networks that the maps explain; without any the tables have a header and no line.
    attributions_h5, regions_bed : path
        The maps that the motifs come from, and their places.
    motifs_dir : path
        Holds modisco.h5, patterns.tsv and hits.tsv, and gets ablation.tsv (the hits of supported patterns
        with q <= fdr, and their effects), importance.tsv, elements.tsv, pairs.tsv (of elements, see `elements`) and
        effects.json.
    head, task
        What is predicted (see `attribution.output.ScalarOutput`).
    settings : EffectSettings, optional
    fdr : float
        Largest q-value of a hit, and of what is called a pair.
    trim : float
        As for the hits.
    seed, batch_size, device
        Of all draws; sequences per pass; where the networks run.
    threads : int, optional
        CPU threads of torch; as it is when not given.

    Returns
    -------
    dict
        Content of effects.json: networks, hits (at the fdr), ablated, patterns, pairs, pairs_found, predictions
        (passes of one sequence through one network), notices, seconds.

    Raises
    ------
    UserError
        When a file is missing or malformed, and when hits lie outside the windows of the maps.
    """
    started = time.perf_counter()
    use_processor(threads)
    folder, settings = Path(motifs_dir), settings or EffectSettings()
    maps = open_maps(attributions_h5)
    regions = read_regions(regions_bed, maps)
    with h5py.File(maps.path, "r") as handle:
        sequences = codes_of(handle["raw/seq"][:])
    hits = of_credible(read_hits(folder / "hits.tsv"))
    hits = hits[hits["q_value"].astype(float) <= fdr].reset_index(drop=True)
    placed = within_windows(hits, regions, folder / "hits.tsv")
    labels = read_tsv(folder / "patterns.tsv").set_index("pattern")["label"]
    patterns = read_with_halves(folder / "modisco.h5", trim=trim)
    credible = [name for name in labels.index if labels[name] in CREDIBLE]

    notices = []
    if not models:
        notices.append(NONE_CHOSEN)
        hits, placed, patterns, credible = hits[:0], placed[:0], [], []
    elif not len(hits):
        notices.append(
            f"no hit of a supported pattern has q <= {fdr:g}: there is nothing to ablate and there are no pairs"
        )
    networks = Networks([model for _, model in models], head=head, task=task, batch_size=batch_size, device=device)
    everywhere = in_every_window(hits, regions)
    taken = taken_bases(sequences, everywhere)
    ablated = ablation_table(networks, sequences, hits, placed, taken, settings, seed=seed)
    if len(ablated) < len(hits):
        notices.append(
            f"motifs.effects.max_hits bound: {len(ablated)} of {len(hits)} hits were ablated, drawn with one cap "
            "for every pattern"
        )
    logger.info("%d hits ablated in %d networks", len(ablated), len(models))
    importance = importance_table(networks, sequences, patterns, settings, seed=seed)
    logger.info("%d patterns put into %d null sequences", len(importance), settings.nulls)
    parts, made_of = elements([pattern for pattern in patterns if pattern.name in credible])
    # Where windows overlap a hit is in several of them, and so is a pair: each pair counts once, by its locus.
    apart = element_hits(everywhere, parts, length=sequences.shape[1])
    apart["locus"] = loci(apart, regions)
    names = list(dict.fromkeys(made_of["element"]))
    separate = separate_regions(regions)
    pairs = pairs_table(
        networks,
        sequences,
        apart,
        names,
        settings,
        notices,
        fdr=fdr,
        seed=seed,
        separate=separate,
        composites=together(parts),
    )
    write_hits(folder / ABLATION, ablated)
    write_tsv(folder / IMPORTANCE, importance)
    write_tsv(folder / ELEMENTS, made_of)
    write_tsv(folder / PAIRS, pairs)
    summary = {
        "networks": [name for name, _ in models],
        "hits": len(hits),
        "ablated": len(ablated),
        "patterns": len(importance),
        "pairs": len(pairs),
        "pairs_found": int(pairs["evidence"].isin(BOTH_EVIDENCE).sum()),
        "predictions": networks.n_predicted,
        "notices": notices,
        "seconds": round(time.perf_counter() - started, 1),
    }
    write_json(folder / SUMMARY, summary)
    for notice in notices:
        logger.info("%s", notice)
    return summary


def loci(placed: pd.DataFrame, regions: pd.DataFrame) -> np.ndarray:
    """Return a number for each place in the genome, int64, from row and start within the window."""
    window = regions.iloc[placed["row"].to_numpy(dtype=np.int64)]
    chrom = pd.factorize(regions["chrom"])[0][placed["row"].to_numpy(dtype=np.int64)]
    return (chrom.astype(np.int64) << 40) + window["start"].to_numpy() + placed["start"].to_numpy(dtype=np.int64)


def within_windows(hits: pd.DataFrame, regions: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    """Return hits with start and end counted from the start of their region's window.

    Parameters
    ----------
    hits : DataFrame
        `hit_columns.COLUMNS`.
    regions : DataFrame
        chrom, start, end, region_id: one line per map.
    path : path
        Where the hits come from, for messages.

    Raises
    ------
    UserError
        When a hit's region is not the one in its row, or the hit is not inside its window.
    """
    rows = hits["row"].to_numpy(dtype=np.int64)
    known = (rows >= 0) & (rows < len(regions))
    window = regions.iloc[np.where(known, rows, 0)] if len(regions) else regions.reindex(np.zeros(len(rows)))
    same = known & (window["region_id"].to_numpy() == hits["region_id"].to_numpy())
    start = hits["start"].to_numpy() - window["start"].to_numpy()
    end = hits["end"].to_numpy() - window["start"].to_numpy()
    inside = same & (start >= 0) & (hits["end"].to_numpy() <= window["end"].to_numpy())
    if not inside.all():
        first = hits.iloc[int(np.flatnonzero(~inside)[0])]
        raise UserError(
            f"{path}: the hit at {first['chrom']}:{first['start']}-{first['end']} lies outside the window of region "
            f"'{first['region_id']}' of the maps: call the hits again with the maps and regions that are used here"
        )
    return hits.assign(start=start, end=end)
