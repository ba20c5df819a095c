"""Make a candidate's corrected saliency on its fold's validation peaks."""

from pathlib import Path

import numpy as np
import torch

from lucidna.dataset import Dataset
from lucidna.external.store import load_candidate
from lucidna.files import atomic_path, read_tsv
from lucidna.ranking.maps import validation_maps
from lucidna.runtime import script

with script(snakemake):
    torch.set_num_threads(snakemake.threads)
    dataset = Dataset.open(Path(snakemake.input[0]).parent)
    rows = dataset.locate(read_tsv(snakemake.input.regions))
    model = load_candidate(Path(snakemake.input.model).parent)
    tasks = range(len(dataset.info["tasks"]))
    maps = validation_maps(model, dataset.codes(rows), head=snakemake.params.head, tasks=tasks)
    with atomic_path(snakemake.output[0]) as temporary:
        np.save(temporary, maps)
