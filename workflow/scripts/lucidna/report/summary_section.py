"""The top of the page: what the verdict says, why, what to do when it chooses nothing, and the key numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from markupsafe import Markup, escape

from lucidna.report.collect import Experiment
from lucidna.report.numbers import count
from lucidna.report.ranking_section import STATE_WORDS, chosen_ids

TONES = {"chosen": "good", "cannot separate": "fair", "none": "poor"}
HEADINGS = {"chosen": "Chosen", "cannot separate": "Cannot separate", "none": "No candidate was chosen"}
MAPS_OF_OTHERS = Markup(
    "The maps and motifs below are those of the candidates that <code>attribution.models</code> names: the verdict "
    "supports none of them."
)
#: Most candidates whose reason is listed at the top; the panel has all.
MOST_REASONS = 8


def section(experiment: Experiment, ranking: dict, training: dict, motifs: dict, *, unmapped: str) -> dict:
    """Collect the context of the section.

    Parameters
    ----------
    ranking, training, motifs : dict
        The contexts of these sections.
    unmapped : str
        Why there is no attribution map; empty when there are some.

    Returns
    -------
    dict
        status (the heading), tone, text, remark (when maps of candidates that were not chosen are shown), reasons
        (id and why it is out; only when nothing was chosen) and how many more there are, advice (what to do then),
        numbers and notes.
    """
    verdict = ranking["verdict"]
    status = str(verdict.get("status", ""))
    nothing = status == "none"
    reasons = reasons_against(verdict) if nothing else []
    ids = [str(candidate["id"]) for candidate in experiment.candidates]
    return {
        "status": HEADINGS.get(status, status),
        "tone": TONES.get(status, "fair"),
        "text": with_ids(str(verdict.get("text", "")), ids),
        "reasons": reasons[:MOST_REASONS],
        "unlisted": len(reasons[MOST_REASONS:]),
        "remark": MAPS_OF_OTHERS if nothing and not unmapped else "",
        "advice": advice(verdict, unmapped=bool(unmapped)) if nothing else [],
        "numbers": key_numbers(experiment, verdict, training, motifs),
        "notes": [str(notice) for notice in verdict.get("notices") or []],
    }


def reasons_against(verdict: dict) -> list[tuple[str, str]]:
    """List each candidate that was set aside with the reason that the verdict gives."""
    return [
        (str(entry.get("id", "")), f"{words}: {entry.get('reason') or 'no reason was recorded'}")
        for status, words in STATE_WORDS.items()
        for entry in verdict.get(status) or []
    ]


def advice(verdict: dict, *, unmapped: bool) -> list[Markup]:
    """Say what can be done when no candidate was chosen."""
    if verdict.get("failed") and not verdict.get("gated") and not verdict.get("vetoed"):
        return [Markup("Mend what the reasons above name, and run again.")]
    more = Markup(
        "Train more: raise <code>grid.trainer.max_epochs</code>, or add <code>grid.seeds</code>, recipes or "
        "architectures, and run again. Added seeds, recipes and architectures leave what is already trained as it is."
    )
    if not unmapped:
        return [more]
    look = Markup(
        "Or look all the same: name candidates in <code>attribution.models</code>, by the ids above or in the panel, "
        "and run again. Only maps, motifs and this page are then made anew, and the page keeps saying that the "
        "verdict supports none of them."
    )
    return [more, look]


def with_ids(text: str, ids: Sequence[str]) -> Markup:
    """Escape a text and set the candidate ids in it in a fixed-width face."""
    if not ids:
        return escape(text)
    # Longer ids first: one may begin with another.
    pattern = "|".join(re.escape(name) for name in sorted(ids, key=len, reverse=True))
    # Whole words alone: an id may be a single letter.
    parts = re.split(rf"(?<![\w.-])({pattern})(?![\w-])", text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part) for place, part in enumerate(parts)
    )


def key_numbers(experiment: Experiment, verdict: dict, training: dict, motifs: dict) -> list[tuple[str, str]]:
    """Gather the numbers that stand under the verdict."""
    kinds = [candidate.get("control", "none") for candidate in experiment.candidates]
    bias = kinds.count("bias")  # not ranked, so not among the controls that the verdict counts
    controls = len(kinds) - kinds.count("none") - bias
    numbers = [("candidates", count(kinds.count("none")))]
    numbers += [(name, count(number)) for name, number in (("controls", controls), ("bias controls", bias)) if number]
    if training["failed"]:
        numbers.append(("failed", count(len(training["failed"]))))
    numbers.append(("delivered", count(len(chosen_ids(verdict)))))
    regions = experiment.table("data", "rows.tsv")
    if regions is not None and "role" in regions:
        amounts = regions["role"].value_counts()
        # "peaks" before "negatives".
        numbers += [(f"{role}s", count(amounts[role])) for role in sorted(amounts.index, reverse=True)]
    return numbers + motif_numbers(motifs)


def motif_numbers(motifs: dict) -> list[tuple[str, str]]:
    """Sum patterns and hits over tasks and heads."""
    totals: dict[str, float] = {}
    for block in motifs["blocks"]:
        for name, value in block["numbers"].items():
            totals[name] = totals.get(name, 0) + value
    return [(name, count(value)) for name, value in totals.items() if math.isfinite(value)]
