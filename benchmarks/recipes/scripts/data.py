"""Draw one difficulty."""

from pathlib import Path

from recipebench.data import write_set

write_set(snakemake.params.spec, Path(snakemake.output.info).parent)
