"""Simulated data only: what is in the windows and what the networks predict, beside what the grammar put there."""

from __future__ import annotations

import pandas as pd

from lucidna.report.collect import Experiment, read_document
from lucidna.report.ranking_section import joined
from lucidna.report.tables import Table, from_frame
from lucidna.truth import read_instances
from lucidna.truth.instances import inside

CEILING = "what the planted instances explain (about the best that a network can reach)"


def windows_table(experiment: Experiment) -> Table | None:
    """Count the instances of each planted motif in peak windows and in negatives; None where files are missing."""
    rows = experiment.table("data", "rows.tsv")
    path = experiment.truth / "instances.bed"
    if rows is None or not path.is_file() or "role" not in rows:
        return None
    instances = read_instances(path)
    counts = {}
    for role, windows in rows.groupby("role"):
        held = instances[inside(instances, windows[["chrom", "start", "end"]])]
        counts[role] = 100 * held["motif"].value_counts() / max(len(windows), 1)
    frame = instances.drop_duplicates("motif")[["motif", "role"]].reset_index(drop=True)
    for role, label in (("peak", "per 100 peaks"), ("negative", "per 100 negatives")):
        if role in counts:
            frame[label] = frame["motif"].map(counts[role]).fillna(0.0).round(1)
    said = ""
    if "gc" in rows:
        means = rows.groupby("role")["gc"].mean()
        said = "; mean GC " + ", ".join(f"{value:.3f} in {role}s" for role, value in means.items())
    return from_frame(frame, caption=f"Planted instances in the windows{said}")


def training_table(experiment: Experiment) -> Table | None:
    """Put the validation correlations beside the largest that a model could reach; None for other targets."""
    summary = read_document(experiment.truth / "summary.json") or {}
    ranking = joined(experiment.table("rank", "panel.tsv"), experiment.table("rank", "ranking.tsv"))
    ceiling = summary.get("ceiling_pearson")
    if experiment.config.get("target") != "counts" or ceiling is None or ranking is None or ranking.empty:
        return None
    said = [(CEILING, ceiling)]
    candidates = ranking[ranking["control"] == "none"]
    for family, group in candidates.groupby("family", sort=False):
        said.append((f"{family}, mean over {len(group)} candidates", group["prediction"].mean()))
    said += [(f"control: {name}", value) for name, value in _controls(ranking)]
    frame = pd.DataFrame(said, columns=["prediction of the counts", "validation Pearson r"])
    return from_frame(frame, caption="Training: how much of what can be predicted is predicted")


def _controls(ranking: pd.DataFrame) -> list[tuple[str, float]]:
    controls = ranking[ranking["control"] != "none"]
    return [(name.replace("_", " "), group["prediction"].mean()) for name, group in controls.groupby("control")]
