"""What the two rules that rank have in common: their settings from the configuration, and the files they leave."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lucidna.ranking.figure import write_pareto
from lucidna.ranking.tables import Ranking

log = logging.getLogger(__name__)


def ranking_arguments(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the `ranking` part of a validated configuration into arguments of `rank.rank_networks`."""
    return {
        "objective": settings["objective"],
        "top": settings["top"],
        "margin": settings["gate"]["margin"],
        "quantile": settings["veto"]["quantile"],
        "consistency": settings["consistency"],
        "bootstraps": settings["bootstraps"],
        "seed": settings["seed"],
    }


def write_ranking(ranking: Ranking, folder: str | Path) -> None:
    """Write the tables, the verdict and the picture of a ranking into a folder, and log what the verdict says."""
    folder = Path(folder)
    ranking.write(folder)
    write_pareto(folder / "pareto.png", ranking.ranking, metric=ranking.metric)
    log.info("verdict: %s", ranking.verdict["text"])
