"""Predict the effects of the variants of a VCF and say which motif instances they touch."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from lucidna.attribution.members import NONE_CHOSEN
from lucidna.attribution.output import fitting_batch
from lucidna.channels import task_channels
from lucidna.files import sha256, write_json, write_tsv
from lucidna.genome import Genome
from lucidna.variants.annotated import Field, write_annotated
from lucidna.variants.base_rate import SiteCounts, base_rate, count_sites
from lucidna.variants.effects import Effects, predict_alleles, summarise
from lucidna.variants.fields import check_names, info_name
from lucidna.variants.motifs import TaskMotifs, in_regions, overlapping_hits
from lucidna.variants.sites import site_changes
from lucidna.variants.vcf import Chromosomes, longest_allele, read_variants
from lucidna.variants.windows import allele_windows, trimmed

log = logging.getLogger(__name__)

BLOCK = 8192
"""Variants whose windows are held in memory at once."""

TABLE, SKIPPED, ANNOTATED, SUMMARY = "variants.tsv", "skipped.tsv", "variants.vcf.gz", "summary.json"

_HIT_COLUMNS = {
    "hit": "name",
    "hit_start": "start",
    "hit_end": "end",
    "hit_strand": "strand",
    "hit_q": "q_value",
    "hit_contribution": "contribution",
}
"""Column -> what it holds of each hit."""

_SITE_COLUMNS = {
    "site": "name",
    "site_start": "start",
    "site_end": "end",
    "site_strand": "strand",
    "site_reference": "reference",
    "site_alternative": "alternative",
    "site_change": "change",
}
"""Column -> what it holds of each pattern that matches an allele."""

_MOTIF_COLUMNS = ["searched", *_HIT_COLUMNS, "makes", "breaks", *_SITE_COLUMNS]


def annotate_variants(
    vcf: str | Path,
    genome: Genome,
    models: Sequence[tuple[str, nn.Module]],
    dataset: Any,
    motifs: Mapping[str, TaskMotifs],
    out_dir: str | Path,
    *,
    batch_size: int = 64,
    device: str = "cpu",
) -> dict[str, Any]:
    """Write what the networks predict for every variant, which hits it changes, and which patterns it makes or breaks.

    Where an allele has several hits or sites, their columns hold one value for each, divided by semicolons: hits by
    their |contribution|, sites by the change of their score, the largest first. `searched` says whether hits were
    looked for at the variant's place: elsewhere an empty `hit` says nothing.

    Many substitutions make or break some site by chance. How many is measured at the same places: of each substitution
    of one base the other two, to neither of its alleles, are scanned too (`base_rate`; the networks do not see them).
    Indels and substitutions of several bases are left out of this rate.

    Parameters
    ----------
    vcf : path
        Substitutions and indels, plain or compressed by bgzip.
    genome : Genome
        The genome of the experiment.
    models : sequence of (str, nn.Module)
        Candidate ids and networks; without any, the table is empty and the summary says why.
    dataset : Dataset
        Names the tasks, their channels, the target and the window.
    motifs : mapping
        Task -> its hits and patterns.
    out_dir : path
        Gets `variants.tsv` (a row per alternative allele and task), `skipped.tsv`, `variants.vcf.gz` with its
        index, and `summary.json`.
    batch_size : int
        Variants per pass.
    device : str
        Where the networks run.

    Returns
    -------
    dict
        The content of summary.json: n_records, n_variants, skipped (reason -> number), networks, tasks, unit,
        sites (task -> `base_rate.base_rate`; empty without a network), digests (path of the VCF -> SHA-256), notices.

    Raises
    ------
    UserError
        See `vcf.read_variants` and `fields.check_names`.
    """
    out_dir = Path(out_dir)
    info = dataset.info
    length = int(info["window"]["input"])
    check_names(info["tasks"])
    variants, skipped, n_records = read_variants(vcf, genome, longest=longest_allele(length))
    unit = "log2_odds_ratio" if info["target"] == "binary" else "log2_fold_change"
    table = variants.assign(position=variants["start"] + 1)
    parts: dict[str, list[pd.DataFrame]] = {task: [] for task in info["tasks"]}
    counts = dict.fromkeys(info["tasks"], SiteCounts())
    chromosomes = Chromosomes(genome)
    for first in range(0, len(variants) if models else 0, BLOCK):
        block = table.iloc[first : first + BLOCK].reset_index(drop=True)
        windows, lengths = _windows(block, chromosomes, length)
        effects = _effects(models, *windows, lengths, dataset, batch_size=batch_size, device=device)
        for number, task in enumerate(info["tasks"]):
            found = summarise(effects, number).rename(columns=_column_names(unit, info["target"]))
            columns, counted = _motif_columns(block, *windows, motifs.get(task))
            counts[task] += counted
            parts[task].append(pd.concat([block, found, columns], axis=1).assign(task=task))
        log.info("%d of %d variants", first + len(block), len(variants))
    found = [part for own in parts.values() for part in own]
    merged = pd.concat(found, ignore_index=True) if found else table[:0]
    first = ["chrom", "position", "id", "ref", "alt", "task"]
    shown = merged.reindex(columns=[*first, *(c for c in merged if c not in (*first, "record", "start"))])
    notices = [] if models else [NONE_CHOSEN]
    if not len(variants):
        notices.append("no variant of the VCF could be taken: skipped.tsv says why")
    write_tsv(out_dir / TABLE, shown)
    write_tsv(out_dir / SKIPPED, skipped)
    _write_vcf(out_dir / ANNOTATED, vcf, merged, info["tasks"], unit)
    patterns = {task: len(motifs[task].motifs) if task in motifs else 0 for task in info["tasks"]}
    summary = {
        "n_records": n_records,
        "n_variants": len(variants),
        "skipped": {reason: int(n) for reason, n in skipped["reason"].value_counts().sort_index().items()},
        "networks": [name for name, _ in models],
        "tasks": list(info["tasks"]),
        "unit": unit,
        "sites": {task: base_rate(counts[task], n_patterns=patterns[task]) for task in info["tasks"] if models},
        "digests": {str(vcf): sha256(vcf)},
        "notices": notices,
    }
    write_json(out_dir / SUMMARY, summary)
    log.info("%d variants by %d networks, %d alleles skipped", len(variants), len(models), len(skipped))
    return summary


def _windows(
    variants: pd.DataFrame, chromosomes: Chromosomes, length: int
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Return the windows (two of uint8 (N, L)) and the lengths of the alleles, int64 (N, 2)."""
    both = np.empty((2, len(variants), length), dtype=np.uint8)
    for chrom, group in variants.groupby("chrom", sort=False):
        codes = chromosomes[chrom]
        for row, start, ref, alt in zip(group.index, group["start"], group["ref"], group["alt"], strict=True):
            both[:, row] = allele_windows(codes, start, ref, alt, length=length)
    lengths = np.stack([variants["ref"].str.len(), variants["alt"].str.len()], axis=1).astype(np.int64)
    return (both[0], both[1]), lengths


def _effects(
    models: Sequence[tuple[str, nn.Module]],
    reference: np.ndarray,
    alternative: np.ndarray,
    lengths: np.ndarray,
    dataset: Any,
    *,
    batch_size: int,
    device: str,
) -> list[Effects]:
    return [
        predict_alleles(
            model,
            reference,
            alternative,
            lengths,
            channels=task_channels(dataset),
            batch_size=fitting_batch(batch_size, reference.shape[1], device),
            device=device,
        )
        for _, model in models
    ]


def _column_names(unit: str, target: str) -> dict[str, str]:
    scale = "logit" if target == "binary" else "log1p_counts"
    return {
        "reference": f"reference_{scale}",
        "alternative": f"alternative_{scale}",
        "log2_change": unit,
        "log2_change_sd": f"{unit}_sd",
    }


def _motif_columns(
    variants: pd.DataFrame,
    reference: np.ndarray,
    alternative: np.ndarray,
    known: TaskMotifs | None,
) -> tuple[pd.DataFrame, SiteCounts]:
    """Tabulate the hits that each variant changes and how well patterns match its alleles; count what changes sites."""
    if known is None:
        nothing = pd.DataFrame("", index=range(len(variants)), columns=_MOTIF_COLUMNS).assign(searched=False)
        return nothing, SiteCounts()
    own = np.array([trimmed(ref, alt) for ref, alt in zip(variants["ref"], variants["alt"], strict=True)])
    start = variants["start"].to_numpy() + own[:, 0]
    spans = pd.DataFrame({"chrom": variants["chrom"], "start": start, "end": start + own[:, 1]})
    first = reference.shape[1] // 2 + own[:, 0]
    changes = site_changes(reference, alternative, first, own[:, 1:], start, known.motifs)
    hits_of = overlapping_hits(spans, known.hits)
    rows = []
    for searched, hits, sites in zip(in_regions(spans, known.regions), hits_of, changes, strict=True):
        rows.append(
            (
                searched,
                *(_joined(hits[name]) for name in _HIT_COLUMNS.values()),
                _joined(site.name for site in sites if site.makes),
                _joined(site.name for site in sites if site.breaks),
                *(_joined(getattr(site, name) for site in sites) for name in _SITE_COLUMNS.values()),
            )
        )
    counts = count_sites(reference, alternative, first, own[:, 1:], changes, known.motifs)
    return pd.DataFrame(rows, columns=_MOTIF_COLUMNS), counts


def _joined(values: Iterable[Any]) -> str:
    return ";".join(f"{value:.4g}" if isinstance(value, float) else str(value) for value in values)


def _write_vcf(path: Path, source: str | Path, table: pd.DataFrame, tasks: Sequence[str], unit: str) -> None:
    """Write one field per number and task, with a value for every alternative that was taken."""
    columns = {
        "": (unit, "Float", f"mean {unit.replace('_', ' ')} of the alternative over networks"),
        "_sd": (f"{unit}_sd", "Float", "standard deviation over networks"),
        "_jsd": ("jsd", "Float", "Jensen-Shannon divergence of the profiles, bits"),
        "_searched": ("searched", "Integer", "1 where motif instances were searched, 0 elsewhere"),
        "_hit": ("hit", "String", "motif instances that the variant changes"),
        "_makes": ("makes", "String", "patterns that the alternative matches better"),
        "_breaks": ("breaks", "String", "patterns that the reference matches better"),
    }
    fields: list[Field] = []
    values: dict[int, dict] = {}
    for task in tasks:
        part = table[table["task"] == task] if "task" in table else table
        for suffix, (column, kind, words) in columns.items():
            if column not in part:
                continue
            name = info_name(task, suffix)
            fields.append(Field(name, kind, f"lucidna, {task}: {words}"))
            for record, alt, value in zip(part["record"], part["alt"], part[column], strict=True):
                values.setdefault(record, {}).setdefault(name, {})[alt] = value
    write_annotated(path, source, fields, values)
