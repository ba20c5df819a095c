"""Join the tables of all populations of one stage."""

from pathlib import Path

from lucidna.files import read_tsv
from rankbench.tables import collect, header_of, seconds_of

config, stage = snakemake.config, snakemake.wildcards.stage
training = sum(read_tsv(path)["seconds"].sum() for path in snakemake.input.networks)
header = header_of(config, stage=stage, training=training, scoring=seconds_of(snakemake.input.benchmarks))
for target in map(Path, snakemake.output):
    populations = snakemake.params.populations[target.stem]
    collect({name: Path(config["work"]) / name / target.name for name in populations}, target, header=header)
