"""Correlate the maps of the attribution methods, region by region."""

from lucidna.attribution.agreement import method_agreement
from lucidna.files import write_tsv
from lucidna.runtime import script

with script(snakemake):
    paths = dict(zip(snakemake.params.methods, snakemake.input.maps, strict=True))
    write_tsv(snakemake.output[0], method_agreement(paths, seed=snakemake.params.seed))
