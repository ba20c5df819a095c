"""Enter fakes one by one among the networks of one population."""

from lucidna.files import write_tsv
from rankbench.fooled import fooled_table
from rankbench.store import read_population

config = snakemake.config
population = read_population(config, snakemake.wildcards.population, snakemake.params.folders)
write_tsv(snakemake.output[0], fooled_table(population, snakemake.params.settings))
