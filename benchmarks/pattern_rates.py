"""How many of the patterns that a q-value or a label believes are false? Real TF-MoDISco runs on maps of known answer.

Maps are those of pattern_statistics.py. "noise": maps of noise alone, each set taken as the real one with every pair of
the others as its null draws, so that whatever is called is false. "motifs": maps with six motifs from common to rare,
and as their null two sets of the same noise and chance instances without any planted. A pattern that resembles no
motif, but half of whose seqlets hold a contributing word, mixes motifs and counts as neither.

PYTHONPATH=workflow/scripts python benchmarks/pattern_rates.py FOLDER
"""

import argparse
import itertools
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from pattern_statistics import LENGTH, MIXED, NOISE, NONE, RESULTS, holding, library, simulate, true_motif

from lucidna.files import write_tsv
from lucidna.motifs.discover import run_modisco
from lucidna.motifs.null import SUPPORTING, calibrate
from lucidna.motifs.patterns import read_discovery

NOISE_RUNS, MOTIF_SEEDS, DRAWS = 8, (10, 11, 12, 13), 2
LEVELS = (0.05, 0.1, 0.2)


def discovered(folder, name, words, *, kind, planted, seed):
    """Make the maps and run TF-MoDISco, unless that is done; return what was found and the letters."""
    source, patterns = folder / f"{name}.h5", folder / f"{name}.modisco.h5"
    if not patterns.is_file():
        simulate(source, words, kind=kind, planted=planted, rng=np.random.default_rng(seed))
        run_modisco(source, patterns, seqlets=2000, window=LENGTH)
    with h5py.File(source) as file:
        return read_discovery(patterns), file["raw/seq"][:].argmax(axis=1)


def noise_runs(folder, kind):
    """Yield the table of every set of noise against every pair of the others."""
    runs = []
    for run in range(NOISE_RUNS):
        seed = [run, NOISE.index(kind), 7]
        runs.append(discovered(folder, f"noise.{kind}.{run}", [], kind=kind, planted=False, seed=seed)[0])
    for place, real in enumerate(runs):
        others = [run for other, run in enumerate(runs) if other != place]
        for nulls in itertools.combinations(others, DRAWS):
            yield calibrate(real, list(nulls)).assign(truth=NONE)


def motif_runs(folder, kind):
    """Yield the table of every set with motifs against its two null draws."""
    for seed in MOTIF_SEEDS:
        words, settings = library(seed), {"kind": kind}
        name = f"motifs.{kind}.{seed}"
        state = [seed, NOISE.index(kind)]
        real, codes = discovered(folder, name, words, planted=True, seed=[*state, 0], **settings)
        nulls = [
            discovered(folder, f"{name}.null{draw}", words, planted=False, seed=[*state, 1 + draw], **settings)[0]
            for draw in range(DRAWS)
        ]
        truth = [true_motif(pattern, words) for pattern in real.patterns]
        for i, pattern in enumerate(real.patterns):
            if truth[i] < 0 and holding(pattern, codes, words) >= 0.5:
                truth[i] = MIXED
        yield calibrate(real, nulls).assign(truth=truth)


def summarise(maps, kind, tables):
    """Return one line per rule: of how many runs, patterns called, and the mean share of false ones over runs."""
    tables, rows = list(tables), []
    rules = {f"q <= {level}": lambda table, level=level: table["q_value"] <= level for level in LEVELS}
    for rule, called in {**rules, "label supported": lambda table: table["label"].isin(SUPPORTING)}.items():
        judged = [table[called(table) & (table["truth"] != MIXED)] for table in tables]
        shares = [float((table["truth"] == NONE).mean()) if len(table) else 0.0 for table in judged]
        rows.append(
            {
                "maps": maps,
                "noise": kind,
                "rule": rule,
                "comparisons": len(tables),
                "patterns": sum(len(table) for table in tables),
                "true": sum(int((table["truth"] >= 0).sum()) for table in tables),
                "called_true": sum(int((table["truth"] >= 0).sum()) for table in judged),
                "called_false": sum(int((table["truth"] == NONE).sum()) for table in judged),
                "false_share": round(float(np.mean(shares)), 4),
            }
        )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path, help="for maps and patterns, kept")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for maps, runs in (("noise", noise_runs), ("motifs", motif_runs)):
        for kind in NOISE:
            rows += summarise(maps, kind, runs(folder, kind))
            print(pd.DataFrame(rows).to_string(), flush=True)
    write_tsv(RESULTS / "pattern_rates.tsv", pd.DataFrame(rows))


if __name__ == "__main__":
    main()
