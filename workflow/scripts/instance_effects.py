"""Ablate hits, put patterns into null sequences and look at pairs, with the networks that the maps explain."""

from pathlib import Path

from lucidna.attribution.hdf5 import AttributionFile
from lucidna.external.store import load_candidate
from lucidna.files import read_json
from lucidna.motifs.effect_tables import EffectSettings
from lucidna.motifs.effects import instance_effects
from lucidna.runtime import script

with script(snakemake):
    params, wildcards = snakemake.params, snakemake.wildcards
    train = Path(snakemake.input.dataset).parents[1] / "train"
    with AttributionFile(snakemake.input.maps) as maps:
        members = maps.attributes["candidates"]
    instance_effects(
        [(name, load_candidate(train / name)) for name in members],
        snakemake.input.maps,
        snakemake.input.regions,
        Path(snakemake.output.summary).parent,
        head=wildcards.head,
        task=read_json(snakemake.input.dataset)["tasks"].index(wildcards.task),
        settings=EffectSettings(**params.settings),
        fdr=params.fdr,
        trim=params.trim,
        seed=params.seed,
        batch_size=params.batch_size,
        threads=snakemake.threads,
    )
