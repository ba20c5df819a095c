"""Write what the members of an ensemble say, for the networks that learn from them."""

from pathlib import Path

from lucidna.training.distillation import write_targets
from lucidna.training.recipes.entries.distillation import turns_strands
from recipebench.data import FOLD

inputs, params = snakemake.input, snakemake.params
folders = [Path(inputs.members).parent / f"seed{seed}" for seed in params.seeds]
both = turns_strands(params.components)
write_targets(snakemake.output[0], Path(inputs.data).parent, folders, fold=FOLD, both_strands=both)
