"""Batches from the memory-mapped arrays, whole at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from lucidna.channels import n_controls, task_channels
from lucidna.dataset import Dataset
from lucidna.errors import UserError
from lucidna.training.seeds import derive_seed


class BatchReader:
    """Reads rows of a dataset as a batch of tensors on the CPU.

    Parameters
    ----------
    dataset : Dataset
        Opened with or without a fold.
    """

    def __init__(self, dataset: Dataset) -> None:
        window = dataset.info["window"]
        self.dataset = dataset
        self.target: str = dataset.info["target"]
        self.jitter = int(window["jitter"] or 0)
        self.input_length, self.output_length = int(window["input"]), int(window["output"])
        self.channels = task_channels(dataset)
        self.n_controls = n_controls(dataset)

    def usable_margin(self, wanted: int) -> int:
        """Return the bp on each side of the output window, at most `wanted`, that lie in the input window."""
        start = self.input_length // 2 - self.output_length // 2
        return min(wanted, start, self.input_length - self.output_length - start)

    def read(
        self,
        rows: np.ndarray,
        *,
        shifts: np.ndarray | None = None,
        label_rows: np.ndarray | None = None,
        margin: int = 0,
    ) -> dict[str, Tensor]:
        """Return the batch of `rows`.

        Parameters
        ----------
        rows : numpy.ndarray
            int64 (n,).
        shifts : numpy.ndarray, optional
            int64 (n,), bp to the right from the centre, within the dataset's jitter. Targets that are sums of
            a shifted signal are summed anew.
        label_rows : numpy.ndarray, optional
            int64 (n,), the rows that targets and signals are taken from, by default `rows`.
        margin : int
            For profiles: bp by which signals and controls are wider than the output window on each side, zero
            where the dataset holds none; targets are of the window alone.

        Returns
        -------
        dict of Tensor
            `row` int64 (n,), `codes` uint8 (n, L), `target` float32 (n, T), `signal` float32 (n, C, L_out)
            for profiles, `control` float32 (n, K, L_out) where a network reads them.
        """
        dataset = self.dataset
        label_rows = rows if label_rows is None else label_rows
        starts = np.full(len(rows), self.jitter) if shifts is None else self.jitter + shifts
        batch = {
            "row": np.asarray(rows, dtype=np.int64),
            "codes": _crop(dataset.sequences[rows], starts, self.input_length),
            "target": np.asarray(dataset.targets[label_rows], dtype=np.float32),
        }
        sums_signal = shifts is not None and self.target == "counts" and dataset.signals is not None
        margin = margin if self.target == "profile" else 0
        if self.target == "profile" or sums_signal:
            signal = self._window(dataset.signals[label_rows], starts, margin)
            if shifts is not None:
                totals = signal[..., margin : signal.shape[-1] - margin].sum(axis=-1, dtype=np.float64)
                sums = [totals[:, channels].sum(axis=1) for channels in self.channels]
                batch["target"] = np.log1p(np.stack(sums, axis=1)).astype(np.float32)
            if self.target == "profile":
                batch["signal"] = signal
        if self.n_controls:
            batch["control"] = self._window(dataset.controls[rows], starts, margin)
        return {key: torch.from_numpy(np.ascontiguousarray(value)) for key, value in batch.items()}

    def _window(self, array: np.ndarray, starts: np.ndarray, margin: int) -> np.ndarray:
        if margin:
            array = np.pad(array, ((0, 0), (0, 0), (margin, margin)))
        return _crop(array, starts, self.output_length + 2 * margin).astype(np.float32)


class TrainBatches:
    """The training batches of one epoch after another, in a new random order each time.

    Parameters
    ----------
    reader : BatchReader
        Reads the rows.
    rows : numpy.ndarray
        int64 (n,) training rows.
    optional_rows : numpy.ndarray
        int64 (m,) further rows of which `n_optional` are drawn each epoch.
    n_optional : int
        At most m.
    labels : numpy.ndarray or None
        int64 (N,), for each row of the dataset the row whose labels it takes; None for its own.
    batch_size : int
        Rows per batch and device. Batches are evened out, so that none is left with a single row.
    jitter : bool
        Whether windows are shifted.
    margin : int
        Of the signal, as in `BatchReader.read`.
    seed, stage : int
        With the epoch they fix the order and the shifts.
    epoch : callable
        Returns the current epoch.
    rank, world : int
        This process among those that share the batches.
    """

    def __init__(
        self,
        reader: BatchReader,
        rows: np.ndarray,
        *,
        optional_rows: np.ndarray,
        n_optional: int,
        labels: np.ndarray | None,
        batch_size: int,
        jitter: bool,
        margin: int = 0,
        seed: int,
        stage: int,
        epoch: Callable[[], int],
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.reader, self.rows, self.labels = reader, rows, labels
        self.optional_rows, self.n_optional = optional_rows, n_optional
        self.jitter, self.margin = reader.jitter if jitter else 0, margin
        self.seed, self.stage, self.epoch = seed, stage, epoch
        self.rank, self.world = rank, world
        n_rows = len(rows) + n_optional
        self.n_batches = math.ceil(n_rows / (batch_size * world)) * world
        if n_rows < 2 * self.n_batches:
            raise UserError(
                f"the training split has {n_rows} rows for {self.n_batches} batches: batch normalisation "
                "needs 2 rows in each, so train on fewer devices or give the fold more training chromosomes"
            )

    def __len__(self) -> int:
        return self.n_batches // self.world

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        # A generator starts at its first batch, when the trainer has already set the epoch.
        rng = np.random.default_rng(derive_seed(self.seed, "order", self.stage, self.epoch()))
        drawn = rng.choice(self.optional_rows, self.n_optional, replace=False)
        order = rng.permutation(np.concatenate([self.rows, drawn]))
        shifts = rng.integers(-self.jitter, self.jitter, size=len(order), endpoint=True)
        batches = np.array_split(np.arange(len(order)), self.n_batches)
        for places in batches[self.rank :: self.world]:
            # Sorted rows read a memory map in the order of the disk.
            places = places[np.argsort(order[places])]
            rows = order[places]
            yield self.reader.read(
                rows,
                shifts=shifts[places] if self.jitter else None,
                label_rows=None if self.labels is None else self.labels[rows],
                margin=self.margin,
            )


class EvaluationBatches:
    """Rows in the order given, unshifted, with their own labels."""

    def __init__(self, reader: BatchReader, rows: np.ndarray, *, batch_size: int) -> None:
        self.reader, self.rows, self.batch_size = reader, rows, batch_size

    def __len__(self) -> int:
        return math.ceil(len(self.rows) / self.batch_size)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for start in range(0, len(self.rows), self.batch_size):
            yield self.reader.read(self.rows[start : start + self.batch_size])


def _crop(array: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    """Cut `length` columns from the last axis of each row (n, ..., W) at its own start (n,)."""
    if (starts == starts[:1]).all():
        return array[..., starts[0] : starts[0] + length]
    windows = np.lib.stride_tricks.sliding_window_view(array, length, axis=-1)
    return windows[np.arange(len(array)), ..., starts, :]
