"""The Lightning data module that serves a candidate's batches."""

from __future__ import annotations

import numpy as np
import pytorch_lightning as pl

from lucidna.dataset import Dataset
from lucidna.errors import UserError
from lucidna.training.batches import BatchReader, EvaluationBatches, TrainBatches
from lucidna.training.seeds import derive_seed


class CandidateData(pl.LightningDataModule):
    """Training and validation batches of one candidate and stage; the test split is never read.

    Parameters
    ----------
    dataset : Dataset
        Opened with the candidate's fold.
    batch_size, seed, stage, jitter, margin
        As in `TrainBatches`.
    negatives_per_epoch : float or None
        Negatives drawn each epoch as a multiple of the training peaks; None takes all.
    shuffle_labels : bool
        Permute targets and signals among the training rows; validation keeps its own.

    Raises
    ------
    UserError
        When the fold has no training or no validation rows.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        batch_size: int,
        seed: int,
        stage: int = 0,
        jitter: bool = False,
        margin: int = 0,
        negatives_per_epoch: float | None = None,
        shuffle_labels: bool = False,
    ) -> None:
        super().__init__()
        self.reader = BatchReader(dataset)
        self.valid_rows = dataset.rows_of("valid")
        self.settings = {
            "batch_size": batch_size,
            "seed": seed,
            "stage": stage,
            "jitter": jitter,
            "margin": margin,
        }
        rows = dataset.rows_of("train")
        for split, found in (("train", rows), ("valid", self.valid_rows)):
            if len(found) == 0:
                raise UserError(f"the fold has no {split} rows: give its {split} split more chromosomes")
        self.labels = shuffled_labels(rows, len(dataset.targets), seed=seed) if shuffle_labels else None
        self.rows, self.optional_rows, self.n_optional = rows, rows[:0], 0
        if negatives_per_epoch is not None:
            self.rows = dataset.rows_of("train", role="peak")
            self.optional_rows = dataset.rows_of("train", role="negative")
            wanted = round(negatives_per_epoch * len(self.rows))
            self.n_optional = min(wanted, len(self.optional_rows))

    def train_dataloader(self) -> TrainBatches:
        """Return the training batches of this process."""
        return TrainBatches(
            self.reader,
            self.rows,
            optional_rows=self.optional_rows,
            n_optional=self.n_optional,
            labels=self.labels,
            epoch=lambda: self.trainer.current_epoch,
            rank=self.trainer.global_rank,
            world=self.trainer.world_size,
            **self.settings,
        )

    def val_dataloader(self) -> EvaluationBatches:
        """Return all validation batches: every process reads them all, and all see the same metrics."""
        return EvaluationBatches(self.reader, self.valid_rows, batch_size=4 * self.settings["batch_size"])


def shuffled_labels(rows: np.ndarray, n_rows: int, *, seed: int) -> np.ndarray:
    """Return int64 (n_rows,): for each row, where its labels come from; only `rows` are permuted."""
    labels = np.arange(n_rows)
    labels[rows] = np.random.default_rng(derive_seed(seed, "labels")).permutation(rows)
    return labels
