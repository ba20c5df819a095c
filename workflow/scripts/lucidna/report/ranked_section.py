"""The page of maps that were ranked without data and grid: verdict, ranking and provenance alone."""

from __future__ import annotations

from markupsafe import Markup

from lucidna.report import summary_section
from lucidna.report.collect import Experiment

ADVICE = Markup("Give maps of more networks, or of better trained ones, and run again.")


def section(experiment: Experiment, ranking: dict) -> dict:
    """Collect the context of the page's top."""
    context = summary_section.section(experiment, ranking, {"failed": []}, {"blocks": []}, unmapped="")
    advice = [ADVICE] if context["advice"] else []
    return {**context, "remark": "", "advice": advice}
