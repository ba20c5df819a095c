"""The ranking: prediction against interpretability, how stable the ranks are, the whole panel."""

from __future__ import annotations

import math

import pandas as pd

from lucidna.external.settings import only_maps
from lucidna.report import disagreement_section
from lucidna.report.collect import Experiment, appearance
from lucidna.report.criteria_words import criteria_of, label_of
from lucidna.report.numbers import as_float, interval, percent
from lucidna.report.panel_table import family_table, panel_table, prediction_table
from lucidna.report.point_figures import Point, intervals, scatter
from lucidna.report.tables import ends

#: Criteria drawn against prediction, where they are known; the panel lists all.
DRAWN = ("score", "c_cos", "c_snr", "c_auc", "sl_con", "m1cf", "soft_kmer6", "family_agreement")
KINDS = {"control": "control", "vetoed": "vetoed", "gated": "failed_gate", "failed": "vetoed"}
STATE_WORDS = {"gated": "below the gate", "vetoed": "vetoed", "failed": "failed"}


def section(experiment: Experiment) -> dict:
    """Collect the context of the section: scatter plots, rank intervals, the panel, the families."""
    verdict = experiment.document("rank", "verdict.json") or {}
    panel = joined(experiment.table("rank", "panel.tsv"), experiment.table("rank", "ranking.tsv"))
    context = {"verdict": verdict, "notes": [], "scatters": [], "ranks": "", "panel": None, "families": None}
    context |= {"prediction": None, "disagreement": None}
    context |= {"legend": None, "links": links(experiment)}
    if panel is None:
        context["notes"].append("No panel was found (rank/panel.tsv): the candidates are not ranked.")
        return context
    x_label = prediction_label(experiment.config)
    records = describe(panel, experiment.candidates, verdict, x_label)
    if panel.get("prediction", pd.Series(dtype=float)).notna().any():
        drawn = [name for name in DRAWN if name in criteria_of(panel)]
        pictures = [(label_of(name), criterion_scatter(records, name, x_label)) for name in drawn]
        context["scatters"] = [(title, picture) for title, picture in pictures if picture]
    else:
        context["notes"].append("There is no metric of prediction: the scatter plot is left out.")
    families = experiment.table("rank", "families.tsv")
    if families is not None and not families.empty:
        context["families"] = family_table(families, x_label)
    context["prediction"] = prediction_table(experiment.table("rank", "prediction.tsv"), panel["candidate"].tolist())
    context["disagreement"] = disagreement_section.section(experiment, {r["candidate"]: r["words"] for r in records})
    context["ranks"] = rank_figure(records)
    if verdict.get("status") == "none":
        context["notes"].append("No candidate passed, so none has a rank.")
    context["panel"] = panel_table(panel, records, experiment.table("rank", "differences.tsv"), x_label)
    context["legend"] = legend(experiment.candidates, records)
    return context


def links(experiment: Experiment) -> list[tuple[str, str]]:
    """List the files of the ranking that are there."""
    names = ("panel.tsv", "ranking.tsv", "families.tsv", "differences.tsv", "prediction.tsv", "disagreement.tsv")
    names += ("verdict.json", "pareto.png")
    return [(name, link) for name in names if (link := experiment.link("rank", name))]


def prediction_label(config: dict) -> str:
    """Name the validation metric on the horizontal axis."""
    if only_maps(config):
        return config.get("scores", {}).get("metric", "prediction")
    return "validation AUROC" if config.get("target") == "binary" else "validation Pearson r"


def joined(panel: pd.DataFrame | None, ranking: pd.DataFrame | None) -> pd.DataFrame | None:
    """Join panel and ranking on the candidate, best first; what both hold is taken from the ranking."""
    frames = [
        frame.rename(columns={"id": "candidate"}) for frame in (ranking, panel) if frame is not None and not frame.empty
    ]
    if not frames:
        return None
    result = frames[0]
    for other in frames[1:]:
        fresh = [name for name in other.columns if name == "candidate" or name not in result]
        # An outer join sorts by the candidates' names; what is set aside stays in the order of the ranking.
        order = list(dict.fromkeys([*result["candidate"], *other["candidate"]]))
        result = result.merge(other[fresh], on="candidate", how="outer").set_index("candidate").loc[order].reset_index()
    if "rank" in result:
        result = result.sort_values("rank", kind="stable", na_position="last")
    return result.reset_index(drop=True)


def chosen_ids(verdict: dict) -> list[str]:
    """Return the candidates whose maps are delivered, as the verdict names them."""
    return [str(name) for name in verdict.get("chosen") or []]


def describe(panel: pd.DataFrame, candidates: list[dict], verdict: dict, x_label: str) -> list[dict]:
    """Give each row of the panel its looks, its state in words and the lines of its tip."""
    looks = appearance(candidates)
    chosen, front = set(chosen_ids(verdict)), set(verdict.get("front") or [])
    inseparable = set(verdict.get("inseparable") or [])
    shown = [("prediction", x_label)] + [(name, label_of(name)) for name in DRAWN if name in criteria_of(panel)]
    records = []
    for row in panel.to_dict("records"):
        name = str(row["candidate"])
        state, reason = state_and_reason(row)
        flags = ["not separable from the best"] if name in inseparable else []
        flags += ["on the Pareto front"] if name in front else []
        flags = ["delivered", *flags] if name in chosen else flags
        words = [*([f"{state}: {reason}" if reason else state] if state else []), *flags]
        lines = [name, "; ".join(words)]
        if math.isfinite(as_float(row.get("rank"))):
            lines.append(f"rank {interval(row['rank'], *ends(row, 'rank'), decimals=0)}")
        for column, label in shown:
            if math.isfinite(as_float(row.get(column))):
                lines.append(f"{label} {interval(row[column], *ends(row, column))}")
        records.append(
            {
                "candidate": name,
                "row": row,
                "kind": KINDS.get(str(row.get("status")), "candidate"),
                "words": "; ".join(words) or "compared",
                "state": "; ".join([*([state] if state else []), *flags]) or "compared",
                "reason": reason,
                "chosen": name in chosen,
                "look": looks.get(name, (0, 0)),
                "lines": tuple(line for line in lines if line),
            }
        )
    return records


def state_and_reason(row: dict) -> tuple[str, str]:
    """Say that a row of the ranking does not compete, and why; nothing for a candidate that does."""
    status = str(row.get("status", "passed"))
    if status == "control":
        return f"control: {str(row.get('control', '')).replace('_', ' ')}", ""
    if status not in STATE_WORDS:
        return "", ""
    reason = row.get("reason")
    return STATE_WORDS[status], reason if isinstance(reason, str) else ""


def criterion_scatter(records: list[dict], criterion: str, x_label: str) -> str:
    """Draw one criterion against prediction; empty text when no candidate has both."""
    points = [
        Point(
            key=record["candidate"],
            x=as_float(record["row"].get("prediction")),
            y=as_float(record["row"].get(criterion)),
            x_interval=ends(record["row"], "prediction"),
            y_interval=ends(record["row"], criterion),
            colour=record["look"][0],
            shape=record["look"][1],
            kind=record["kind"],
            chosen=record["chosen"],
            lines=tip_lines(record, criterion, x_label),
        )
        for record in records
    ]
    if not any(math.isfinite(p.x) and math.isfinite(p.y) for p in points):
        return ""
    competing = [(point.x, point.y) for point in points if point.kind == "candidate"]
    return scatter(points, x_label=x_label, y_label=label_of(criterion), front=pareto_front(competing))


def tip_lines(record: dict, criterion: str, x_label: str) -> tuple[str, ...]:
    """Return what the tip of a mark says: everything beside the score, else the two values that are drawn."""
    if criterion == "score":
        return record["lines"]
    row = record["row"]
    said = [(x_label, "prediction"), (label_of(criterion), criterion)]
    values = [f"{label} {interval(row.get(name), *ends(row, name))}" for label, name in said]
    return tuple(line for line in (record["candidate"], record["words"], *values) if line)


def pareto_front(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points that no other equals or surpasses in both values and surpasses in one."""
    usable = [point for point in points if all(map(math.isfinite, point))]
    return [(x, y) for x, y in usable if not any(a >= x and b >= y and (a > x or b > y) for a, b in usable)]


def rank_figure(records: list[dict]) -> str:
    """Draw each ranked candidate's rank with its interval, and how often it is delivered; empty without ranks."""
    ranked = [record for record in records if math.isfinite(as_float(record["row"].get("rank")))]
    rows = [
        Point(
            key=record["candidate"],
            x=as_float(record["row"]["rank"]),
            y=0.0,
            x_interval=ends(record["row"], "rank"),
            colour=record["look"][0],
            shape=record["look"][1],
            kind=record["kind"],
            lines=record["lines"],
        )
        for record in ranked
    ]
    shares = [percent(record["row"].get("top_share")) for record in ranked]
    words = {
        "x_label": "rank (1 is best), with its 95 % interval over resampled regions",
        "notes_label": "delivered in",
    }
    return intervals(rows, **words, low=0.5, whole=True, notes=shares) if rows else ""


def legend(candidates: list[dict], records: list[dict]) -> dict:
    """List recipes with their colours and architectures with their shapes, in the order of the grid.

    A recipe of which no candidate competes is drawn in grey everywhere: it has no colour here either (None).
    """
    looks = appearance(candidates)
    shown = {record["candidate"] for record in records}
    coloured = {record["look"][0] for record in records if record["kind"] == "candidate"}
    kept = [candidate for candidate in candidates if candidate["id"] in shown]
    recipes = {candidate.get("recipe"): looks[candidate["id"]][0] for candidate in kept}
    return {
        "recipes": [(name, colour if colour in coloured else None) for name, colour in recipes.items()],
        "architectures": list({c.get("architecture"): looks[c["id"]][1] for c in kept}.items()),
    }
