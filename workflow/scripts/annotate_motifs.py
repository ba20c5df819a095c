"""Label the patterns against their null, match them with a database and call their instances."""

from pathlib import Path

from lucidna.motifs.run import annotate
from lucidna.runtime import script

with script(snakemake):
    settings = snakemake.params.motifs
    annotate(
        snakemake.input.maps,
        snakemake.input.regions,
        snakemake.input.patterns,
        Path(snakemake.output.summary).parent,
        null_attributions=snakemake.input.null_maps,
        null_modisco=snakemake.input.null_patterns,
        database=settings["database"],
        expected=settings["expected"],
        fdr=settings["fdr"],
        lambda_=settings["hits"]["lambda"],
        trim=settings["hits"]["trim"],
        threads=snakemake.threads,
    )
