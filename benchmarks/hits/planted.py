"""Is any pair with a decoy called, when hits on decoys are handed in?

PYTHONPATH=workflow/scripts python benchmarks/hits/planted.py [--only easy_201,standard_201,hard_201] [--pairs 60]

Takes data sets that `run.py` has made. Networks that learnt the grammar have no pattern of a decoy, so the workflow
never gets to judge a pair with one. Here the instances are the planted ones, of all motifs, decoys too, and the trained
networks say what they do: every pair of motifs is looked at as the workflow looks at pairs of patterns.
"""

import argparse

import h5py
import pandas as pd
import torch
import yaml
from hitbench.compare import HEAD, TASK, open_truth
from run import HERE, ROOT

from lucidna.attribution.nulls import codes_of
from lucidna.external.store import load_candidate
from lucidna.files import read_json, write_tsv
from lucidna.motifs.effect_tables import EffectSettings
from lucidna.motifs.effects import loci
from lucidna.motifs.hit_table import in_every_window
from lucidna.motifs.pair_table import pairs_table
from lucidna.motifs.pairs import separate_regions
from lucidna.motifs.predictor import Networks

COLUMNS = ["motif_a", "motif_b", "kind", "regions_both", "expected_both", "distance", "at_distance"]
COLUMNS += ["expected_at_distance", "spacing_q", "interaction", "interaction_expected", "interaction_q", "evidence"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    settings = yaml.safe_load((HERE / "config.yaml").read_text())
    parser.add_argument("--only", default="easy_201,standard_201,hard_201", help="names of data sets")
    parser.add_argument(
        "--pairs", type=int, default=EffectSettings().max_pairs, help="instances ablated for each pair of motifs"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    tables = []
    for name in arguments.only.split(","):
        difficulty, seed = name.rsplit("_", 1)
        folder = ROOT / settings["work"] / name / "results" / name
        table = planted_pairs(folder, arguments.pairs, fdr=settings["nominal"][1])
        tables.append(table.assign(difficulty=difficulty, data_seed=int(seed)))
        called = table[table["evidence"] != ""]
        print(name, called.to_string(index=False), sep="\n", flush=True)
    found = pd.concat(tables)
    write_tsv(ROOT / settings["results"] / "planted_pairs.tsv", found[["difficulty", "data_seed", *COLUMNS]])


def planted_pairs(folder, most, *, fdr):
    """Return every pair of planted motifs, what it is, and what the networks of a data set say of it."""
    maps, windows, truth = open_truth(folder)
    with h5py.File(maps.path) as handle:
        sequences = codes_of(handle["raw/seq"][:])
    models = [load_candidate(path.parent) for path in sorted(folder.glob("train/*/model.safetensors"))]
    known = read_json(folder / "simulate" / "truth" / "motifs.json")
    instances = truth.instances.assign(pattern=truth.instances["motif"], instance=range(len(truth.instances)))
    placed = in_every_window(instances, windows)
    placed["locus"] = loci(placed, windows)
    roles = {motif["name"]: motif["role"] for motif in known}
    notices = []
    table = pairs_table(
        Networks(models, head=HEAD, task=read_json(folder / "data" / "dataset.json")["tasks"].index(TASK)),
        sequences,
        placed,
        list(roles),
        EffectSettings(max_pairs=most),
        notices,
        fdr=fdr,
        seed=0,
        separate=separate_regions(windows),
    )
    table = table.rename(columns={"element_a": "motif_a", "element_b": "motif_b"})
    table["kind"] = [kind({roles[a], roles[b]}) for a, b in zip(table["motif_a"], table["motif_b"], strict=True)]
    return table[COLUMNS].round(4)


def kind(roles):
    """Say what a pair of motifs of these roles is: the one with a grammar, one with a decoy, or another."""
    return "planted" if roles == {"pair"} else "with a decoy" if "decoy" in roles else "other"


if __name__ == "__main__":
    main()
