"""Write the mean and the spread of contributions as bigWigs."""

from lucidna.attribution.bigwig import write_bigwigs
from lucidna.files import read_json
from lucidna.runtime import script

with script(snakemake):
    write_bigwigs(
        snakemake.input.maps,
        snakemake.input.regions,
        chromosome_sizes=read_json(snakemake.input.checked)["sizes"],
        mean_path=snakemake.output.mean,
        spread_path=snakemake.output.spread,
    )
