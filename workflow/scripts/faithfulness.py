"""Measure whether the averaged maps of every method say what the networks do."""

from pathlib import Path

from lucidna.attribution.members import members_of
from lucidna.dataset import Dataset
from lucidna.external.store import load_candidate
from lucidna.faithfulness.run import measure_faithfulness
from lucidna.files import read_json
from lucidna.processor import use_processor
from lucidna.runtime import script

with script(snakemake):
    use_processor(snakemake.threads)
    params = snakemake.params
    train = Path(snakemake.input.verdict).parents[1] / "train"
    members = members_of(params.models, read_json(snakemake.input.verdict), known=params.known)
    measure_faithfulness(
        dict(zip(params.methods, snakemake.input.maps, strict=True)),
        [(name, load_candidate(train / name)) for name in members],
        tasks=Dataset.open(Path(snakemake.input[0]).parent).info["tasks"],
        out_dir=Path(snakemake.output.table).parent,
        batch_size=params.batch_size,
        seed=params.seed,
        **params.sample,
    )
