"""Label the patterns against their null, match them with a database and call their instances."""

from pathlib import Path

from lucidna.motifs.again import runs_of
from lucidna.motifs.run import annotate
from lucidna.runtime import script

with script(snakemake):
    settings, source = snakemake.params.motifs, snakemake.input
    annotate(
        source.maps,
        source.regions,
        source.patterns,
        Path(snakemake.output.summary).parent,
        null_attributions=source.null_maps,
        null_modisco=source.null_patterns,
        permuted_modisco=source.permuted_patterns,
        fewer=dict(zip(snakemake.params.shares, source.fewer, strict=True)),
        runs=runs_of(source.members, source.methods, source.outputs),
        candidates=snakemake.params.candidates,
        database=settings["database"],
        expected=settings["expected"],
        fdr=settings["fdr"],
        lambda_=settings["hits"]["lambda"],
        trim=settings["hits"]["trim"],
        threads=snakemake.threads,
    )
