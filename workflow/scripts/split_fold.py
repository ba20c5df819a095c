"""Say for every region whether a fold trains, validates or tests on it."""

from lucidna.files import read_json, read_tsv, write_tsv
from lucidna.folds import assign
from lucidna.runtime import script

with script(snakemake):
    rows = read_tsv(snakemake.input.rows)
    sizes = read_json(snakemake.input.inputs).get("sizes")
    splits = assign(rows, {snakemake.wildcards.fold: snakemake.params.fold}, sizes, seed=snakemake.params.seed)
    table = rows[["region_id"]].assign(split=splits[snakemake.wildcards.fold])
    write_tsv(snakemake.output[0], table)
