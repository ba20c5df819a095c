"""Make a candidate's corrected saliency on its fold's validation peaks, and on shuffled copies of them."""

from pathlib import Path

import numpy as np

from lucidna.dataset import Dataset
from lucidna.external.store import load_candidate
from lucidna.files import atomic_path, read_tsv
from lucidna.processor import use_processor
from lucidna.ranking.maps import validation_maps
from lucidna.ranking.shuffles import shuffled_regions
from lucidna.runtime import script

with script(snakemake):
    use_processor(snakemake.threads)
    dataset = Dataset.open(Path(snakemake.input[0]).parent)
    codes = dataset.codes(dataset.locate(read_tsv(snakemake.input.regions)))
    model = load_candidate(Path(snakemake.input.model).parent)
    tasks = range(len(dataset.info["tasks"]))
    wanted = {snakemake.output.maps: codes}
    for path in snakemake.output.shuffled:
        wanted[path] = shuffled_regions(codes, seed=snakemake.params.seed)
    for path, sequences in wanted.items():
        maps = validation_maps(model, sequences, head=snakemake.params.head, tasks=tasks)
        with atomic_path(path) as temporary:
            np.save(temporary, maps)
