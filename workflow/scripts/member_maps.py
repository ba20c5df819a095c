"""Make the maps of each chosen candidate alone, over a sample of the peaks."""

from pathlib import Path

from lucidna.attribution.each import attribute_each
from lucidna.attribution.members import members_of
from lucidna.dataset import Dataset
from lucidna.external.store import load_candidate
from lucidna.files import read_json, read_tsv
from lucidna.runtime import script

with script(snakemake):
    params, wildcards = snakemake.params, snakemake.wildcards
    members = members_of(params.models, read_json(snakemake.input.verdict), known=list(params.folds))
    train, data = Path(snakemake.input.verdict).parents[1] / "train", Path(snakemake.input[0]).parent
    attribute_each(
        {name: train / name for name in members},
        load_candidate,
        Dataset.open(data),
        snakemake.output[0],
        method=params.method,
        task=wildcards.task,
        head=wildcards.head,
        arguments=params.arguments,
        regions=params.regions,
        splits={name: read_tsv(data / "folds" / f"{params.folds[name]}.tsv")["split"].to_numpy() for name in members},
        average=params.average,
        seed=params.seed,
        batch_size=params.batch_size,
        threads=snakemake.threads,
    )
