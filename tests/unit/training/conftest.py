"""Tiny data sets with a planted motif, written by hand in the format on disk."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
import torch

MOTIF = np.array([3, 2, 0, 1, 3, 1, 0], dtype=np.uint8)  # TGACTCA


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def write_dataset(
    directory,
    *,
    n=300,
    input_length=64,
    output_length=40,
    jitter=4,
    target="counts",
    controls=False,
    seed=0,
):
    """Half of the rows are peaks with one or two planted motifs; a stranded and a plain track follow them."""
    rng = np.random.default_rng(seed)
    width, out_width = input_length + 2 * jitter, output_length + 2 * jitter
    sequences = rng.integers(0, 4, (n, width), dtype=np.uint8)
    peak = np.arange(n) % 2 == 0
    for row in np.flatnonzero(peak):
        for start in rng.choice([width // 2 - 14, width // 2 + 6], size=rng.integers(1, 3), replace=False):
            sequences[row, start : start + len(MOTIF)] = MOTIF
    rate = np.where(peak, 6.0, 0.5)[:, None, None] * np.array([1.0, 0.7, 1.5])[None, :, None]
    shape = np.exp(-(((np.arange(out_width) - out_width / 2) / 6.0) ** 2))
    signals = rng.poisson(rate * (0.05 + shape)).astype(np.float32)
    control = rng.poisson(0.5, (n, 1, out_width)).astype(np.float32)
    channels = [[0, 1], [2]]
    centre = signals[..., jitter : jitter + output_length]
    log_counts = np.log1p(np.stack([centre[:, rows].sum(axis=(1, 2)) for rows in channels], axis=1))
    binary = target == "binary"
    targets = peak[:, None].astype(np.float32) if binary else log_counts.astype(np.float32)
    tracks = [
        {"name": "stranded", "channels": [0, 1], "control": [0] if controls else [], "scale": 1.0},
        {"name": "plain", "channels": [2], "control": [], "scale": 1.0},
    ]
    chromosome = np.repeat(["chr1", "chr2", "chr3"], [n - 2 * (n // 4), n // 4, n // 4])
    rows = pd.DataFrame(
        {
            "region_id": [f"{'peak' if p else 'negative'}_{i // 2 + 1}" for i, p in enumerate(peak)],
            "chrom": chromosome,
            "start": 1000 * np.arange(n),
            "end": 1000 * np.arange(n) + input_length,
            "summit": 1000 * np.arange(n) + input_length // 2,
            "strand": ".",
            "role": np.where(peak, "peak", "negative"),
            "name": ".",
            "gc": 0.5,
            "source_line": np.arange(n) + 1,
        }
    )
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "folds").mkdir(exist_ok=True)
    np.save(directory / "sequences.npy", sequences)
    np.save(directory / "targets.npy", targets)
    if not binary:
        np.save(directory / "signals.npy", signals)
    if controls:
        np.save(directory / "controls.npy", control)
    rows.to_csv(directory / "rows.tsv", sep="\t", index=False)
    split = pd.Series(chromosome).map({"chr1": "train", "chr2": "valid", "chr3": "test"})
    pd.DataFrame({"region_id": rows["region_id"], "split": split}).to_csv(
        directory / "folds" / "fold0.tsv", sep="\t", index=False
    )
    info = {
        "kind": "genome",
        "target": target,
        "n_regions": n,
        "window": {"input": input_length, "output": output_length, "jitter": jitter},
        "tasks": ["binary"] if binary else ["stranded", "plain"],
        "tracks": [] if binary else tracks,
        "n_controls": int(controls),
        "digest": hashlib.sha256(sequences.tobytes() + targets.tobytes()).hexdigest(),
    }
    (directory / "dataset.json").write_text(json.dumps(info))
    return directory


@pytest.fixture
def make_dataset(tmp_path):
    """Write a data set below the test's folder and return its path."""

    def make(name="data", **settings):
        return write_dataset(tmp_path / name, **settings)

    return make


def make_candidate(**changes):
    """Return the settings of a small candidate; `trainer` is merged, everything else replaces."""
    trainer = {"max_epochs": 3, "batch_size": 32, "learning_rate": 0.002, "patience": 20}
    trainer.update(changes.pop("trainer", {}))
    candidate = {
        "id": "small-standard-fold0-s0-0123abcd",
        "architecture": "small",
        "class": "cnn_deep",
        "arguments": {
            "filters": [16, 16],
            "kernel_sizes": [9, 5],
            "pool_sizes": [1, 4],
            "dense": [16],
            "dropout": 0.1,
        },
        "recipe": "standard",
        "components": [["standard", {}]],
        "fold": "fold0",
        "fold_split": {"valid": ["chr2"], "test": ["chr3"]},
        "seed": 0,
        "control": "none",
        "trainer": trainer,
    }
    candidate.update(changes)
    return candidate


@pytest.fixture
def candidate():
    """Make candidates: `candidate(seed=1, trainer={...})`."""
    return make_candidate
