"""Draw the validation peaks of a fold on which all its candidates' maps are compared."""

from pathlib import Path

from lucidna.dataset import Dataset
from lucidna.files import write_tsv
from lucidna.ranking.maps import choose_regions
from lucidna.runtime import script

with script(snakemake):
    dataset = Dataset.open(Path(snakemake.input[0]).parent, fold=snakemake.wildcards.fold)
    rows = choose_regions(dataset, n=snakemake.params.n, seed=snakemake.params.seed)
    table = dataset.rows.iloc[rows][["region_id"]].assign(row=rows)
    write_tsv(snakemake.output[0], table)
