"""Make the maps of the chosen candidates with one method, over peaks or over their shuffled sequences."""

from pathlib import Path

from lucidna.attribution.members import members_of
from lucidna.attribution.run import attribute
from lucidna.dataset import Dataset
from lucidna.external.store import load_candidate
from lucidna.files import read_json, read_tsv, write_json
from lucidna.runtime import script

with script(snakemake):
    params, wildcards = snakemake.params, snakemake.wildcards
    members = members_of(params.models, read_json(snakemake.input.verdict), known=list(params.folds))
    train, data = Path(snakemake.input.verdict).parents[1] / "train", Path(snakemake.input[0]).parent
    splits = {name: read_tsv(data / "folds" / f"{params.folds[name]}.tsv")["split"].to_numpy() for name in members}
    summary = attribute(
        [(name, load_candidate(train / name)) for name in members],
        Dataset.open(data),
        method=wildcards.method,
        task=wildcards.task,
        head=wildcards.head,
        out_h5=snakemake.output.maps,
        out_bed=snakemake.output.regions,
        arguments=params.arguments,
        regions=params.regions,
        splits=splits,
        average=params.average,
        null=int(wildcards.null[4:-1]) if wildcards.null else None,
        seed=params.seed,
        batch_size=params.batch_size,
        threads=snakemake.threads,
    )
    write_json(snakemake.output.summary, summary)
