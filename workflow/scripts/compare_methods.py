"""Correlate the maps of the attribution methods, region by region."""

from lucidna.attribution.agreement import method_agreement, region_agreement
from lucidna.files import write_tsv
from lucidna.runtime import script

with script(snakemake):
    paths = dict(zip(snakemake.params.methods, snakemake.input.maps, strict=True))
    write_tsv(snakemake.output.pairs, method_agreement(paths, seed=snakemake.params.seed))
    write_tsv(snakemake.output.regions, region_agreement(paths))
