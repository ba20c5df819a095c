"""Ask trained members for the targets that distilled candidates learn."""

from pathlib import Path

from lucidna.processor import use_processor
from lucidna.runtime import script
from lucidna.training.distillation import write_targets

with script(snakemake):
    use_processor(snakemake.threads)
    write_targets(
        snakemake.output[0],
        Path(snakemake.input[0]).parent,
        [Path(path).parent for path in snakemake.input.metrics],
        fold=snakemake.params.targets["fold"],
        both_strands=snakemake.params.targets["both_strands"],
    )
