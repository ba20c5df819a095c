"""Write the files of a dataset, which `dataset.Dataset` reads: arrays, the table of regions, what describes them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lucidna.dataset import COLUMNS
from lucidna.errors import UserError
from lucidna.extract import extract
from lucidna.files import atomic_path, sha256, write_json, write_tsv
from lucidna.genome import Genome
from lucidna.tracks import Track, controls_of, signals_of

TARGETS = ("binary", "counts", "profile")
ARRAYS = ("sequences.npy", "signals.npy", "controls.npy", "targets.npy")


def write_dataset(
    directory: str | os.PathLike,
    *,
    rows: pd.DataFrame,
    genome: Genome,
    tracks: Sequence[Track],
    window: Mapping[str, int],
    target: str,
    threads: int = 1,
) -> dict[str, Any]:
    """Write rows.tsv, the arrays and dataset.json of a dataset cut from a genome.

    Parameters
    ----------
    directory : path
        Receives the files.
    rows : pandas.DataFrame
        One line per region, N in all, with the columns of `COLUMNS` ("gc" may be absent and is then computed:
        the fraction of G and C among the known bases of the input window). "chrom" is the genome's name,
        "summit" the 0-based centre of the windows, "role" peak or negative.
    genome : Genome
        From `open_genome`.
    tracks : sequence of Track
        T tracks; may be empty when `target` is "binary".
    window : mapping
        "input", "output" and "jitter", bp.
    target : {"binary", "counts", "profile"}
        binary: targets.npy (N, 1), 1 for peaks. counts, profile: (N, T), log(1 + the signal summed over the
        strands and the output window without jitter).
    threads : int
        Threads that decode bigWigs.

    Returns
    -------
    dict
        The content of dataset.json.

    Raises
    ------
    UserError
        When rows are unusable (a missing column, a repeated id, an unknown role, a window that leaves its
        chromosome), when `target` needs tracks and there are none, or as `extract` raises.
    """
    directory = Path(directory)
    _check_rows(rows)
    if target not in TARGETS:
        raise UserError(f"target {target!r} is not one of {', '.join(TARGETS)}: correct `target`")
    if target != "binary" and not tracks:
        raise UserError(f"target {target!r} needs tracks: give a sheet as `tracks`, or set target: binary")
    (directory / "dataset.json").unlink(missing_ok=True)  # it says that the other files are whole
    sums = extract(
        genome,
        tracks,
        rows["chrom"].to_numpy(dtype=object),
        rows["summit"].to_numpy(),
        input_length=window["input"],
        output_length=window["output"],
        jitter=window["jitter"],
        directory=directory,
        threads=threads,
    )
    if "gc" not in rows:
        sequences = np.load(directory / "sequences.npy", mmap_mode="r")
        rows = rows.assign(gc=_gc(sequences, window["jitter"], window["input"]))
    if target == "binary":
        targets, tasks = (rows["role"] == "peak").to_numpy(np.float32)[:, None], ["peak"]
    else:
        targets, tasks = np.log1p(sums).astype(np.float32), [track.name for track in tracks]
    controls, control_channels = controls_of(tracks)
    described = [
        {"name": track.name, "channels": own, "control": control, "scale": track.scale}
        for track, own, control in zip(tracks, signals_of(tracks)[1], control_channels, strict=True)
    ]
    return write_tables(
        directory,
        rows=rows,
        targets=targets,
        description={
            "kind": "genome",
            "target": target,
            "window": {key: int(window[key]) for key in ("input", "output", "jitter")},
            "tasks": tasks,
            "tracks": described,
            "n_controls": len(controls),
        },
    )


def write_tables(
    directory: str | os.PathLike, *, rows: pd.DataFrame, targets: np.ndarray, description: Mapping[str, Any]
) -> dict[str, Any]:
    """Write targets.npy, rows.tsv and, last, dataset.json with the digest of the arrays and the rows.

    Parameters
    ----------
    directory : path
        Already holds sequences.npy, and signals.npy and controls.npy where the dataset has them.
    rows : pandas.DataFrame
        As for `write_dataset`; further columns follow those of `COLUMNS`.
    targets : numpy.ndarray
        float32 (N, T).
    description : mapping
        The fields of dataset.json without "n_regions" and "digest".

    Returns
    -------
    dict
        The content of dataset.json.
    """
    directory = Path(directory)
    save_array(directory / "targets.npy", targets)
    write_tsv(directory / "rows.tsv", rows[[*COLUMNS, *(name for name in rows if name not in COLUMNS)]])
    # Arrays of a dataset that stood here before must not be taken for this one's.
    for name, absent in (
        ("signals.npy", not description["tracks"]),
        ("controls.npy", not description["n_controls"]),
    ):
        if absent:
            (directory / name).unlink(missing_ok=True)
    info = {
        "kind": description["kind"],
        "target": description["target"],
        "n_regions": len(rows),
        **{key: description[key] for key in ("window", "tasks", "tracks", "n_controls")},
        "digest": digest(directory),
    }
    write_json(directory / "dataset.json", info)
    return info


def save_array(path: str | os.PathLike, values: np.ndarray) -> None:
    """Write an array as .npy."""
    with atomic_path(path) as temporary, temporary.open("wb") as handle:
        np.save(handle, values, allow_pickle=False)


def digest(directory: str | os.PathLike) -> str:
    """Return the SHA-256 over the names and the SHA-256s of the arrays and rows.tsv in a dataset's folder."""
    files = [Path(directory) / name for name in (*ARRAYS, "rows.tsv")]
    lines = [f"{path.name} {sha256(path)}\n" for path in files if path.exists()]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _check_rows(rows: pd.DataFrame) -> None:
    missing = [column for column in COLUMNS if column not in rows and column != "gc"]
    if missing:
        raise UserError(f"the table of regions has no column {missing[0]!r}: it needs {', '.join(COLUMNS)}")
    if not len(rows):
        raise UserError("no region is left: see dropped.tsv for the reasons")
    twice = rows["region_id"][rows["region_id"].duplicated()]
    if len(twice):
        raise UserError(f"region {twice.iloc[0]!r} appears twice: give every region an id of its own")
    strange = rows["role"][~rows["role"].isin(["peak", "negative"])]
    if len(strange):
        raise UserError(f"role {strange.iloc[0]!r} of a region is neither peak nor negative: correct it")


def _gc(sequences: np.ndarray, jitter: int, length: int) -> np.ndarray:
    """Return float64 (N,), G and C among the known bases of the input windows; 0 where none is known."""
    out = np.zeros(len(sequences))
    for start in range(0, len(sequences), 4096):
        codes = sequences[start : start + 4096, jitter : jitter + length]
        known = (codes < 4).sum(axis=1)
        out[start : start + 4096] = ((codes == 1) | (codes == 2)).sum(axis=1) / np.maximum(known, 1)
    return out.round(4)
