"""Probe the stability and the faithfulness of a candidate's maps on its fold's validation peaks."""

from pathlib import Path

from lucidna.external.store import load_candidate
from lucidna.processor import use_processor
from lucidna.ranking.probes.run import probe_candidate
from lucidna.runtime import script

with script(snakemake) as log:
    use_processor(snakemake.threads)
    probes = probe_candidate(
        snakemake.params.candidate,
        Path(snakemake.input.metrics).parent,
        Path(snakemake.input[0]).parent,
        [Path(path) for path in snakemake.input.regions],
        load=load_candidate,
        head=snakemake.params.head,
        settings=snakemake.params.settings,
        seed=snakemake.params.seed,
    )
    probes.save(snakemake.output[0])
