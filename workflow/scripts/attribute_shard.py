"""Make the maps of one share of the regions, network by network."""

from pathlib import Path

from lucidna.attribution.members import members_of
from lucidna.attribution.shards import attribute_shard
from lucidna.dataset import Dataset
from lucidna.external.store import load_candidate
from lucidna.files import read_json, read_tsv
from lucidna.runtime import script

with script(snakemake):
    params, wildcards = snakemake.params, snakemake.wildcards
    members = members_of(params.models, read_json(snakemake.input.verdict), known=list(params.folds))
    train, data = Path(snakemake.input.verdict).parents[1] / "train", Path(snakemake.input[0]).parent
    shard, shards = map(int, wildcards.scatteritem.split("-of-"))
    attribute_shard(
        [(name, load_candidate(train / name)) for name in members],
        Dataset.open(data),
        snakemake.output[0],
        shard=shard - 1,
        shards=shards,
        method=wildcards.method,
        task=wildcards.task,
        head=wildcards.head,
        arguments=params.arguments,
        regions=params.regions,
        splits={name: read_tsv(data / "folds" / f"{params.folds[name]}.tsv")["split"].to_numpy() for name in members},
        average=params.average,
        null=int(wildcards.null[4:-1]) if wildcards.null else None,
        seed=params.seed,
        batch_size=params.batch_size,
        threads=snakemake.threads,
    )
