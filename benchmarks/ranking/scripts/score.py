"""Rank one population, and compare every score with the truth."""

import pandas as pd

from lucidna.files import write_tsv
from rankbench.correlation import correlation_table
from rankbench.cost import cost_table
from rankbench.probed import probed_table
from rankbench.scores import panel_of
from rankbench.selection import selection_table
from rankbench.store import read_models, read_population

config, output = snakemake.config, snakemake.output
population = read_population(config, snakemake.wildcards.population, snakemake.params.folders)
panel, _ = panel_of(population)
models = read_models(config, population)
panel = pd.concat([panel, probed_table(models, population, population.ranked)], axis=1)
candidates = panel[panel["role"] == "candidate"].reset_index(drop=True)
write_tsv(output.correlation, correlation_table(candidates, bootstraps=config["bootstraps"]))
write_tsv(output.selection, selection_table(candidates, population))
write_tsv(output.cost, cost_table(population))
write_tsv(output.panel, panel)
