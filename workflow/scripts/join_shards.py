"""Average the chosen candidates' maps over all shares of the regions."""

from pathlib import Path

from lucidna.attribution.members import members_of
from lucidna.attribution.shards import join_shards
from lucidna.dataset import Dataset
from lucidna.files import read_json, read_tsv, write_json
from lucidna.runtime import script

with script(snakemake):
    params, wildcards = snakemake.params, snakemake.wildcards
    members = members_of(params.models, read_json(snakemake.input.verdict), known=list(params.folds))
    data = Path(snakemake.input[0]).parent
    summary = join_shards(
        snakemake.input.shards,
        members,
        Dataset.open(data),
        method=wildcards.method,
        task=wildcards.task,
        head=wildcards.head,
        out_h5=snakemake.output.maps,
        out_bed=snakemake.output.regions,
        arguments=params.arguments,
        regions=params.regions,
        splits={name: read_tsv(data / "folds" / f"{params.folds[name]}.tsv")["split"].to_numpy() for name in members},
        average=params.average,
        null=int(wildcards.null[4:-1]) if wildcards.null else None,
        seed=params.seed,
    )
    write_json(snakemake.output.summary, summary)
