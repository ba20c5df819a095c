"""Would decoys that are matched in predicted signal calibrate hits better?

PYTHONPATH=workflow/scripts python benchmarks/hits/matched.py [--only easy_201,standard_201,hard_201] [--shuffles 20]

Takes data sets that `run.py` has made. The workflow's decoys are one dinucleotide shuffle of each region. Here they are
the one of `--shuffles` whose prediction, the mean over the networks, is nearest to the region's. Both go through the
same call, and what they promise is compared with the truth.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from hitbench.compare import HEAD, TASK, fdr_table, found_patterns, open_truth
from run import HERE, ROOT, write_config

from lucidna.attribution import plan as planning
from lucidna.attribution.nulls import shuffled_copies
from lucidna.attribution.output import ScalarOutput, predict
from lucidna.attribution.run import attribute
from lucidna.dataset import Dataset
from lucidna.external.store import load_candidate
from lucidna.files import read_tsv, write_tsv
from lucidna.motifs.decoys import signal_overlap
from lucidna.motifs.hits import call_hits
from lucidna.motifs.maps import open_maps, read_predictions
from lucidna.sequence import one_hot_numpy


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="easy_201,standard_201,hard_201", help="names of data sets")
    parser.add_argument("--shuffles", type=int, default=20)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    settings = yaml.safe_load((HERE / "config.yaml").read_text())
    tables = []
    for name in arguments.only.split(","):
        difficulty, seed = name.rsplit("_", 1)
        config = yaml.safe_load(
            write_config(ROOT / settings["work"] / name, name, difficulty, int(seed), settings).read_text()
        )
        with tempfile.TemporaryDirectory() as folder:
            table = compared(
                ROOT / settings["work"] / name / "results" / name, config, Path(folder), arguments.shuffles, settings
            )
        tables.append(table.assign(difficulty=difficulty, data_seed=int(seed)))
        print(name, table.to_string(index=False), sep="\n", flush=True)
    found = pd.concat(tables)
    first = ["difficulty", "data_seed", "decoys", "signal_overlap", "decoy_hits"]
    write_tsv(ROOT / settings["results"] / "matched.tsv", found[[*first, *found.columns.difference(first, sort=False)]])


def compared(folder, config, scratch, shuffles, settings):
    """Return the rates that both kinds of decoys give, in one table."""
    networks = [load_candidate(path.parent) for path in sorted(folder.glob("train/*/model.safetensors"))]
    maps, windows, truth = open_truth(folder)
    motifs = folder / "motifs" / TASK / HEAD
    patterns, stands_for = found_patterns(folder, settings)
    labels = dict(read_tsv(motifs / "patterns.tsv")[["pattern", "label"]].itertuples(index=False))
    matched = matched_maps(networks, folder, config, scratch, shuffles)
    rows = []
    for kind, path in (
        ("one shuffle", maps.path.parent / "null0.deepshap.attributions.h5"),
        (f"nearest of {shuffles}", matched),
    ):
        null = open_maps(path)
        calls = call_hits(maps, windows, [null], patterns, names={}, labels=labels, trim=settings["trim"])
        table = fdr_table(calls.hits, calls.decoys, truth, maps, settings, stands_for=stands_for)
        overlap = signal_overlap(read_predictions(maps), read_predictions(null))
        facts = {"decoys": kind, "signal_overlap": round(overlap, 4), "decoy_hits": len(calls.decoys)}
        rows.append(table[table["score"] == "correlation"].assign(**facts))
    return pd.concat(rows)


def matched_maps(networks, folder, config, scratch, shuffles):
    """Write the maps of the matched shuffles and return their path."""

    def mean_prediction(codes):
        onehot = torch.from_numpy(one_hot_numpy(codes))
        outputs = [
            predict(ScalarOutput(net, head=HEAD, task=0), onehot, batch_size=64, device="cpu") for net in networks
        ]
        return np.mean([output.numpy().ravel() for output in outputs], axis=0)

    def nearest(codes, *, draw, seed):
        copies = shuffled_copies(codes, n_shuffles=shuffles, seed=seed, purpose=f"null {draw}")
        own = mean_prediction(codes)
        predictions = mean_prediction(copies.reshape(-1, copies.shape[-1])).reshape(len(codes), shuffles)
        return copies[np.arange(len(codes)), np.abs(predictions - own[:, None]).argmin(axis=1)]

    plain, planning.null_sequences = planning.null_sequences, nearest
    try:
        attribute(
            [(f"network {number}", network) for number, network in enumerate(networks)],
            Dataset.open(folder / "data"),
            method="deepshap",
            task=TASK,
            head=HEAD,
            out_h5=scratch / "matched.attributions.h5",
            out_bed=scratch / "matched.regions.bed",
            arguments=config["attribution"]["methods"]["deepshap"],
            null=0,
            threads=1,
        )
    finally:
        planning.null_sequences = plain
    return scratch / "matched.attributions.h5"


if __name__ == "__main__":
    main()
