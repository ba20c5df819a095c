"""Ask trained members for the targets that distilled candidates learn."""

from pathlib import Path

import torch

from lucidna.runtime import script
from lucidna.training.distillation import write_targets

with script(snakemake):
    torch.set_num_threads(snakemake.threads)
    write_targets(
        snakemake.output[0],
        Path(snakemake.input[0]).parent,
        [Path(path).parent for path in snakemake.input.metrics],
        fold=snakemake.params.targets["fold"],
        both_strands=snakemake.params.targets["both_strands"],
    )
