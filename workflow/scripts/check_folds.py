"""Check that every fold has regions to train, validate and test on."""

from lucidna.files import read_json, read_tsv, write_json
from lucidna.folds import FEWEST_VALID, assign
from lucidna.runtime import script

with script(snakemake):
    rows = read_tsv(snakemake.input.rows)
    sizes = read_json(snakemake.input.inputs).get("sizes")
    splits = assign(rows, snakemake.params.folds, sizes, seed=snakemake.params.seed, fewest_valid=FEWEST_VALID)
    write_json(snakemake.output[0], list(splits))
