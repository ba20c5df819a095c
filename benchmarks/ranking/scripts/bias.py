"""Compare the scores that might see a bias shared by all networks of one population."""

from lucidna.files import read_tsv, write_tsv
from rankbench.shared_bias import bias_columns, bias_table
from rankbench.store import read_population

config = snakemake.config
population = read_population(config, snakemake.wildcards.population, snakemake.params.folders)
panel = read_tsv(snakemake.input.panel)
candidates = panel[panel["role"] == "candidate"].reset_index(drop=True)
columns = bias_columns(config, population, candidates)
write_tsv(snakemake.output[0], bias_table(columns, population, bootstraps=config["bootstraps"]))
