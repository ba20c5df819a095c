"""Train one recipe on one architecture and difficulty, all seeds."""

from pathlib import Path

from recipebench.train import train_cell

wildcards, inputs = snakemake.wildcards, snakemake.input
train_cell(
    snakemake.params.settings,
    wildcards.architecture,
    wildcards.recipe,
    data=Path(inputs.data).parent,
    members=Path(inputs.members) if "members" in inputs.keys() else None,  # noqa: SIM118 (a list with names)
    targets=Path(inputs.targets) if "targets" in inputs.keys() else None,  # noqa: SIM118
    out=Path(snakemake.output[0]).parent,
)
