"""Speed of the training loop on the CPU: against the same loop without Lightning, and against bpnet-lite.

    pip install --no-deps --target PEERS -r benchmarks/recipes/bench_requirements.txt
    python benchmarks/recipes/bench_loop.py --peers PEERS --out benchmarks/results/recipes_speed.tsv

Random data, written as a dataset and read through its memory maps. One epoch of training steps, reading
included, validation and checkpoints left out, on one thread, in CPU time:

    ours         `CandidateModule` and `CandidateData` in the `Trainer` that a candidate gets, recipe `standard`
    bare         the same network, batches, augmentation and loss in a plain loop with the same optimizer
    bpnet-lite   `BPNet.fit` on its own `PeakNegativeSampler` in a `DataLoader` without worker processes, the
                 same sequences (one-hot int8 in memory), signals, window, jitter, strands and optimizer

cnn_deep: 200 bp, batches of 128. BPNet: 64 filters, 8 layers, 2,114 bp to 1,000 bp of two strands without
controls, batches of 64, jitter of 128 bp. The networks of the two packages differ slightly: bpnet-lite
computes its profile on the whole window and cuts it.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytorch_lightning as pl
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "workflow" / "scripts"), str(Path(__file__).parent)]

from bench_table import Task, interleave, ratio_of, row, write  # noqa: E402
from lucidna.dataset import Dataset  # noqa: E402
from lucidna.models.names import ARCHITECTURES  # noqa: E402
from lucidna.processor import keep_freed_memory  # noqa: E402
from lucidna.sequence import one_hot, one_hot_numpy  # noqa: E402
from lucidna.training.candidate import CandidateRun  # noqa: E402
from lucidna.training.data import CandidateData  # noqa: E402
from lucidna.training.module import CandidateModule  # noqa: E402
from lucidna.training.recipes.base import StepContext  # noqa: E402

N_VALID = 32
CASES = {
    "cnn_deep": {"target": "binary", "input": 200, "output": 200, "jitter": 8, "batch": 128, "batches": 40},
    "bpnet": {"target": "profile", "input": 2114, "output": 1000, "jitter": 128, "batch": 64, "batches": 4},
}


def write_random_dataset(folder: Path, case: dict) -> None:
    """Write random sequences, and sparse counts on two strands for profiles."""
    rng = np.random.default_rng(0)
    n = case["batch"] * case["batches"] + N_VALID
    sequences = rng.integers(0, 4, (n, case["input"] + 2 * case["jitter"]), dtype=np.uint8)
    peak = np.arange(n) % 2 == 0
    profile = case["target"] == "profile"
    targets = peak[:, None].astype(np.float32)
    tracks = []
    (folder / "folds").mkdir(parents=True)
    if profile:
        signals = rng.poisson(0.1, (n, 2, case["output"] + 2 * case["jitter"])).astype(np.float32)
        np.save(folder / "signals.npy", signals)
        centre = signals[..., case["jitter"] : case["jitter"] + case["output"]]
        targets = np.log1p(centre.sum(axis=(1, 2)))[:, None]
        tracks = [{"name": "track", "channels": [0, 1], "control": [], "scale": 1.0}]
    np.save(folder / "sequences.npy", sequences)
    np.save(folder / "targets.npy", targets)
    ids = [f"region_{i}" for i in range(n)]
    columns = {"region_id": ids, "chrom": "chr1", "start": 0, "end": case["input"], "summit": 0, "strand": "."}
    roles = {"role": np.where(peak, "peak", "negative"), "name": ".", "gc": 0.5, "source_line": 1}
    pd.DataFrame({**columns, **roles}).to_csv(folder / "rows.tsv", sep="\t", index=False)
    split = np.where(np.arange(n) < n - N_VALID, "train", "valid")
    pd.DataFrame({"region_id": ids, "split": split}).to_csv(folder / "folds" / "fold0.tsv", sep="\t", index=False)
    info = {
        "kind": "genome",
        "target": case["target"],
        "n_regions": n,
        "window": {key: case[key] for key in ("input", "output", "jitter")},
        "tasks": ["track" if profile else "peak"],
        "tracks": tracks,
        "n_controls": 0,
        "digest": "none",
    }
    (folder / "dataset.json").write_text(json.dumps(info))


class _Clock(pl.Callback):
    """CPU seconds from the start of the epoch to the end of its last training batch."""

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.start = time.process_time()

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *rest: object) -> None:
        self.seconds = time.process_time() - self.start


class Ours:
    """One epoch with Lightning, or bare."""

    def __init__(self, name: str, case: dict, dataset: Dataset, out: Path) -> None:
        candidate = {
            "id": name,
            "architecture": name,
            "class": name,
            "arguments": ARCHITECTURES[name],
            "recipe": "standard",
            "components": [["standard", {}]],
            "fold": "fold0",
            "seed": 0,
            "trainer": {"max_epochs": 1, "batch_size": case["batch"], "accelerator": "cpu"},
        }
        self.run = CandidateRun(candidate, dataset, out)
        self.dataset = dataset

    def parts(self) -> tuple[CandidateModule, CandidateData]:
        """Return a fresh network in its module, and its data."""
        module = CandidateModule(
            self.run.build(),
            reader=self.run.reader,
            loss=self.run.loss,
            recipe=self.run.recipe,
            stages=self.run.stages,
            stage_index=0,
            settings=self.run.settings,
            seed=0,
        )
        data = CandidateData(
            self.dataset, batch_size=self.run.settings["batch_size"], seed=0, jitter=module.recipe.jitter()
        )
        return module, data

    def with_lightning(self) -> float:
        """Return the seconds of the training steps of one epoch."""
        module, data = self.parts()
        clock = _Clock()
        self.run.trainer(self.run.stages[0], [clock]).fit(module, datamodule=data)
        return clock.seconds

    def bare(self) -> float:
        """Return the same without Lightning."""
        module, data = self.parts()
        data.trainer = type("Trainer", (), {"current_epoch": 0, "global_rank": 0, "world_size": 1})()
        recipe, model, loss = module.recipe, module.model.train(), self.run.loss
        generator = torch.Generator().manual_seed(0)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True, **recipe.optimizer_arguments())
        total = torch.zeros((), dtype=torch.float64)
        start = time.process_time()
        for step, batch in enumerate(data.train_dataloader()):
            context = StepContext(
                model=model,
                loss=loss,
                generator=generator,
                epoch=0,
                step=step,
                signal_order=module.signal_order,
                control_order=module.control_order,
            )
            augmented = recipe.augment_batch(batch, context)
            x, augmented = recipe.augment_onehot(one_hot(augmented["codes"]), augmented, context)
            value = loss(model(x, augmented.get("control")), augmented)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            total += value.detach() * len(x)
        return time.process_time() - start


class _TimedLoader:
    """Notes the CPU seconds from before the first batch to after the step on the last."""

    def __init__(self, loader: torch.utils.data.DataLoader) -> None:
        self.loader = loader

    def __iter__(self) -> Iterator:
        start = time.process_time()
        yield from self.loader
        self.seconds = time.process_time() - start


def lightning_epoch(name: str, work: str) -> Callable[[], float]:
    """Return an epoch of ours."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    keep_freed_memory()
    return Ours(name, CASES[name], Dataset.open(f"{work}/data", fold="fold0"), Path(work, "out")).with_lightning


def bare_epoch(name: str, work: str) -> Callable[[], float]:
    """Return an epoch of the plain loop."""
    keep_freed_memory()
    return Ours(name, CASES[name], Dataset.open(f"{work}/data", fold="fold0"), Path(work, "out")).bare


def peer_epoch(name: str, work: str) -> Callable[[], float]:
    """Return an epoch of `BPNet.fit`; its files go to the working directory."""
    from bpnetlite import BPNet
    from bpnetlite.io import PeakNegativeSampler

    os.chdir(work)
    case, dataset = CASES[name], Dataset.open(f"{work}/data", fold="fold0")
    train, valid = dataset.rows_of("train"), dataset.rows_of("valid")
    peak = dataset.rows["role"].to_numpy()[train] == "peak"
    x = torch.from_numpy(one_hot_numpy(np.asarray(dataset.sequences[train]), dtype=np.int8))
    y = torch.from_numpy(np.array(dataset.signals[train]))
    centre = slice(case["jitter"], -case["jitter"])
    sampler = PeakNegativeSampler(
        x[peak],
        y[peak],
        x[~peak, :, centre],
        y[~peak, :, centre],
        negative_ratio=1.0,
        in_window=case["input"],
        out_window=case["output"],
        max_jitter=case["jitter"],
        reverse_complement=True,
        random_state=0,
    )
    loader = _TimedLoader(torch.utils.data.DataLoader(sampler, batch_size=case["batch"], num_workers=0))
    held_out = {
        "X_valid": torch.from_numpy(one_hot_numpy(dataset.sequences[valid][:, centre])),
        "y_valid": torch.from_numpy(dataset.signals[valid][..., centre].copy()),
    }

    def epoch() -> float:
        model = BPNet(
            n_filters=ARCHITECTURES["bpnet"]["n_filters"],
            n_layers=ARCHITECTURES["bpnet"]["n_layers"],
            n_outputs=2,
            n_control_tracks=0,
            trimming=(case["input"] - case["output"]) // 2,
            verbose=False,
        )
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        with contextlib.redirect_stdout(io.StringIO()):
            model.fit(loader, optimizer, **held_out, max_epochs=1, batch_size=64, device="cpu")
        return loader.seconds

    return epoch


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--peers", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--case", choices=[*CASES, "all"], default="all")
    arguments = parser.parse_args()
    sys.path.append(str(arguments.peers.resolve()))
    rows = []
    for name, case in CASES.items():
        if arguments.case not in (name, "all"):
            continue
        with tempfile.TemporaryDirectory() as work:
            write_random_dataset(Path(work, "data"), case)
            tasks = {"ours": Task(lightning_epoch, (name, work)), "bare": Task(bare_epoch, (name, work))}
            if name == "bpnet":
                tasks["peer"] = Task(peer_epoch, (name, work))
            seconds = interleave(tasks, rounds=arguments.rounds, threads=1)
        step = {key: statistics.median(values) / case["batches"] for key, values in seconds.items()}
        sizes = f"batch {case['batch']}, {case['input']} bp"
        rows.append(
            row(
                what=f"training loop of {name}: Lightning against bare",
                unit="CPU ms per step",
                ours=1e3 * step["ours"],
                peer=1e3 * step["bare"],
                ratio=ratio_of(seconds["ours"], seconds["bare"]),
                target="at most 1.05",
                sizes=sizes,
            )
        )
        if "peer" in tasks:
            rows.append(
                row(
                    what=f"training loop of {name}: against bpnet-lite 1.1.0",
                    unit="steps per CPU second",
                    ours=1 / step["ours"],
                    peer=1 / step["peer"],
                    ratio=ratio_of(seconds["peer"], seconds["ours"]),
                    target="at least 1.3",
                    sizes=sizes,
                )
            )
    write(arguments.out, rows)


if __name__ == "__main__":
    main()
