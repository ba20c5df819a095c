"""Take over a network that was trained elsewhere: a candidate's folder without a training."""

from pathlib import Path

from lucidna.external.adopt import adopt_network
from lucidna.runtime import script

with script(snakemake):
    adopt_network(
        snakemake.params.candidate,
        Path(snakemake.input[0]).parent,
        Path(snakemake.output.model).parent,
        threads=snakemake.threads,
    )
