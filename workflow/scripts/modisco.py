"""Run TF-MoDISco on maps or on their permuted positions, regions in a shuffled order that is recorded."""

from lucidna.motifs.discover import Widths, run_modisco
from lucidna.runtime import script

with script(snakemake):
    settings = snakemake.params.motifs
    run_modisco(
        snakemake.input.maps,
        snakemake.output[0],
        seqlets=settings["seqlets"],
        window=settings["window"],
        leiden=settings["leiden"],
        widths=Widths(**settings["widths"]),
        seed=settings["seed"],
        permute=snakemake.params.get("permute"),
        threads=snakemake.threads,
    )
