"""Join one table of all populations of a stage."""

from pathlib import Path

from lucidna.files import read_tsv
from rankbench.tables import collect, header_of, seconds_of

inputs, stage = snakemake.input, snakemake.wildcards.stage
training = sum(read_tsv(path)["seconds"].sum() for path in inputs.networks)
header = header_of(snakemake.config, stage=stage, training=training, scoring=seconds_of(inputs.benchmarks))
parts = dict(zip(snakemake.params.populations, map(Path, inputs.parts), strict=True))
collect(parts, Path(snakemake.output[0]), header=header)
