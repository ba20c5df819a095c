"""Predict what the variants of a VCF do, with the chosen candidates, and which motif instances they touch."""

from pathlib import Path

from lucidna.attribution.members import members_of
from lucidna.dataset import Dataset
from lucidna.external.store import load_candidate
from lucidna.files import read_json
from lucidna.genome import open_genome
from lucidna.processor import use_processor
from lucidna.runtime import script
from lucidna.variants.motifs import read_task_motifs
from lucidna.variants.run import annotate_variants

with script(snakemake):
    use_processor(snakemake.threads)
    params = snakemake.params
    folder = Path(snakemake.output.table).parent
    members = members_of(params.models, read_json(snakemake.input.verdict), known=params.known)
    dataset = Dataset.open(Path(snakemake.input[0]).parent)
    annotate_variants(
        snakemake.input.vcf[0],
        open_genome(snakemake.input.genome[0], aliases=params.genome["aliases"]),
        [(name, load_candidate(folder.parent / "train" / name)) for name in members],
        dataset,
        {
            task: read_task_motifs([folder.parent / "motifs" / task / head for head in params.heads], fdr=params.fdr)
            for task in params.tasks
        },
        folder,
        batch_size=params.batch_size,
    )
