"""Predict the effects of the variants of a VCF and say which motif instances they touch."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from lucidna.attribution.members import NONE_CHOSEN
from lucidna.attribution.output import fitting_batch
from lucidna.channels import task_channels
from lucidna.files import write_json, write_tsv
from lucidna.genome import Genome
from lucidna.variants.effects import Effects, predict_alleles, summarise
from lucidna.variants.motifs import TaskMotifs, matches_changed, overlapping_hits
from lucidna.variants.vcf import alternatives_of, read_variants, write_annotated
from lucidna.variants.windows import allele_windows

log = logging.getLogger(__name__)

TABLE, SKIPPED, ANNOTATED, SUMMARY = "variants.tsv", "skipped.tsv", "variants.vcf.gz", "summary.json"

_MOTIF_COLUMNS = ["hit", "hit_q", "hit_contribution", "makes", "breaks"]


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
    """Write what the networks predict for every variant, and which motif instances it lies in, makes or breaks.

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
        notices.

    Raises
    ------
    UserError
        See `vcf.read_variants`.
    """
    out_dir = Path(out_dir)
    info = dataset.info
    length = int(info["window"]["input"])
    variants, skipped = read_variants(vcf, genome, longest=length // 4)
    unit = "log2_odds_ratio" if info["target"] == "binary" else "log2_fold_change"
    table = variants.assign(position=variants["start"] + 1)
    parts = []
    if models and len(variants):
        windows, lengths = _windows(variants, genome, length)
        effects = _effects(models, *windows, lengths, dataset, batch_size=batch_size, device=device)
        for number, task in enumerate(info["tasks"]):
            found = summarise(effects, number).rename(columns=_column_names(unit, info["target"]))
            found = pd.concat([found, _motif_columns(variants, *windows, lengths, motifs.get(task))], axis=1)
            parts.append(pd.concat([table, found], axis=1).assign(task=task))
    merged = pd.concat(parts, ignore_index=True) if parts else table[:0]
    first = ["chrom", "position", "id", "ref", "alt", "task"]
    shown = merged.reindex(columns=[*first, *(c for c in merged if c not in (*first, "record", "start"))])
    notices = [] if models else [NONE_CHOSEN]
    if not len(variants):
        notices.append("no variant of the VCF could be taken: skipped.tsv says why")
    write_tsv(out_dir / TABLE, shown)
    write_tsv(out_dir / SKIPPED, skipped)
    _write_vcf(out_dir / ANNOTATED, vcf, merged, info["tasks"], unit)
    summary = {
        "n_records": int(max([*variants["record"] + 1, *skipped["line"]], default=0)),
        "n_variants": len(variants),
        "skipped": {reason: int(n) for reason, n in skipped["reason"].value_counts().sort_index().items()},
        "networks": [name for name, _ in models],
        "tasks": list(info["tasks"]),
        "unit": unit,
        "notices": notices,
    }
    write_json(out_dir / SUMMARY, summary)
    log.info("%d variants by %d networks, %d alleles skipped", len(variants), len(models), len(skipped))
    return summary


def _windows(variants: pd.DataFrame, genome: Genome, length: int) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Return the windows (two of uint8 (N, L)) and the lengths of the alleles, int64 (N, 2)."""
    both = np.empty((2, len(variants), length), dtype=np.uint8)
    for chrom, group in variants.groupby("chrom", sort=False):
        codes = genome.codes(chrom)
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
    found = []
    for number, (name, model) in enumerate(models):
        effects = predict_alleles(
            model,
            reference,
            alternative,
            lengths,
            channels=task_channels(dataset),
            batch_size=fitting_batch(batch_size, reference.shape[1], device),
            device=device,
        )
        found.append(effects)
        log.info("member %d/%d  %s  %d variants", number + 1, len(models), name, len(reference))
    return found


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
    lengths: np.ndarray,
    known: TaskMotifs | None,
) -> pd.DataFrame:
    """Tabulate the strongest hit under each variant, and the patterns that only one allele matches."""
    if known is None:
        return pd.DataFrame("", index=range(len(variants)), columns=_MOTIF_COLUMNS)
    changed = matches_changed(reference, alternative, lengths, known.motifs)
    rows = []
    for hits, (made, broken) in zip(overlapping_hits(variants, known.hits), changed, strict=True):
        best = hits.loc[hits["contribution"].abs().idxmax()] if len(hits) else None
        rows.append(
            (
                "" if best is None else best["motif"] or best["pattern"],
                np.nan if best is None else best["q_value"],
                np.nan if best is None else best["contribution"],
                ",".join(made),
                ",".join(broken),
            )
        )
    return pd.DataFrame(rows, columns=_MOTIF_COLUMNS)


def _write_vcf(path: Path, source: str | Path, table: pd.DataFrame, tasks: Sequence[str], unit: str) -> None:
    """Write one field per number and task, with a value for every alternative that was taken."""
    names = {"": unit, "_sd": f"{unit}_sd", "_jsd": "jsd", "_hit": "hit", "_makes": "makes", "_breaks": "breaks"}
    words = {
        "": f"mean {unit.replace('_', ' ')} of the alternative over networks",
        "_sd": "standard deviation over networks",
        "_jsd": "Jensen-Shannon divergence of the profiles, bits",
        "_hit": "motif instance under the reference allele",
        "_makes": "patterns that match the alternative alone",
        "_breaks": "patterns that match the reference alone",
    }
    fields, values = [], {}
    alternatives = alternatives_of(source)
    for task in tasks:
        part = table[table["task"] == task] if "task" in table else table
        for suffix, column in names.items():
            if column not in part:
                continue
            numeric = pd.api.types.is_numeric_dtype(part[column])
            name = f"lucidna_{_field(task)}{suffix}"
            fields.append((name, "Float" if numeric else "String", f"lucidna, {task}: {words[suffix]}"))
            for record, group in part.groupby("record"):
                given = dict(zip(group["alt"], group[column], strict=True))
                row = [_value(given.get(alt), numeric) for alt in alternatives[record]]
                if any(value is not None for value in row):
                    values.setdefault(int(record), {})[name] = row
    write_annotated(path, source, fields, values)


def _field(task: str) -> str:
    """Return a task's name as VCF allows it in a field."""
    return "".join(letter if letter.isalnum() else "_" for letter in task)


def _value(value: Any, numeric: bool) -> Any:
    if value is None or value == "" or (numeric and not np.isfinite(value)):
        return None
    # Commas separate alternatives in VCF.
    return float(value) if numeric else str(value).replace(",", "|").replace(" ", "_").replace(";", "|")
