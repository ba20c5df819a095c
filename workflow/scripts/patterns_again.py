"""Run TF-MoDISco on the maps of one method, or on those of each candidate in a folder."""

from lucidna.motifs.again import discover_again
from lucidna.motifs.discover import Widths
from lucidna.runtime import script

with script(snakemake):
    settings = snakemake.params.motifs
    discover_again(
        snakemake.input.maps,
        snakemake.output[0],
        seqlets=settings["seqlets"],
        window=settings["window"],
        leiden=settings["leiden"],
        widths=Widths(**settings["widths"]),
        seed=settings["seed"],
        threads=snakemake.threads,
    )
