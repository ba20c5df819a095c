"""Enter fakes among the networks of one population."""

from lucidna.files import write_tsv
from rankbench.fooled import fooled_table, shared_table
from rankbench.store import read_population

config = snakemake.config
population = read_population(config, snakemake.wildcards.population, snakemake.params.folders)
write_tsv(snakemake.output.shared, shared_table(population, config["fooled"]))
write_tsv(snakemake.output.fooled, fooled_table(population, config["fooled"]))
