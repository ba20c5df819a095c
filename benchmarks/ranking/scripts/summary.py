"""Compare the populations of one stage with the targets."""

from pathlib import Path

import pandas as pd

from lucidna.files import atomic_path
from rankbench.summary import summary_table, together_table

inputs = list(map(Path, snakemake.input))
header = "".join(line for line in inputs[0].read_text().splitlines(keepends=True) if line.startswith("#"))
tables = {path.stem: pd.read_csv(path, sep="\t", comment="#") for path in inputs}
together = together_table(tables.pop("panel"), snakemake.params.unbiased, bootstraps=snakemake.config["bootstraps"])
table = pd.concat([together, summary_table(tables)], ignore_index=True)
with atomic_path(snakemake.output[0]) as temporary:
    temporary.write_text(header + table.to_csv(sep="\t", index=False, float_format="%.4g"))
