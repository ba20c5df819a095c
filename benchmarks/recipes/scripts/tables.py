"""Join the networks of all cells and summarise them."""

from benchcommon.provenance import config_digest, versions
from lucidna.files import atomic_path, read_tsv
from recipebench.tables import cells_table, networks_table, summary_table

config, inputs, output = snakemake.config, snakemake.input, snakemake.output
baseline = config["baseline"]
networks = networks_table(dict(zip(snakemake.params.cells, map(read_tsv, inputs), strict=True)), baseline=baseline)
cells = cells_table(networks, baseline=baseline)
tables = {"networks": networks, "cells": cells, "summary": summary_table(networks, cells, baseline=baseline)}
counts = {key: (networks[axis].nunique(), len(config[key])) for axis, key in snakemake.params.axes.items()}
choices = ("work", "results", "made", *snakemake.params.axes)
header = (
    f"# benchmarks/recipes; config {config_digest(config, without=choices)}; "
    + ", ".join(f"{found} of {total} {key}" for key, (found, total) in counts.items())
    + f", {len(inputs)} of {snakemake.params.n_cells} cells"
    + f"; library code {' '.join(sorted(networks['code'].unique()))}\n"
    f"# training {networks['seconds'].sum():.0f} CPU s; {versions()}\n"
)
for name, table in tables.items():
    with atomic_path(output[name]) as temporary:
        temporary.write_text(header + table.to_csv(sep="\t", index=False, float_format="%.4g"))
