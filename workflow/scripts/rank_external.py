"""Rank candidates of which only maps are given, and write the verdict."""

from pathlib import Path

from lucidna.external.maps import rank_maps
from lucidna.ranking.figure import write_pareto
from lucidna.runtime import script

with script(snakemake) as log:
    settings = snakemake.params.ranking
    folder = Path(snakemake.output.panel).parent
    ranking = rank_maps(
        snakemake.params.external,
        scores=snakemake.params.scores,
        regions=settings["regions"],
        scratch=folder,
        objective=settings["objective"],
        top=settings["top"],
        margin=settings["gate"]["margin"],
        quantile=settings["veto"]["quantile"],
        consistency=settings["consistency"],
        bootstraps=settings["bootstraps"],
        seed=settings["seed"],
    )
    ranking.write(folder)
    write_pareto(snakemake.output.pareto, ranking.ranking, metric=ranking.metric)
    log.info("verdict: %s", ranking.verdict["text"])
