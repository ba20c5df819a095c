"""What trained members say of the sequences on which a student is to learn from them."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lucidna.dataset import Dataset
from lucidna.errors import UserError
from lucidna.files import atomic_path, read_json, sha256
from lucidna.models.store import load_model
from lucidna.training.evaluate import predict
from lucidna.training.recipes.entries.distillation import LEAST_MEMBERS

log = logging.getLogger(__name__)

# Of the variance, in squared logits or log counts: where all members agree its logarithm would be -inf.
EPSILON = 1e-6


class RunningMoments:
    """Mean and population variance of arrays of one shape that come one after the other (Welford, 1962).

    Two arrays of that shape are kept, whatever the number of members.
    """

    def __init__(self) -> None:
        self.n = 0
        self.mean: np.ndarray | None = None
        self.squares: np.ndarray | None = None

    def add(self, values: np.ndarray) -> None:
        """Take one more array."""
        values = np.asarray(values, dtype=np.float64)
        if self.mean is None:
            self.mean, self.squares = np.zeros_like(values), np.zeros_like(values)
        self.n += 1
        change = values - self.mean
        self.mean = self.mean + change / self.n
        self.squares = self.squares + change * (values - self.mean)

    def targets(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean and log(variance + `EPSILON`), float32."""
        return self.mean.astype(np.float32), np.log(self.squares / self.n + EPSILON).astype(np.float32)


@dataclass(frozen=True)
class Targets:
    """What the members of one teacher say in one fold.

    Attributes
    ----------
    row : numpy.ndarray
        int64 (n,), sorted: the training and validation rows; none where fewer than two members are left.
    mean, log_variance : numpy.ndarray
        float32 (n, T) over the members, of logits or log counts.
    members, left_out : list of str
        Ids of the networks that were asked, and of those whose training failed.
    kind : str
        Target of the data: "binary" or "counts".
    digest : str
        SHA-256 of the file.
    """

    row: np.ndarray
    mean: np.ndarray
    log_variance: np.ndarray
    members: list[str]
    left_out: list[str]
    kind: str
    digest: str = ""

    def obstacle(self) -> str | None:
        """Return why nothing can be learned from these members, or None."""
        if len(self.members) >= LEAST_MEMBERS:
            return None
        n = len(self.members) + len(self.left_out)
        return (
            f"distillation needs at least {LEAST_MEMBERS} members, and {len(self.left_out)} of {n} failed in training "
            f"({', '.join(self.left_out)}): mend these or give more seeds"
        )

    def at(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and log-variance of rows, (len(rows), T) each."""
        places = np.searchsorted(self.row, rows)
        if len(rows) and (places.max() == len(self.row) or not np.array_equal(self.row[places], rows)):
            raise UserError("the distillation targets are of other regions than the fold's: delete them and run again")
        return self.mean[places], self.log_variance[places]


def write_targets(
    path: str | os.PathLike,
    dataset_dir: str | os.PathLike,
    folders: Sequence[str | os.PathLike],
    *,
    fold: str,
    both_strands: bool,
) -> Targets:
    """Ask the members for the training and validation rows and write what they say; the test split is not read.

    One network is in memory at a time, and predictions are made batch by batch.

    Parameters
    ----------
    path : path
        Gets the attributes of `Targets` as .npz.
    dataset_dir : path
        Holds the arrays.
    folders : sequence of path
        The members' own, named by their ids; those whose metrics.json has the status "failed" are left out.
    fold : str
        Whose split to take.
    both_strands : bool
        Whether each member's output is averaged with that for the other strand.

    Returns
    -------
    Targets
        As written.

    Raises
    ------
    UserError
        When a member's files are missing or damaged.
    """
    dataset = Dataset.open(dataset_dir, fold=fold)
    rows = np.sort(np.concatenate([dataset.rows_of("train"), dataset.rows_of("valid")]))
    failed = {path for path in map(Path, folders) if read_json(path / "metrics.json")["status"] == "failed"}
    members = [path for path in map(Path, folders) if path not in failed]
    moments = RunningMoments()
    if len(members) < LEAST_MEMBERS:
        rows = rows[:0]
    else:
        for folder in members:
            moments.add(predict(load_model(folder), dataset, rows, rc_average=both_strands)["prediction"])
            log.info("%s  asked for %d regions", folder.name, len(rows))
    empty = np.zeros((0, len(dataset.info["tasks"])), dtype=np.float32)
    mean, log_variance = moments.targets() if moments.n else (empty, empty)
    arrays = {"row": rows, "mean": mean, "log_variance": log_variance}
    names = {"members": [path.name for path in members], "left_out": sorted(path.name for path in failed)}
    kind = dataset.info["target"]
    with atomic_path(path) as temporary:
        words = {key: np.array(value, dtype=np.str_) for key, value in {**names, "kind": kind}.items()}
        np.savez(temporary, **arrays, **words)
    return Targets(**arrays, **names, kind=kind)


def read_targets(path: str | os.PathLike) -> Targets:
    """Read what `write_targets` wrote.

    Raises
    ------
    UserError
        When the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as saved:
            arrays = {key: saved[key] for key in ("row", "mean", "log_variance")}
            words = {key: saved[key].tolist() for key in ("members", "left_out", "kind")}
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise UserError(f"{path} holds no distillation targets ({error}): delete it and run again") from error
    return Targets(**arrays, **words, digest=sha256(path))
