"""A difficulty on disk: the drawn set as a dataset of lucidna, and its truth beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from benchcommon.standard import draw_set, generated_motifs, motifs_of_file
from lucidna.dataset import Dataset
from lucidna.dataset_files import save_array, write_tables
from lucidna.errors import UserError
from lucidna.files import write_tsv

FOLD = "drawn"
"""Name of the one fold: the splits of the drawn set."""

SIZES = ("train", "valid", "test")

_KEYS = {"seed", "n", "length", *SIZES, "shown", "motifs"}
_OPTIONAL = {"gc", "noise"}


def write_set(spec: Mapping, directory: Path) -> Dataset:
    """Draw a difficulty and write it as a dataset, with truth.npy and shown.npy beside the arrays.

    Parameters
    ----------
    spec
        seed, n, length, train, valid, test (rows of every split that are used), shown (test positives whose maps are
        judged), motifs (generated: {core, pool, width, bits}, or meme: {meme, core, pool}); optional gc (range) and
        noise (share of the training and validation labels that are flipped).
    directory
        Made if missing.

    Raises
    ------
    UserError
        For an unknown or missing key, when a split has fewer rows than asked for, or fewer positives than are shown.
    """
    if not _KEYS <= set(spec) <= _KEYS | _OPTIONAL:
        raise UserError(
            f"a difficulty has the keys {', '.join(spec)}: give {', '.join(sorted(_KEYS))}, at most also gc, noise"
        )
    seed = spec["seed"]
    core, pool = _motifs(spec["motifs"], seed=seed)
    codes, labels, truth, splits = draw_set(spec, core, pool, seed=seed)
    for name in SIZES:
        if spec[name] > len(splits[name]):
            raise UserError(f"{name}: {spec[name]} is more than the {len(splits[name])} rows of n {spec['n']}: raise n")
    of_split = {name: splits[name][: spec[name]] for name in SIZES}
    rows = np.concatenate([of_split[name] for name in SIZES])
    split = np.repeat(SIZES, [spec[name] for name in SIZES])
    seen = labels[rows].astype(np.float32)
    rng = np.random.default_rng(10 * seed + 6)
    flipped = (rng.random(len(rows)) < spec.get("noise", 0.0)) & (split != "test")
    seen[flipped] = 1 - seen[flipped]
    positives = np.flatnonzero((split == "test") & (labels[rows] == 1))
    if len(positives) < spec["shown"]:
        raise UserError(f"shown: {spec['shown']} is more than the {len(positives)} positives of test: raise test")

    directory.mkdir(parents=True, exist_ok=True)
    save_array(directory / "sequences.npy", codes[rows])
    save_array(directory / "truth.npy", truth[rows[positives[: spec["shown"]]]])
    save_array(directory / "shown.npy", positives[: spec["shown"]])
    table = _table(seen, codes[rows])
    write_tables(
        directory,
        rows=table,
        targets=seen[:, None],
        description={
            "kind": "sequences",
            "target": "binary",
            "window": {"input": spec["length"], "output": spec["length"], "jitter": 0},
            "tasks": ["positive"],
            "tracks": [],
            "n_controls": 0,
        },
    )
    write_tsv(directory / "folds" / f"{FOLD}.tsv", pd.DataFrame({"region_id": table["region_id"], "split": split}))
    return Dataset.open(directory, fold=FOLD)


def _motifs(spec: Mapping, *, seed: int) -> tuple[dict, dict]:
    kinds = {"generated": generated_motifs, "meme": motifs_of_file}
    if len(spec) != 1 or next(iter(spec)) not in kinds:
        raise UserError(f"motifs: {dict(spec)!r} is neither generated: {{...}} nor meme: {{...}}: give one of them")
    kind, settings = next(iter(spec.items()))
    return kinds[kind](settings, seed=seed)


def _table(labels: np.ndarray, codes: np.ndarray) -> pd.DataFrame:
    places = np.arange(len(labels))
    return pd.DataFrame(
        {
            "region_id": [f"sequence_{place + 1}" for place in places],
            "chrom": "synthetic",
            "start": 0,
            "end": codes.shape[1],
            "summit": codes.shape[1] // 2,
            "strand": ".",
            "role": np.where(labels == 1, "peak", "negative"),
            "name": ".",
            "gc": np.isin(codes, (1, 2)).mean(axis=1).round(4),
            "source_line": places + 1,
        }
    )
