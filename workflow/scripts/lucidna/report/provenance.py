"""Where the results come from: data, inputs and their digests, versions, settings, time and memory."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lucidna.external.settings import only_maps
from lucidna.report.collect import Experiment, read_document, read_table
from lucidna.report.given_section import sources
from lucidna.report.numbers import as_float, count, duration, mebibytes
from lucidna.report.tables import Cell, Column, Table, code_cell, count_cell, from_frame, text_cell


def section(experiment: Experiment, config_text: str) -> dict:
    """Collect the context of the section: regions, inputs, versions, cost; the configuration verbatim."""
    if "maps" in experiment.config:
        tables, notes = given_tables(experiment)
    elif only_maps(experiment.config):
        tables, notes = [input_digests(experiment.document("rank", "inputs.json"))], []
    else:
        tables, notes = data_tables(experiment)
    cost = rule_costs(experiment.benchmarks)
    if cost is None:
        notes.append("No benchmark file of the workflow was found: time and memory are not reported.")
    else:
        tables.append(cost)
    tables.append(versions(experiment))
    return {
        "tables": tables,
        "notes": notes,
        "notices": collect_notices(experiment),
        "config_text": config_text,
        "seeds": seeds(experiment),
        "digest": (experiment.document("data", "dataset.json") or {}).get("digest", ""),
    }


def data_tables(experiment: Experiment) -> tuple[list[Table], list[str]]:
    """Tabulate the regions, those dropped, and the digests of the inputs; say what is not there."""
    notes: list[str] = []
    regions = experiment.table("data", "regions.tsv")
    tables = []
    if regions is None:
        notes.append("The table of regions (data/regions.tsv) is not there.")
    else:
        tables.append(region_counts(regions))
    dropped = experiment.table("data", "dropped.tsv")
    if dropped is None:
        notes.append("The list of dropped regions (data/dropped.tsv) is not there.")
    elif dropped.empty:
        notes.append("No region was dropped.")
    else:
        tables.append(dropped_counts(dropped))
    inputs = experiment.document("data", "inputs.json")
    digests = input_digests(
        inputs, more=[*_motif_summaries(experiment), experiment.document("variants", "summary.json")]
    )
    if digests.rows:
        tables.append(digests)
    else:
        notes.append("No digest of an input file is recorded (data/inputs.json).")
    return tables, notes


def given_tables(experiment: Experiment) -> tuple[list[Table], list[str]]:
    """Tabulate the digests of the files of maps that were made elsewhere."""
    return [input_digests({"digests": sources(experiment)})], []


def region_counts(regions: pd.DataFrame) -> Table:
    """Count regions per fold and split, peaks and negatives apart."""
    folds = [name for name in regions.columns if name.startswith("fold_")]
    roles = sorted(set(regions["role"]), reverse=True) if "role" in regions else []
    columns = [Column("fold"), Column("split")] + [Column(f"{role}s", numeric=True) for role in roles]
    rows = [[text_cell("all"), text_cell("all")] + [count_cell(int((regions["role"] == role).sum())) for role in roles]]
    for fold in folds:
        for split in ("train", "valid", "test"):
            part = regions[regions[fold] == split]
            counts = [count_cell(int((part["role"] == role).sum())) for role in roles]
            rows.append([text_cell(fold.removeprefix("fold_")), text_cell(split), *counts])
    return Table("Regions", columns, rows)


def dropped_counts(dropped: pd.DataFrame) -> Table:
    """Count dropped regions by role and reason."""
    counts = dropped.groupby(["role", "reason"], sort=True).size().rename("regions").reset_index()
    return from_frame(counts, caption="Regions dropped, by reason (each is listed in data/dropped.tsv)")


def _motif_summaries(experiment: Experiment) -> list[Any]:
    return [read_document(path) for path in sorted(experiment.root.glob("motifs/*/*/summary.json"))]


def input_digests(inputs: Any, *, more: Sequence[Any] = ()) -> Table:
    """List the SHA-256 of every input file, recorded as {path: hex} or as a list of mappings.

    Parameters
    ----------
    inputs : object
        What the check of the inputs recorded.
    more : sequence
        Documents of later stages, each with the files of its own under "digests" (path -> hex); None where absent.
    """
    columns = [Column("file"), Column("SHA-256")]
    record = inputs.get("digests", inputs.get("files", {})) if isinstance(inputs, dict) else {}
    pairs: list[tuple[str, str]] = []
    if isinstance(record, dict):
        for path, value in record.items():
            pairs.append((path, value.get("sha256", "") if isinstance(value, dict) else str(value)))
    elif isinstance(record, list):
        pairs = [(str(item.get("path", "")), str(item.get("sha256", ""))) for item in record]
    for document in more:
        pairs += (document.get("digests") or {}).items() if isinstance(document, dict) else []
    rows = [[code_cell(path), code_cell(digest)] for path, digest in sorted(set(pairs))]
    return Table("Input files", columns, rows)


def collect_notices(experiment: Experiment) -> list[str]:
    """Gather what the checks of the inputs and the making of the data set remarked."""
    notices: list[str] = []
    for name in ("inputs.json", "notices.json"):
        record = experiment.document("data", name)
        found = record.get("notices", []) if isinstance(record, dict) else record
        notices += [str(item) for item in found or []]
    return list(dict.fromkeys(notices))


def seeds(experiment: Experiment) -> str:
    """Say which seeds the experiment used."""
    config = experiment.config
    named = [
        (
            "training",
            sorted({candidate.get("seed") for candidate in experiment.candidates if "seed" in candidate}),
        ),
        ("simulated data", config.get("simulate", {}).get("seed")),
        ("negatives", config.get("regions", {}).get("negatives", {}).get("seed")),
        ("ranking", config.get("ranking", {}).get("seed")),
        ("attribution", config.get("attribution", {}).get("seed")),
        ("motifs", config.get("motifs", {}).get("seed")),
    ]
    said = []
    for name, value in named:
        if value is None or value == []:
            continue
        said.append(f"{name} {', '.join(map(str, value)) if isinstance(value, list) else value}")
    return "; ".join(said)


def rule_costs(folder: Path | None) -> Table | None:
    """Sum Snakemake's benchmark files per rule: jobs, total and longest time, largest memory.

    A file is ``<rule>.tsv`` or ``<rule>/<job>.tsv`` with columns s (seconds) and max_rss (MiB).

    Returns
    -------
    Table or None
        None when no benchmark file is there.
    """
    if folder is None or not folder.is_dir():
        return None
    jobs: dict[str, list[tuple[float, float, float]]] = {}
    for path in sorted(folder.rglob("*.tsv")):
        frame = read_table(path)
        if frame is None or "s" not in frame:
            continue
        rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
        for record in frame.to_dict("records"):
            values = tuple(as_float(record.get(name)) for name in ("s", "max_rss", "cpu_time"))
            jobs.setdefault(rule, []).append(values)
    if not jobs:
        return None
    columns = [
        Column("rule"),
        Column("jobs", numeric=True),
        Column("total time", numeric=True, help="sum over jobs of the time on the clock"),
        Column("longest job", numeric=True),
        Column("CPU time", numeric=True, help="sum over jobs"),
        Column("peak memory", numeric=True, help="largest resident memory of any job"),
    ]
    rows = []
    for rule, measured in jobs.items():
        frame = pd.DataFrame(measured, columns=["s", "rss", "cpu"])
        seconds, rss, cpu = frame["s"], frame["rss"].max(), frame["cpu"].sum(min_count=1)
        rows.append(
            [
                text_cell(rule),
                count_cell(len(measured)),
                Cell(duration(seconds.sum()), sort=float(seconds.sum()), css="num"),
                Cell(duration(seconds.max()), sort=float(seconds.max()), css="num"),
                Cell(duration(cpu), sort=as_float(cpu), css="num"),
                Cell(mebibytes(rss), sort=as_float(rss), css="num"),
            ]
        )
    total = sum(value[0] for measured in jobs.values() for value in measured)
    return Table(f"Time and memory per rule (all jobs together: {duration(total)})", columns, rows)


def versions(experiment: Experiment) -> Table:
    """List the version of every package here, beside those recorded when models were trained."""
    recorded: dict[str, set[str]] = {}
    for candidate in experiment.candidates:
        model = read_document(experiment.root / "train" / candidate["id"] / "model.json")
        found = model.get("versions", {}) if isinstance(model, dict) else {}
        for name, version in found.items():
            recorded.setdefault(normal(name), set()).add(str(version))
    here = {
        normal(item.metadata["Name"]): item.version
        for item in importlib.metadata.distributions()
        if item.metadata["Name"]
    }
    here["python"] = platform.python_version()
    rows = [
        [
            code_cell(name),
            code_cell(here.get(name)),
            code_cell(", ".join(sorted(recorded.get(name, ())))),
        ]
        for name in sorted(set(here) | set(recorded))
    ]
    columns = [Column("package"), Column("here"), Column("at training")]
    return Table(f"Versions of {count(len(rows))} packages", columns, rows, filterable=True)


def normal(name: str) -> str:
    """Return a package name as packaging tools compare it: lower case, hyphens."""
    return name.lower().replace("_", "-").replace(".", "-")
