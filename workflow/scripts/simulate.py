"""Write a genome, peaks and a track with a known answer."""

from pathlib import Path

from lucidna.runtime import script
from lucidna.simulate import simulate

with script(snakemake):
    simulate(Path(snakemake.output.genome).parent, **snakemake.params.simulate)
