"""Choose the regions (or read the sequences) and write one set of arrays, every row with its region id."""

from pathlib import Path

from lucidna.checks import found_for
from lucidna.dataset_files import write_dataset
from lucidna.files import write_json, write_tsv
from lucidna.genome import open_genome
from lucidna.prepare import no_dropped, prepare_regions
from lucidna.reporter import write_reporter_dataset
from lucidna.runtime import script
from lucidna.tracks import read_sheet

with script(snakemake) as log:
    settings = snakemake.params.settings
    found = found_for(settings, snakemake.input.checked)
    folder, window, target = Path(snakemake.output.dropped).parent, settings["window"], settings["target"]
    if "sequences" in settings:
        table = {key: value for key, value in settings["sequences"].items() if key != "seed"}
        _, notices = write_reporter_dataset(folder, **table, length=window["input"], target=target)
        dropped = no_dropped()
    else:
        genome = open_genome(settings["genome"]["fasta"], aliases=settings["genome"]["aliases"])
        tracks = read_sheet(settings["tracks"]) if "tracks" in settings else []
        rows, dropped, notices = prepare_regions(genome, tracks, window=window, **settings["regions"])
        write_dataset(folder, rows=rows, genome=genome, tracks=tracks, window=window, target=target)
    for notice in notices:
        log.info("notice: %s", notice)
    write_tsv(snakemake.output.dropped, dropped)
    write_json(snakemake.output.notices, notices)
    write_json(snakemake.output.inputs, found)
