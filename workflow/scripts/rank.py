"""Rank the candidates on validation regions and write the verdict."""

from pathlib import Path

from lucidna.dataset import Dataset
from lucidna.ranking.panel import rank_experiment
from lucidna.ranking.stage import ranking_arguments, write_ranking
from lucidna.runtime import script

with script(snakemake):
    settings = snakemake.params.ranking
    folder = Path(snakemake.output.panel).parent
    ranking = rank_experiment(
        snakemake.params.candidates,
        folder.parent / "train",
        folder / "maps",
        Dataset.open(folder.parent / "data"),
        probes_dir=folder / "probes" if settings["probes"]["regions"] else None,
        shuffled_dir=folder / "shuffled" if settings["shuffled"] else None,
        **ranking_arguments(settings),
    )
    write_ranking(ranking, folder)
