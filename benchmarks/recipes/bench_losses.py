"""Time a training step of each component against the forward and backward passes that it must do by definition.

    PYTHONPATH=workflow/scripts python benchmarks/recipes/bench_losses.py [--rounds 15]

In each round every pass and every step is done once, in random order, on one thread; times are processor times of
this process, so that other work on the machine changes neither side. A step is `CandidateModule.training_step`
and its backward pass, codes to gradients of the weights; the optimizer, the same for all, is left out. The passes are
written bare, on the same network, from one-hot columns that are there already:

train    forward in training mode, the loss, backward to the weights
attack   forward in evaluation mode, the loss, backward to the input
double   forward in training mode, the loss, backward to the input, kept in the graph, then backward to the weights
         from the loss and from the gradient's square: three passes, of which the last goes through both others

ratio is the median over rounds of step / passes, and low and high its quartiles; times is step / plain training step.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytorch_lightning
import torch

from lucidna.dataset import Dataset
from lucidna.models import build
from lucidna.sequence import one_hot
from lucidna.training.batches import BatchReader
from lucidna.training.losses import make_loss
from lucidna.training.module import CandidateModule
from lucidna.training.names import resolve_trainer
from lucidna.training.recipes import compose
from lucidna.training.recipes.base import Stage
from lucidna.training.recipes.input_gradient import explained_outputs

RESULTS = Path(__file__).resolve().parents[1] / "results" / "recipes_losses_speed.tsv"
TARGET = 1.15
NETWORKS = {
    "cnn_deep, 200 bp, batch 128": {
        "name": "cnn_deep",
        "length": 200,
        "batch": 128,
        "target": "binary",
        "tracks": [],
        "arguments": {},
    },
    "bpnet, 32 filters, 6 layers, 512 bp, batch 32": {
        "name": "bpnet",
        "length": 512,
        "batch": 32,
        "target": "profile",
        "tracks": [{"name": "track", "channels": [0, 1], "control": [], "scale": 1.0}],
        "arguments": {"n_filters": 32, "n_layers": 6},
    },
}
# Component, arguments, and how many of each pass it must do.
STEPS = [
    (None, {}, {"train": 1}),
    ("fourier_prior", {}, {"double": 1}),
    ("angle_penalty", {}, {"double": 1}),
    ("jacobian_penalty", {}, {"double": 1}),
    ("fourier_prior + angle_penalty + jacobian_penalty", {}, {"double": 1}),
    ("adversarial", {"method": "fgsm"}, {"attack": 1, "train": 2}),
    ("adversarial", {"steps": 5}, {"attack": 5, "train": 2}),
    ("adversarial", {"steps": 20}, {"attack": 20, "train": 2}),
    ("adversarial", {"steps": 5, "mixed_epochs": 0}, {"attack": 5, "train": 1}),
    ("mixup", {}, {"train": 2}),
    ("manifold_mixup", {}, {"train": 2}),
    ("input_noise", {}, {"train": 1}),
    ("manifold_noise", {}, {"train": 1}),
    ("label_smoothing", {}, {"train": 1}),
]
# Forward and backward passes in each kind.
COUNTS = {
    "train": "1 forward, 1 backward",
    "attack": "1 forward, 1 backward to the input",
    "double": "1 forward, 1 backward to the input, 1 backward through both",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for label, network in NETWORKS.items() for row in bench(label, network, rounds, Path(folder))]
    with RESULTS.open("w") as file:
        file.write(f"# bench_losses.py: processor time of one thread, {rounds} rounds in random order\n")
        file.write(f"# torch={torch.__version__} pytorch-lightning={pytorch_lightning.__version__}\n")
        pd.DataFrame(rows).to_csv(file, sep="\t", index=False)


def bench(label: str, network: dict, rounds: int, folder: Path) -> list[dict]:
    """Return one row per component for a network."""
    reader = random_data(network, folder / network["name"])
    batch = reader.read(np.arange(network["batch"]))
    bare = Bare(network, batch)
    jobs = {("pass", kind): getattr(bare, kind) for kind in COUNTS}
    for component, arguments, _ in STEPS:
        if component == "label_smoothing" and network["target"] != "binary":
            continue
        jobs["step", component, repr(arguments)] = step(network, reader, batch, component, arguments)
    times = {key: [] for key in jobs}
    order = random.Random(0)
    for turn in range(rounds + 1):
        for key in order.sample(list(jobs), len(jobs)):
            start = time.process_time()
            jobs[key]()
            if turn:  # The first round warms up.
                times[key].append(time.process_time() - start)
    times = {key: np.array(values) for key, values in times.items()}
    plain = times["step", None, "{}"]
    rows = []
    for component, arguments, needed in STEPS:
        if ("step", component, repr(arguments)) not in times:
            continue
        taken = times["step", component, repr(arguments)]
        passes = sum(number * times["pass", kind] for kind, number in needed.items())
        ratios = taken / passes
        low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
        rows.append(
            {
                "network": label,
                "component": component or "none",
                "arguments": ", ".join(f"{key}: {value}" for key, value in arguments.items()),
                "passes": "; ".join(f"{number} x ({COUNTS[kind]})" for kind, number in needed.items()),
                "passes_ms": round(1000 * float(np.median(passes)), 1),
                "step_ms": round(1000 * float(np.median(taken)), 1),
                "ratio": round(middle, 3),
                "low": round(low, 3),
                "high": round(high, 3),
                "target": TARGET,
                "times": round(float(np.median(taken / plain)), 2),
            }
        )
    return rows


def random_data(network: dict, folder: Path) -> BatchReader:
    """Write one batch of random sequences, half of them positive, or with Poisson profiles, and open it."""
    rng = np.random.default_rng(0)
    n, length = network["batch"], network["length"]
    targets = (np.arange(n) % 2)[:, None].astype(np.float32)
    folder.mkdir()
    if network["target"] == "profile":
        signals = rng.poisson(0.5, (n, 2, length)).astype(np.float32)
        targets = np.log1p(signals.sum(axis=(1, 2)))[:, None].astype(np.float32)
        np.save(folder / "signals.npy", signals)
    np.save(folder / "sequences.npy", rng.integers(0, 4, (n, length), dtype=np.uint8))
    np.save(folder / "targets.npy", targets)
    names = [f"region_{row}" for row in range(n)]
    rows = {"region_id": names, "chrom": "chr1", "start": 0, "end": length, "summit": length // 2, "strand": "."}
    rows |= {"role": "peak", "name": ".", "gc": 0.5, "source_line": 1}
    pd.DataFrame(rows).to_csv(folder / "rows.tsv", sep="\t", index=False)
    (folder / "folds").mkdir()
    pd.DataFrame({"region_id": names, "split": "train"}).to_csv(folder / "folds" / "fold0.tsv", sep="\t", index=False)
    info = {
        "kind": "genome",
        "target": network["target"],
        "n_regions": n,
        "window": {"input": length, "output": length, "jitter": 0},
        "tasks": [track["name"] for track in network["tracks"]] or ["binary"],
        "tracks": network["tracks"],
        "n_controls": 0,
        "digest": "none",
    }
    (folder / "dataset.json").write_text(json.dumps(info))
    return BatchReader(Dataset.open(folder, fold="fold0"))


def parts(network: dict) -> tuple:
    """Return a fresh network and its loss."""
    torch.manual_seed(0)
    channels = [[0, 1]] if network["tracks"] else [[0]]
    model = build(
        network["name"],
        input_length=network["length"],
        output_length=network["length"],
        target=network["target"],
        n_tasks=1,
        channels=channels,
        n_controls=0,
        **network["arguments"],
    )
    name = resolve_trainer({}, target=network["target"])["loss"]
    return model.train(), make_loss(name, channels=channels, count_weight=[1.0])


class Bare:
    """The passes, without the library's training code around them."""

    def __init__(self, network: dict, batch: dict) -> None:
        self.model, self.loss = parts(network)
        self.channels = self.model.build_arguments["channels"]
        self.batch, self.x = batch, one_hot(batch["codes"])

    def train(self) -> None:
        self.model.zero_grad()
        self.loss(self.model(self.x), self.batch).backward()

    def attack(self) -> None:
        self.model.eval()
        x = self.x.clone().requires_grad_()
        torch.autograd.grad(self.loss(self.model(x), self.batch), x)
        self.model.train()

    def double(self) -> None:
        self.model.zero_grad()
        x = self.x.clone().requires_grad_()
        prediction = self.model(x)
        loss = self.loss(prediction, self.batch)
        outputs = explained_outputs(prediction, channels=self.channels)
        (gradient,) = torch.autograd.grad(outputs.sum(), x, create_graph=True)
        (loss + gradient.square().mean()).backward()


def step(network: dict, reader: BatchReader, batch: dict, component: str | None, arguments: dict):
    """Return a training step with one component, or with several of default arguments."""
    model, loss = parts(network)
    names = component.split(" + ") if component else []
    module = CandidateModule(
        model,
        reader=reader,
        loss=loss,
        recipe=compose([[name, arguments] for name in names]),
        stages=[Stage("train", 5, 1, 1e-3)],
        stage_index=0,
        settings=resolve_trainer({}, target=network["target"]),
        seed=0,
    ).train()
    module.on_train_epoch_start()

    def once() -> None:
        model.zero_grad()
        module.training_step(batch, 1).backward()

    return once


if __name__ == "__main__":
    main()
