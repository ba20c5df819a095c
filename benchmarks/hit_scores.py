"""Which score should hits compete with decoys by? Observed against nominal false discovery rate, known truth.

Reads simulated experiments that have run, such as the demo, and calls their hits once more.

PYTHONPATH=workflow/scripts python benchmarks/hit_scores.py results/demo [results/other ...]
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from lucidna.files import read_json, write_tsv
from lucidna.motifs.decoys import hit_q_values
from lucidna.motifs.hits import _place, _run_finemo
from lucidna.motifs.maps import open_maps, read_regions
from lucidna.motifs.patterns import read_discovery
from lucidna.truth.instances import instance_recovery, read_instances

RESULTS = Path(__file__).resolve().parent / "results" / "hit_scores.tsv"
NOMINAL = (0.05, 0.1, 0.2)
TRIM, LAMBDA = 0.3, 0.7


def scores_of(table):
    """Return the scores that are compared, by name, from a table of hits."""
    size = np.abs(table["contribution"])
    return {
        "coefficient": table["score"],
        "contribution": size,
        "correlation": table["correlation"],
        "contribution x correlation^4": size * table["correlation"] ** 4,
    }


def hits_of(attribute, motifs, method):
    """Call hits in the real and the null maps; return the table, the regions and the numbers of both."""
    maps = open_maps(attribute / f"{method}.attributions.h5")
    nulls = [open_maps(path) for path in sorted(attribute.glob(f"null*.{method}.attributions.h5"))]
    patterns = read_discovery(motifs / "modisco.h5", trim=TRIM).patterns
    sources = [(file, 0, file.n_regions) for file in (maps, *nulls)]
    with tempfile.TemporaryDirectory() as folder:
        table, _ = _run_finemo(
            sources,
            motifs / "modisco.h5",
            Path(folder),
            n_patterns=len(patterns),
            lambda_=LAMBDA,
            trim=TRIM,
            threads=2,
        )
    regions = read_regions(attribute / f"{method}.regions.bed", maps)
    return table, regions, maps.n_regions, sum(null.n_regions for null in nulls)


def compare(folder, method):
    """Return the rows of one experiment."""
    settings = read_json(folder / "simulate" / "truth" / "summary.json")
    rows = []
    for motifs in sorted(folder.glob("motifs/*/*")):
        attribute = folder / "attribute" / motifs.parent.name / motifs.name
        table, regions, n_real, n_null = hits_of(attribute, motifs, method)
        truth = read_instances(folder / "simulate" / "truth" / "instances.bed")
        real, null = table[table["row"] < n_real].reset_index(drop=True), table[table["row"] >= n_real]
        for name, score in scores_of(real).items():
            q_value = hit_q_values(
                score.to_numpy(),
                real["pattern"].to_numpy(),
                scores_of(null)[name].to_numpy(),
                null["pattern"].to_numpy(),
                n_target_regions=n_real,
                n_decoy_regions=n_null,
            )
            placed = _place(real.assign(q_value=q_value, agreement=np.nan), regions, {})
            for nominal in NOMINAL:
                found = instance_recovery(placed[placed["q_value"] <= nominal], truth, within=regions)
                rows.append(
                    {
                        "experiment": folder.name,
                        "difficulty": settings["difficulty"],
                        "data_seed": settings["seed"],
                        "score": name,
                        "nominal_fdr": nominal,
                        "hits": found["n_hits"],
                        "observed_fdr": None if found["precision"] is None else round(1 - found["precision"], 4),
                        "recall": None if found["recall"] is None else round(found["recall"], 4),
                    }
                )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiments", nargs="+", type=Path, help="folders of simulated experiments that have run")
    parser.add_argument("--method", default="deepshap", help="the maps that their motifs come from")
    arguments = parser.parse_args()
    rows = [row for folder in arguments.experiments for row in compare(folder, arguments.method)]
    table = pd.DataFrame(rows)
    print(table.to_string())
    write_tsv(RESULTS, table)


if __name__ == "__main__":
    main()
