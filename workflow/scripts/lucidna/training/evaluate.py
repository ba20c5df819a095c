"""Predict with a trained network and score the predictions: for validation here, for test in the report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lucidna.channels import strand_orders
from lucidna.dataset import Dataset
from lucidna.sequence import one_hot, reverse_complement
from lucidna.training.batches import BatchReader, EvaluationBatches
from lucidna.training.metrics import mean_over_tasks, profile_jsd, score

Prediction = Tensor | tuple[Tensor, Tensor]


class Collector:
    """Gathers the predictions of batch after batch and scores them together.

    Profiles are compared with the measured ones batch by batch and then dropped, so that memory does not grow
    with the window.

    Parameters
    ----------
    reader : BatchReader
        Knows the target and the tasks' channels.
    loss : callable or None
        (prediction, batch) -> scalar, a mean over the batch's rows.
    """

    def __init__(self, reader: BatchReader, loss: Any = None) -> None:
        self.reader, self.loss = reader, loss
        self.losses: list[Tensor] = []
        self.sizes: list[int] = []
        self.parts: dict[str, list[np.ndarray]] = {}

    def add(self, prediction: Prediction, batch: dict[str, Tensor]) -> None:
        """Take one batch."""
        if self.loss is not None:
            self.losses.append(self.loss(prediction, batch).detach())
            self.sizes.append(len(batch["target"]))
        parts = {"row": batch["row"], "target": batch["target"]}
        if isinstance(prediction, tuple):
            logits, scalar = prediction
            signal = batch["signal"].cpu().numpy()
            jsd = profile_jsd(logits.float().cpu().numpy(), signal, self.reader.channels)
            parts["profile_jsd"] = torch.from_numpy(jsd)
        else:
            scalar = prediction
        parts["prediction"] = scalar.float()
        for key, value in parts.items():
            self.parts.setdefault(key, []).append(value.detach().cpu().numpy())

    def arrays(self) -> dict[str, np.ndarray]:
        """Return `row` int64 (n,), `prediction` and `target` float32 (n, T), `profile_jsd` for profiles."""
        return {key: np.concatenate(values) for key, values in self.parts.items()}

    def metrics(self) -> dict[str, Any]:
        """Return the mean over tasks of every metric, `loss` first, and `per_task`: one dict per task."""
        arrays = self.arrays()
        scores = score(
            arrays["prediction"],
            arrays["target"],
            kind=self.reader.target,
            jsd=arrays.get("profile_jsd"),
        )
        result: dict[str, Any] = {}
        if self.loss is not None:
            values = torch.stack(self.losses).double().cpu().numpy()
            result["loss"] = float(np.average(values, weights=self.sizes))
        result.update({name: mean_over_tasks(values) for name, values in scores.items()})
        names = self.reader.dataset.info["tasks"]
        result["per_task"] = [
            {"task": name, **{metric: float(values[task]) for metric, values in scores.items()}}
            for task, name in enumerate(names)
        ]
        return result


def predict(
    model: nn.Module,
    dataset: Dataset,
    indices: np.ndarray,
    *,
    batch_size: int = 256,
    device: str | torch.device = "cpu",
    rc_average: bool = False,
) -> dict[str, np.ndarray]:
    """Predict rows of a dataset, unshifted.

    Parameters
    ----------
    model : nn.Module
        Made by `lucidna.models.build`; left on `device` in evaluation mode.
    dataset : Dataset
        With the model's window, target and tasks.
    indices : numpy.ndarray
        int64 (n,) rows.
    batch_size : int
        Rows at a time.
    device : str or torch.device
        Where to compute.
    rc_average : bool
        Average with the prediction for the other strand, turned back.

    Returns
    -------
    dict of numpy.ndarray
        `prediction` float32 (n, T), logits or log1p counts; for profiles also `profile` float32
        (n, C, L_out), logits.
    """
    parts: dict[str, list[np.ndarray]] = {}
    for prediction, _ in _predictions(
        model, dataset, indices, batch_size=batch_size, device=device, rc_average=rc_average
    ):
        logits, scalar = prediction if isinstance(prediction, tuple) else (None, prediction)
        parts.setdefault("prediction", []).append(scalar.float().cpu().numpy())
        if logits is not None:
            parts.setdefault("profile", []).append(logits.float().cpu().numpy())
    if not parts:
        return {"prediction": np.empty((0, len(dataset.info["tasks"])), dtype=np.float32)}
    return {key: np.concatenate(values) for key, values in parts.items()}


def evaluate(
    model: nn.Module,
    dataset: Dataset,
    split: str,
    *,
    batch_size: int = 256,
    device: str | torch.device = "cpu",
    loss: Any = None,
    rc_average: bool = False,
) -> dict[str, Any]:
    """Score a network on one split of the dataset's fold.

    Parameters
    ----------
    split : str
        "train", "valid" or "test".
    loss : callable, optional
        As made by `lucidna.training.losses.make_loss`; adds "loss".

    Others as in `predict`.

    Returns
    -------
    dict
        "auroc" and "aupr", or "pearson", "spearman", "mse" and for profiles "jsd": means over tasks, None
        where not defined; and "per_task".
    """
    metrics, _ = evaluate_rows(
        model,
        dataset,
        dataset.rows_of(split),
        batch_size=batch_size,
        device=device,
        loss=loss,
        rc_average=rc_average,
    )
    return metrics


def evaluate_rows(
    model: nn.Module,
    dataset: Dataset,
    indices: np.ndarray,
    *,
    batch_size: int = 256,
    device: str | torch.device = "cpu",
    loss: Any = None,
    rc_average: bool = False,
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the metrics of `evaluate` and the arrays of `Collector.arrays` for any rows."""
    collector = Collector(BatchReader(dataset), loss)
    for prediction, batch in _predictions(
        model, dataset, indices, batch_size=batch_size, device=device, rc_average=rc_average
    ):
        collector.add(prediction, batch)
    return without_nan(collector.metrics()), collector.arrays()


def without_nan(value: Any) -> Any:
    """Return nested dicts and lists with every NaN and infinity as None, for JSON."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _predictions(
    model: nn.Module,
    dataset: Dataset,
    indices: np.ndarray,
    *,
    batch_size: int,
    device: str | torch.device,
    rc_average: bool,
) -> Iterator[tuple[Prediction, dict[str, Tensor]]]:
    model = model.to(device).eval()
    batches: Iterable[dict[str, Tensor]] = EvaluationBatches(
        BatchReader(dataset), np.asarray(indices, dtype=np.int64), batch_size=batch_size
    )
    signals, controls = strand_orders(dataset)
    with torch.inference_mode():
        for batch in batches:
            batch = {key: value.to(device) for key, value in batch.items()}
            prediction = model(one_hot(batch["codes"]), batch.get("control"))
            if rc_average:
                control = batch["control"][:, controls].flip(-1) if "control" in batch else None
                other = model(one_hot(reverse_complement(batch["codes"])), control)
                if isinstance(prediction, tuple):
                    turned = other[0][:, signals].flip(-1)
                    prediction = ((prediction[0] + turned) / 2, (prediction[1] + other[1]) / 2)
                else:
                    prediction = (prediction + other) / 2
            yield prediction, batch
