"""Check every input file before anything is computed from it."""

from lucidna.checks import check_inputs, input_state
from lucidna.files import write_json
from lucidna.folds import FEWEST_VALID
from lucidna.runtime import script

with script(snakemake) as log:
    settings = snakemake.params.settings
    genome = settings.get("genome", {})
    found = check_inputs(
        genome=genome.get("fasta"),
        aliases=genome.get("aliases"),
        regions=settings.get("regions"),
        tracks_sheet=settings.get("tracks"),
        sequences=settings.get("sequences"),
        window=settings["window"],
        target=settings["target"],
        folds=snakemake.params.folds,
        fewest_valid=FEWEST_VALID,
        variants=next(iter(snakemake.params.variants), None),
    )
    for notice in found["notices"]:
        log.info("notice: %s", notice)
    state = input_state(settings, found["digests"])
    write_json(snakemake.output[0], {"state": state, "found": found})
