"""Write the report: one self-contained page."""

from pathlib import Path

import yaml

from lucidna.report.page import write_report
from lucidna.runtime import script

with script(snakemake):
    config = snakemake.params.config
    folder = Path(snakemake.output[0]).parents[1]
    write_report(
        folder,
        snakemake.output[0],
        config=config,
        config_text=yaml.safe_dump(config, sort_keys=False),
        candidates=snakemake.params.candidates,
        title=config["report"]["title"],
        examples=config["report"]["examples"],
        truth_dir=folder / "simulate" / "truth" if "simulate" in config else None,
        benchmarks_dir=folder / "benchmarks",
    )
