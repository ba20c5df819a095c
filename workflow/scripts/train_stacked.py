"""Train the seeds of one architecture, recipe and fold together."""

from pathlib import Path

from lucidna.runtime import script
from lucidna.training.stacked import train_stacked

with script(snakemake):
    train_stacked(
        snakemake.params.candidates,
        Path(snakemake.input[0]).parent,
        [Path(path).parent for path in snakemake.output.model],
        threads=snakemake.threads,
    )
