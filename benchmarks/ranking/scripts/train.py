"""Train one slice of a population."""

from pathlib import Path

from rankbench.store import train_chunk

train_chunk(
    snakemake.params.part,
    snakemake.wildcards.population,
    int(snakemake.wildcards.first),
    int(snakemake.wildcards.end),
    Path(snakemake.output.maps).parent,
)
