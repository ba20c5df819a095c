"""Time a training step with each architecture-side and weights-side component against the passes it must do.

    PYTHONPATH=workflow/scripts python benchmarks/recipes/bench_weights.py [--rounds 9] [--steps 24]

CNN-deep, 200 bp, batches of 128, one thread, binary target. A step is all from the end of one batch to the end of the
next within Lightning: reading, augmentation, passes, optimizer, callbacks. `expected_ms` is the step without the
component plus the further forward/backward passes that it must do by definition, each timed bare in the same round;
`ratio` is the median over rounds of step / expected, all measured side by side in that round. Processor time, so that
other work on the machine changes neither side. The pass over training batches after an averaging epoch of `swa` is
compared with the same number of bare forward passes in training mode.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd
import torch
from pytorch_lightning import Callback

from lucidna.models import build
from lucidna.sequence import one_hot
from lucidna.training import candidate as candidate_module
from lucidna.training.losses import make_loss
from lucidna.training.recipes import compose
from lucidna.training.recipes.base import Component
from lucidna.training.recipes.recipe import Recipe
from lucidna.training.recipes.swa import _SWA
from lucidna.training.run import train_candidate

RESULTS = Path(__file__).resolve().parents[1] / "results" / "recipes_weights_speed.tsv"
LENGTH, BATCH, TARGET = 200, 128, 1.15

# Component -> the forward/backward passes of a step, by definition.
CASES = {
    "standard": ([], 1),
    "exponential": ([["exponential", {}]], 1),
    "spectral_norm": ([["spectral_norm", {}]], 1),
    "dropout_schedule": ([["dropout_schedule", {"per": "step"}]], 1),
    "conjoined": ([["conjoined", {}]], 2),
    "conjoined, training: false": ([["conjoined", {"training": False}]], 1),
    "ema": ([["ema", {}]], 1),
    "swa, averaging": ([["swa", {"start": 0.0}]], 1),
    "sam": ([["sam", {}]], 2),
}


class Watch(Component):
    """Times the steps from behind all other components."""

    name = "watch"

    def __init__(self):
        super().__init__()
        self.times = []

    def callbacks(self, stage):
        times = self.times

        class Timer(Callback):
            def on_train_batch_end(self, *_, **__):
                times.append(time.process_time())

        return [Timer()]


def write_data(directory: Path, *, n_train: int) -> Path:
    """Write random sequences with random labels in the format on disk."""
    rng = np.random.default_rng(0)
    n = n_train + 64
    directory.mkdir()
    (directory / "folds").mkdir()
    np.save(directory / "sequences.npy", rng.integers(0, 4, (n, LENGTH), dtype=np.uint8))
    np.save(directory / "targets.npy", rng.integers(0, 2, (n, 1)).astype(np.float32))
    names = [f"peak_{row}" for row in range(n)]
    rows = {"region_id": names, "chrom": "chr1", "start": 0, "end": LENGTH, "summit": LENGTH // 2, "strand": "."}
    rows |= {"role": "peak", "name": ".", "gc": 0.5, "source_line": np.arange(n)}
    pd.DataFrame(rows).to_csv(directory / "rows.tsv", sep="\t", index=False)
    split = np.where(np.arange(n) < n_train, "train", "valid")
    folds = pd.DataFrame({"region_id": names, "split": split})
    folds.to_csv(directory / "folds" / "fold0.tsv", sep="\t", index=False)
    window = {"input": LENGTH, "output": LENGTH, "jitter": 0}
    info = {"kind": "genome", "target": "binary", "n_regions": n, "window": window, "tasks": ["binary"]}
    info |= {"tracks": [], "n_controls": 0, "digest": "random"}
    (directory / "dataset.json").write_text(json.dumps(info))
    return directory


def step_time(data: Path, out: Path, components: list) -> tuple[float, float]:
    """Return processor seconds of the median step, and of the pass for batch normalisation (NaN without one)."""
    watch, passes = Watch(), []
    after = _SWA.after_exchange

    def timed(self, trainer, module):
        start = time.process_time()
        after(self, trainer, module)
        passes.append(time.process_time() - start)

    candidate_module.compose = lambda parts: Recipe([*compose(parts).components, watch])
    _SWA.after_exchange = timed
    candidate = {"id": "c-00000000", "architecture": "cnn_deep", "class": "cnn_deep", "arguments": {}}
    candidate |= {"recipe": "r", "components": [["standard", {}], *components], "fold": "fold0", "seed": 0}
    candidate |= {"control": "none", "trainer": {"max_epochs": 1, "batch_size": BATCH, "accelerator": "cpu"}}
    try:
        metrics = train_candidate(candidate, data, out, resume=False)
    finally:
        candidate_module.compose, _SWA.after_exchange = compose, after
    assert metrics["status"] == "ok", metrics["reason"]
    # The first steps warm up caches and allocators.
    return float(np.median(np.diff(watch.times)[2:])), passes[0] if passes else np.nan


def bare_times(activation: str, repeats: int) -> tuple[float, float]:
    """Return processor seconds of a bare forward/backward pass, and of a forward pass in training mode."""
    torch.manual_seed(0)
    settings = {"input_length": LENGTH, "output_length": LENGTH, "target": "binary", "n_tasks": 1}
    model = build("cnn_deep", **settings, channels=[[0]], n_controls=0, first_activation=activation).train()
    loss = make_loss("bce", channels=[[0]])
    x = one_hot(torch.randint(0, 4, (BATCH, LENGTH), dtype=torch.uint8))
    batch = {"target": torch.randint(0, 2, (BATCH, 1)).float()}
    both, forward = [], []
    for _ in range(repeats):
        start = time.process_time()
        model.zero_grad()
        loss(model(x), batch).backward()
        both.append(time.process_time() - start)
        start = time.process_time()
        with torch.no_grad():
            model(x)
        forward.append(time.process_time() - start)
    return float(np.median(both[2:])), float(np.median(forward[2:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=24)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    seen = []
    with tempfile.TemporaryDirectory() as folder:
        data = write_data(Path(folder) / "data", n_train=BATCH * arguments.steps)
        for index in range(arguments.rounds + 1):
            one_pass, forward = bare_times("relu", arguments.steps)
            # Another one first in each round: the machine's speed drifts.
            order = np.roll(list(CASES), index)
            times = {name: step_time(data, Path(folder) / "out", CASES[name][0]) for name in order}
            plain = times["standard"][0]
            for name, (step, statistics) in times.items():
                passes = CASES[name][1]
                seen.append((index, name, passes, step, plain + (passes - 1) * one_pass))
                if np.isfinite(statistics):
                    count = arguments.steps
                    seen.append((index, "swa, statistics of an averaging epoch", 0, statistics, count * forward))
    frame = pd.DataFrame(seen, columns=["round", "component", "passes", "step", "expected"])
    # The first round warms up.
    frame = frame[frame["round"] > 0].assign(ratio=lambda rows: rows["step"] / rows["expected"])
    rows = []
    names = [*CASES, "swa, statistics of an averaging epoch"]
    for name, part in ((name, frame[frame["component"] == name]) for name in names):
        rows.append(
            {
                "component": name,
                "passes": part["passes"].iloc[0] or f"{arguments.steps} forward",
                "step_ms": round(1000 * part["step"].median(), 2),
                "expected_ms": round(1000 * part["expected"].median(), 2),
                "ratio": round(part["ratio"].median(), 3),
                "lowest": round(part["ratio"].min(), 3),
                "highest": round(part["ratio"].max(), 3),
                "target": TARGET,
                "rounds": arguments.rounds,
                "torch": torch.__version__,
            }
        )
    result = pd.DataFrame(rows)
    print(result.to_string(index=False))
    result.to_csv(RESULTS, sep="\t", index=False)


if __name__ == "__main__":
    main()
