"""Measure how few references and regions are enough for one population."""

from lucidna.files import write_tsv
from rankbench.sizes import size_table
from rankbench.store import read_population

config = snakemake.config
population = read_population(config, snakemake.wildcards.population, snakemake.params.folders)
write_tsv(snakemake.output[0], size_table(population, config["references"], bootstraps=config["bootstraps"]))
