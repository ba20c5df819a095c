"""Time the ranking of synthetic maps, and the memory it takes beyond them.

PYTHONPATH=workflow/scripts python benchmarks/ranking/bench_speed.py [--models 100 --regions 500 --length 200]
"""

import argparse
import resource
import time
from pathlib import Path

import numpy as np
import pandas as pd

from lucidna.files import write_tsv
from lucidna.ranking.bootstrap import weighted_mean
from lucidna.ranking.consensus import consensus
from lucidna.ranking.panel import rank_candidates
from lucidna.ranking.prepare import MapSet
from lucidna.ranking.recurrence import sl_con
from lucidna.sequence import one_hot_numpy

RESULTS = Path(__file__).resolve().parents[1] / "results" / "ranking_speed.tsv"


def synthetic_maps(models, regions, length):
    """Maps of falling quality: a shared sparse truth plus growing noise."""
    rng = np.random.default_rng(0)
    onehot = one_hot_numpy(rng.integers(0, 4, (regions, length)).astype(np.uint8))
    truth = rng.standard_normal((regions, 4, length), dtype=np.float32) * (rng.random((regions, 1, length)) < 0.15)
    maps = np.empty((models, regions, 4, length), dtype=np.float32)
    for index in range(models):
        noise = rng.standard_normal(truth.shape, dtype=np.float32)
        maps[index] = truth + np.float32(0.1 + index / models) * noise
    return maps, onehot


def peak_mb():
    """Largest resident memory of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def rule_a(maps, onehot):
    """Everything that rule A* needs: seed scores, consensus cosine, SNR and AUROC."""
    prepared = MapSet(list(maps), onehot)
    seeds = [weighted_mean(*sl_con(prepared.corrected(index), onehot)) for index in range(len(prepared))]
    consensus(prepared, np.array(seeds, dtype=float))


def consensus_alone(maps, onehot):
    """Run the consensus with its seed scores at hand."""
    consensus(MapSet(list(maps), onehot), np.arange(len(maps), 0, -1.0))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--regions", type=int, default=500)
    parser.add_argument("--length", type=int, default=200)
    size = vars(parser.parse_args())
    maps, onehot = synthetic_maps(**size)
    rows = []
    for name, function in (
        ("consensus of rule A*", consensus_alone),
        ("rule A* with its seed scores", rule_a),
        ("full panel, 500 bootstraps", lambda maps, onehot: rank_candidates(maps, onehot, bootstraps=500)),
    ):
        before, start, cpu = peak_mb(), time.perf_counter(), time.process_time()
        function(maps, onehot)
        seconds = time.perf_counter() - start
        cpu = time.process_time() - cpu
        measured = {"seconds": round(seconds, 2), "cpu_seconds": round(cpu, 2)}
        rows.append({"step": name, **size, **measured, "extra_mb": round(peak_mb() - before)})
        print(rows[-1])
    write_tsv(RESULTS, pd.DataFrame(rows))


if __name__ == "__main__":
    main()
