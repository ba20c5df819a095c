"""The top of the page when the maps were made elsewhere: what was done with them, and what cannot be."""

from __future__ import annotations

from typing import Any

from lucidna.external.given_settings import METHOD
from lucidna.report.collect import Experiment
from lucidna.report.numbers import count, sentence
from lucidna.report.summary_section import motif_numbers

LEFT_OUT = (
    "No network is at hand, so what takes one is left out: training and ranking, the test split, how far methods and "
    "networks agree, faithfulness of the maps, what instances do to a prediction (ablation, global importance, pairs), "
    "and variants."
)


def section(experiment: Experiment, motifs: dict) -> dict:
    """Collect the context of the section.

    Parameters
    ----------
    motifs : dict
        The context of the sections on motifs and hits.
    """
    records = summaries(experiment)
    sizes = [record["n_regions"] for record in records if not record["shuffled"]]
    numbers = [("sets of maps", count(len(sizes))), ("maps", count(sum(sizes)))]
    return {
        "status": "Maps made elsewhere",
        "tone": "fair",
        "text": f"Patterns and their instances in maps that were given. {LEFT_OUT}",
        "reasons": [],
        "unlisted": 0,
        "remark": "",
        "advice": [],
        "numbers": numbers + motif_numbers(motifs),
        "notes": [sentence(notice) for record in records for notice in record["notices"]],
    }


def summaries(experiment: Experiment) -> list[dict[str, Any]]:
    """Read what is recorded of every set of maps and, below it, of its maps of shuffled sequences."""
    found = []
    for task, head in experiment.pairs("attribute"):
        for name in (f"{METHOD}.summary.json", f"null0.{METHOD}.summary.json"):
            record = experiment.document("attribute", task, head, name)
            found += [] if record is None else [record]
    return found


def sources(experiment: Experiment) -> dict[str, str]:
    """Return the SHA-256 of every file of maps, sequences and regions."""
    return {path: digest for record in summaries(experiment) for path, digest in record["sources"].items()}
