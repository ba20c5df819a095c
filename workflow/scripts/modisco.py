"""Run TF-MoDISco on maps, their permuted positions or a share of them, in a shuffled order that is recorded."""

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
        share=snakemake.params.get("share", 1.0),
        few=snakemake.params.get("share") is not None,
        threads=snakemake.threads,
    )
