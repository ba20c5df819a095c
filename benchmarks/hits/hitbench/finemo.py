"""Fi-NeMo by itself, as its own commands call hits in the same maps with the same patterns."""

import tempfile
from pathlib import Path

import pandas as pd

from lucidna.motifs.external import run_tool
from lucidna.motifs.finemo import core_places

_BATCH = "32"  # its one setting here: batches say how fast it is, not what it finds


def finemo_hits(maps, modisco_h5, patterns):
    """Return chrom, start, end, pattern, score and region_id of the hits of Fi-NeMo at its defaults.

    It reads the workflow's HDF5 file and regions, looks at the whole maps and goes on until every region has
    converged or taken 10,000 steps. Its hits are placed as the workflow's are, on the cores of the patterns: for some
    patterns it would name 30 bp around a motif of 10, which find other instances by being wide.
    """
    with tempfile.TemporaryDirectory(prefix="finemo_") as name:
        folder = Path(name)
        regions = maps.path.with_name(maps.path.name.replace(".attributions.h5", ".regions.bed"))
        given = ["-c", str(maps.path), "-p", str(regions), "-o", f"{folder}/regions.npz", "-w", str(maps.length)]
        run_tool("finemo", ["extract-regions-chrombpnet-h5", *given], threads=1)
        given = ["-r", f"{folder}/regions.npz", "-m", str(modisco_h5), "-o", str(folder), "-b", _BATCH]
        run_tool("finemo", ["call-hits", *given], threads=1)
        found = pd.read_csv(folder / "hits.tsv", sep="\t")
    found["start"], found["end"] = core_places(found, patterns)
    names = {"chr": "chrom", "motif_name": "pattern", "hit_coefficient_global": "score", "peak_name": "region_id"}
    return found.rename(columns=names)[["chrom", "start", "end", "strand", "pattern", "score", "region_id"]]
