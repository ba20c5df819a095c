"""Rank candidates of which only maps are given, and write the verdict."""

from pathlib import Path

from lucidna.external.maps import rank_maps
from lucidna.files import sha256, write_json
from lucidna.ranking.stage import ranking_arguments, write_ranking
from lucidna.runtime import script

with script(snakemake):
    folder = Path(snakemake.output.panel).parent
    ranking = rank_maps(
        snakemake.params.external,
        scores=snakemake.params.scores,
        regions=snakemake.params.ranking["regions"],
        scratch=folder,
        average=snakemake.output.average,
        **ranking_arguments(snakemake.params.ranking),
    )
    write_ranking(ranking, folder)
    files = dict.fromkeys([*snakemake.input.maps, *snakemake.input.scores])
    write_json(snakemake.output.inputs, {"digests": {path: sha256(path) for path in files}})
