"""What tells a pattern of a planted motif from a pattern of noise? Statistics compared on maps with a known answer.

Maps are made without a network: noise of two kinds, and six motifs from common to rare whose contributions are as
noisy as those of networks; a word that occurs by chance contributes as a planted one does, in the null sequences too.
TF-MoDISco runs on each set of maps, on its null sequences' and on its permuted positions. A pattern of the maps is true
when it resembles a planted motif. One that resembles none, but half of whose seqlets hold a contributing word, mixes
motifs and is left out, and so are the chance instances in null sequences. All others are false.

PYTHONPATH=workflow/scripts python benchmarks/pattern_statistics.py FOLDER
"""

import argparse
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from lucidna.files import write_tsv
from lucidna.motifs.discover import run_modisco
from lucidna.motifs.patterns import read_discovery
from lucidna.ppm import information
from lucidna.truth.patterns import match_patterns

RESULTS = Path(__file__).resolve().parent / "results"
N, LENGTH = 500, 300
WIDTHS = (8, 12, 9, 7, 10, 8)
RATES = (0.6, 0.35, 0.2, 0.1, 0.06, 0.04)  # of planting a motif in a region
NOISE = ("smooth", "spiky")
SEEDS = (0, 1)
LEAST_CORRELATION = 0.8
NONE, MIXED = -1, -2


def library(seed):
    """Draw six motifs: words, and how often each base of an instance is the word's."""
    rng = np.random.default_rng([seed, 1])
    return [rng.integers(0, 4, width) for width in WIDTHS]


def noise_of(kind, shape, rng):
    """Draw noise of standard deviation 1: correlated over 5 bp, or ten times larger at one bp in 30."""
    noise = rng.normal(size=shape)
    if kind == "smooth":
        noise = np.apply_along_axis(np.convolve, 2, noise, np.ones(5) / 5**0.5, mode="same")
    elif kind == "spiky":
        noise *= np.where(rng.random((shape[0], 1, shape[2])) < 1 / 30, 10, 1) / 2.07
    return noise


def instances(codes, words):
    """Yield row, start and word of every place that contributes, on either strand."""
    for word in words:
        for oriented in (word, 3 - word[::-1]):
            width = len(word)
            windows = np.lib.stride_tricks.sliding_window_view(codes, width, axis=1)
            # A short word takes no mismatch, else chance instances would outnumber the planted ones.
            for row, start in zip(*np.nonzero((windows == oriented).sum(axis=2) >= width - (width > 8)), strict=True):
                yield row, start, oriented


def simulate(path, words, *, kind, planted, rng, level=0.08):
    """Write an attribution file: motifs of total contribution about 1, and noise."""
    codes = rng.integers(0, 4, (N, LENGTH))
    for row in range(N if planted else 0):
        for word, rate in zip(words, RATES, strict=True):
            if rng.random() < rate:
                copy = np.where(rng.random(len(word)) < 0.96, word, rng.integers(0, 4, len(word)))
                copy = copy if rng.random() < 0.5 else 3 - copy[::-1]
                start = rng.integers(0, LENGTH - len(word))
                codes[row, start : start + len(word)] = copy
    maps = noise_of(kind, (N, 4, LENGTH), rng) * level
    for row, start, oriented in instances(codes, words):
        width = len(oriented)
        size = rng.uniform(0.5, 1.5) / width
        maps[row, :, start : start + width] -= size / 3
        maps[row, oriented, np.arange(start, start + width)] += size * 4 / 3
    maps -= maps.mean(axis=1, keepdims=True)
    with h5py.File(path, "w") as handle:
        handle["raw/seq"] = np.eye(4, dtype=np.int8)[codes].transpose(0, 2, 1)
        handle["shap/seq"] = (maps * 8).astype(np.float16)
        handle.attrs["map_scale"] = 8.0


def run(folder, *, seed, kind):
    """Run TF-MoDISco on one set of maps and its nulls, unless it has run."""
    words = library(seed)
    found = {}
    for name, permute in (("real", None), ("shuffled", None), ("permuted", 0)):
        source = folder / f"{'shuffled' if name == 'shuffled' else 'real'}.{kind}.{seed}.h5"
        if not source.is_file():
            rng = np.random.default_rng([seed, NOISE.index(kind), name == "shuffled"])
            simulate(source, words, kind=kind, planted=name != "shuffled", rng=rng)
        patterns = folder / f"{name}.{kind}.{seed}.modisco.h5"
        if not patterns.is_file():
            run_modisco(source, patterns, seqlets=2000, window=LENGTH, permute=permute)
        found[name] = read_discovery(patterns)
    return found


def statistics(pattern, discovery):
    """Return the statistics that are compared, by name."""
    core = pattern.core
    bits = information(pattern.ppm[:, core]).sum()
    size = np.abs(pattern.cwm[:, core]).sum()
    mean = abs(pattern.seqlets["contribution"].mean())
    support = pattern.n_seqlets / discovery.facts["n_regions"]
    return {
        "support": support,
        "information": bits,
        "mean contribution": mean,
        "CWM": size,
        "support x CWM": support * size,
        "support x information": support * bits,
        "CWM x information": size * bits,
        "support x mean contribution": support * mean,
        "mean contribution x information": mean * bits,
        "support x CWM x information": support * size * bits,
        "support x information x mean contribution": support * bits * mean,
    }


def true_motif(pattern, words):
    """Return the number of the planted motif that a pattern resembles, or `NONE`."""
    ppms = {str(i): np.eye(4)[word].T * 0.94 + 0.015 for i, word in enumerate(words)}
    best = match_patterns({pattern.name: pattern.ppm}, ppms).iloc[0]
    return int(best["motif"]) if best["correlation"] >= LEAST_CORRELATION else NONE


def holding(pattern, codes, words):
    """Return the share of a pattern's seqlets with a contributing word inside."""
    held = np.zeros((N, LENGTH + 1), dtype=int)  # the first bp after each word that starts at a position
    for row, start, word in instances(codes, words):
        held[row, start] = start + len(word)
    spans = pattern.seqlets[["row", "start", "end"]].itertuples(index=False)
    return np.mean([any(0 < held[row, at] <= end for at in range(start, end)) for row, start, end in spans])


def collect(folder):
    """Return one line per pattern of every run."""
    rows = []
    for kind in NOISE:
        for seed in SEEDS:
            words = library(seed)
            for source, discovery in run(folder, seed=seed, kind=kind).items():
                with h5py.File(folder / f"{'shuffled' if source == 'shuffled' else 'real'}.{kind}.{seed}.h5") as file:
                    codes = file["raw/seq"][:].argmax(axis=1)
                for pattern in discovery.patterns:
                    truth = true_motif(pattern, words)
                    if truth < 0 and source != "permuted" and holding(pattern, codes, words) >= 0.5:
                        truth = MIXED
                    line = {"noise": kind, "seed": seed, "maps": source, "pattern": pattern.name, "motif": truth}
                    rows.append(line | {"sign": pattern.sign, **statistics(pattern, discovery)})
    return pd.DataFrame(rows)


def separation(table, names):
    """Return, per noise and statistic, how well it separates true from false patterns, runs pooled."""
    rows = []
    false = table["motif"] == NONE
    judged = table[false | ((table["maps"] == "real") & (table["motif"] >= 0))]
    for kind in (*NOISE, "all"):
        part = judged if kind == "all" else judged[judged["noise"] == kind]
        truth = part["motif"] >= 0
        for name in names:
            # Above the nulls of its own run: what a label can be given by.
            above, twofold, wrong = 0, 0, 0
            for _, own in part.groupby(["noise", "seed"]):
                bar = own.loc[own["maps"] != "real", name].max()
                real = own[own["maps"] == "real"]
                good, ratio = real["motif"] >= 0, real[name] / bar
                above += int((ratio > 1)[good].sum())
                twofold += int((ratio >= 2)[good].sum())
                wrong += int((ratio > 1)[~good].sum())
            rows.append(
                {
                    "noise": kind,
                    "statistic": name,
                    "true": int(truth.sum()),
                    "false": int((~truth).sum()),
                    "auroc": round(roc_auc_score(truth, part[name]), 3),
                    "aupr": round(average_precision_score(truth, part[name]), 3),
                    "true_above_nulls": above,
                    "true_twice_nulls": twofold,
                    "false_above_nulls": wrong,
                    "null_to_null": round(between_nulls(part[~truth], name), 2),
                }
            )
    return pd.DataFrame(rows)


def between_nulls(false, name):
    """Return the largest ratio of the best patterns of two null runs of one kind, noise and sign."""
    best = false[false["maps"] != "real"].groupby(["noise", "maps", "sign", "seed"])[name].max()
    both = best.groupby(["noise", "maps", "sign"]).agg(["max", "min", "size"])
    both = both[both["size"] > 1]
    return float((both["max"] / both["min"]).max())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path, help="for maps and patterns, kept")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    table = collect(folder)
    noise = table[(table["motif"] == NONE) & (table["maps"] != "real")]
    print(noise["information"].describe().round(2).to_string())
    print(table.groupby(["maps", table["motif"].clip(upper=0)]).size().to_string())
    names = list(table.columns[6:])
    result = separation(table, names)
    print(result.to_string())
    write_tsv(RESULTS / "pattern_statistics.tsv", result)


if __name__ == "__main__":
    main()
