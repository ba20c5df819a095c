"""Train one candidate (or, for the random-weight control, only make it)."""

from pathlib import Path

from lucidna.runtime import script
from lucidna.training.run import train_candidate

with script(snakemake):
    train_candidate(
        snakemake.params.candidate,
        Path(snakemake.input[0]).parent,
        Path(snakemake.output.model).parent,
        threads=snakemake.threads,
    )
