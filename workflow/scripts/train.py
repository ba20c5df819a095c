"""Train one candidate (or, for the random-weight control, only make it)."""

from pathlib import Path

from lucidna.runtime import script
from lucidna.training.run import train_candidate

with script(snakemake):
    distillation = snakemake.input.distillation
    train_candidate(
        snakemake.params.candidate,
        Path(snakemake.input[0]).parent,
        Path(snakemake.output.model).parent,
        threads=snakemake.threads,
        distillation=distillation[0] if distillation else None,
        members=[Path(path).parent for path in snakemake.input.members],
    )
