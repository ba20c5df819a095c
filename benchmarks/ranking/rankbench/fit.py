"""Train one network with a compact loop, and explain the regions that are compared."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from lucidna.models import build
from lucidna.ranking.maps import validation_maps
from lucidna.sequence import one_hot_numpy
from lucidna.training.metrics import auroc
from rankbench.data import Drawn
from rankbench.networks import Network


def training_rows(network: Network, drawn: Drawn) -> tuple[np.ndarray, np.ndarray]:
    """Choose what a network sees: codes (m, L) and labels (m,) of its role, share and label noise."""
    rng = np.random.default_rng(network.seed)
    if network.role == "control_track":
        return drawn.control_codes[drawn.train], drawn.control_track[drawn.train]
    rows = drawn.train
    if network.role == "bias_matched":
        rows = _matched(rows, drawn.labels, drawn.track, rng=rng)
    rows = rng.permutation(rows)[: max(round(network.share * len(rows)), 100)]
    labels = drawn.labels[rows] ^ (rng.random(len(rows)) < network.noise).astype(np.uint8)
    if network.role == "label_shuffled":
        labels = rng.permutation(labels)
    return drawn.codes[rows], labels


def _matched(rows: np.ndarray, labels: np.ndarray, track: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Keep as many negatives as positives within each level of the control track."""
    kept = []
    for level in np.unique(track[rows]):
        of_label = [rng.permutation(rows[(track[rows] == level) & (labels[rows] == label)]) for label in (0, 1)]
        size = min(len(part) for part in of_label)
        kept += [part[:size] for part in of_label]
    return np.sort(np.concatenate(kept))


def make_model(network: Network, arguments: Mapping, length: int) -> nn.Module:
    """Build a network with fresh weights from its own seed."""
    torch.manual_seed(network.seed)
    return build(
        network.architecture,
        input_length=length,
        output_length=length,
        target="binary",
        n_tasks=1,
        channels=[[0]],
        n_controls=0,
        first_activation=network.activation,
        dropout=network.dropout,
        **arguments,
    )


def fit(network: Network, arguments: Mapping, drawn: Drawn, *, batch_size: int) -> tuple[nn.Module, dict]:
    """Train with Adam on the binary cross-entropy and keep the epoch with the best validation AUROC.

    Returns
    -------
    model, record : the network, and its validation AUROC and loss at the kept epoch, the epoch, the seconds.
    """
    start = time.process_time()
    model = make_model(network, arguments, drawn.codes.shape[1])
    valid_labels = drawn.labels[drawn.valid]
    valid = torch.from_numpy(one_hot_numpy(drawn.codes[drawn.valid]))
    if network.role == "random_weights":
        return model, {**_validate(model, valid, valid_labels), "epoch": 0, "seconds": time.process_time() - start}
    codes, labels = training_rows(network, drawn)
    rows, targets = torch.from_numpy(one_hot_numpy(codes)), torch.from_numpy(labels.astype(np.float32))
    optimiser = torch.optim.Adam(model.parameters(), lr=network.rate)
    loss_of = nn.BCEWithLogitsLoss()
    best: dict = {"auroc": -1.0}
    for epoch in range(1, network.epochs + 1):
        model.train()
        for batch in torch.randperm(len(rows)).split(batch_size):
            if len(batch) < 2:
                continue
            optimiser.zero_grad()
            loss_of(model(rows[batch])[:, 0], targets[batch]).backward()
            optimiser.step()
        found = _validate(model, valid, valid_labels)
        if found["auroc"] > best["auroc"]:
            best, weights = {**found, "epoch": epoch}, copy.deepcopy(model.state_dict())
    model.load_state_dict(weights)
    model.eval()
    return model, {**best, "seconds": time.process_time() - start}


def _validate(model: nn.Module, valid: torch.Tensor, labels: np.ndarray) -> dict[str, float]:
    model.eval()
    with torch.no_grad():
        logits = model(valid)
        loss = nn.functional.binary_cross_entropy_with_logits(logits[:, 0], torch.from_numpy(labels.astype(np.float32)))
    return {"auroc": float(auroc(logits.numpy(), labels[:, None])[0]), "loss": float(loss)}


def maps_of(model: nn.Module, drawn: Drawn) -> np.ndarray:
    """Corrected saliency of the logit on the shown regions, float16 (N, 4, L), scaled to fit its range."""
    maps = validation_maps(model, drawn.codes[drawn.shown], head="logit")
    peak = np.abs(maps).max(axis=(1, 2), keepdims=True)
    return (maps / np.where(peak > 0, peak, 1)).astype(np.float16)
