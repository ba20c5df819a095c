"""Join the regions with their split in every fold: the table of record."""

from lucidna.files import read_tsv, write_tsv
from lucidna.prepare import regions_table
from lucidna.runtime import script

with script(snakemake):
    folds = {name: read_tsv(path) for name, path in zip(snakemake.params.folds, snakemake.input.folds, strict=True)}
    write_tsv(snakemake.output[0], regions_table(read_tsv(snakemake.input.rows), folds))
