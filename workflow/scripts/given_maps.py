"""Check the maps that a user brings, and write them as an attribution file with its regions."""

from lucidna.external.given import write_given
from lucidna.files import write_json
from lucidna.genome import open_genome
from lucidna.runtime import script

with script(snakemake):
    genome = snakemake.params.genome
    summary = write_given(
        snakemake.params.name,
        snakemake.params.entry,
        snakemake.output.maps,
        snakemake.output.regions,
        genome=None if genome is None else open_genome(genome["fasta"], aliases=genome["aliases"]),
        shuffled=bool(snakemake.wildcards.null),
    )
    write_json(snakemake.output.summary, summary)
