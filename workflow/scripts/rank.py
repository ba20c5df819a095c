"""Rank the candidates on validation regions and write the verdict."""

from pathlib import Path

from lucidna.dataset import Dataset
from lucidna.ranking.figure import write_pareto
from lucidna.ranking.panel import rank_experiment
from lucidna.runtime import script

with script(snakemake) as log:
    settings = snakemake.params.ranking
    folder = Path(snakemake.output.panel).parent
    ranking = rank_experiment(
        snakemake.params.candidates,
        folder.parent / "train",
        folder / "maps",
        Dataset.open(folder.parent / "data"),
        probes_dir=folder / "probes" if settings["probes"]["regions"] else None,
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
