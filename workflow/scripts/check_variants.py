"""Read the VCF against the genome before the networks are asked, and before earlier results are removed."""

from lucidna.files import write_json
from lucidna.genome import open_genome
from lucidna.runtime import script
from lucidna.variants.vcf import longest_allele, read_variants

with script(snakemake):
    params = snakemake.params
    genome = open_genome(snakemake.input.genome[0], aliases=params.aliases)
    found = read_variants(snakemake.input.vcf[0], genome, longest=longest_allele(params.window))
    write_json(snakemake.output[0], {"n_records": found.n_records, "n_variants": len(found.taken)})
