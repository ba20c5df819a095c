"""The cache: one folder per slice of a population, and a population read back whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from lucidna.files import read_tsv, write_tsv
from lucidna.sequence import one_hot_numpy
from lucidna.truth.metrics import ground_truth_metrics
from rankbench.data import Drawn, draw
from rankbench.fit import fit, make_model, maps_of
from rankbench.networks import CONTROLS, Network, networks_of

TRUTHS = ("cosine", "auroc", "snr")
"""What the truth says of a map; their composite is the mean of the rank percentiles."""


@dataclass(frozen=True)
class Population:
    """Trained networks, their maps and their true quality.

    Attributes
    ----------
    table
        One row per network: its settings, auroc (validation), loss, seconds, true_cosine, true_auroc, true_snr,
        on_bias (share of the squared map on the assay's preference).
    maps
        n arrays float16 (N, 4, L), in the order of the table.
    drawn
        The data.
    folders
        Of the slices, in order.
    """

    table: pd.DataFrame
    maps: list[np.ndarray]
    drawn: Drawn
    folders: list[Path]

    @property
    def onehot(self) -> np.ndarray:
        """One-hot sequences of the shown regions, float32 (N, 4, L)."""
        return one_hot_numpy(self.drawn.codes[self.drawn.shown])

    @property
    def truth(self) -> np.ndarray:
        """Matrices that the shown regions were drawn from, (N, 4, L)."""
        return self.drawn.truth[self.drawn.shown]

    def rows(self, *roles: str) -> np.ndarray:
        """Return the rows of the networks of these roles."""
        return np.flatnonzero(self.table["role"].isin(roles))

    @property
    def ranked(self) -> np.ndarray:
        """Rows of the candidates and the controls: what lucidna is given."""
        return self.rows("candidate", *CONTROLS)


def train_chunk(config: Mapping, population: str, first: int, end: int, folder: Path) -> None:
    """Train the networks `first` up to `end` of a population; write maps.npy, weights.safetensors, networks.tsv."""
    torch.set_num_threads(1)
    settings = config["populations"][population]
    drawn = draw(config["data"][settings["data"]], seed=settings["data_seed"])
    networks = networks_of(settings, config["training"], config["families"])[first:end]
    rows, maps, weights = [], [], {}
    for network in networks:
        arguments = config["families"][network.family]["arguments"]
        model, record = fit(network, arguments, drawn, batch_size=config["training"]["batch_size"])
        maps.append(maps_of(model, drawn))
        weights |= {f"{network.id}/{name}": tensor.contiguous() for name, tensor in model.state_dict().items()}
        rows.append({**asdict(network), **record, **true_quality(maps[-1], drawn)})
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "maps.npy", np.stack(maps))
    save_file(weights, folder / "weights.safetensors")
    write_tsv(folder / "networks.tsv", pd.DataFrame(rows))


def true_quality(maps: np.ndarray, drawn: Drawn) -> dict[str, float]:
    """Score maps (N, 4, L) of the shown regions against the truth, and their share on the assay's preference."""
    maps = np.asarray(maps, dtype=np.float64)
    onehot = one_hot_numpy(drawn.codes[drawn.shown], dtype=np.uint8)
    found = ground_truth_metrics(maps, onehot, drawn.truth[drawn.shown])
    power = np.square(maps).sum(axis=1)
    power /= np.maximum(power.sum(axis=1, keepdims=True), 1e-30)
    on_bias = float((power * drawn.planted[drawn.shown]).sum(axis=1).mean())
    return {f"true_{name}": float(np.nanmean(found[name])) for name in TRUTHS} | {"on_bias": on_bias}


def read_population(config: Mapping, population: str, folders: Sequence[str | Path]) -> Population:
    """Read the slices of a population; its data are drawn again from their seed."""
    settings = config["populations"][population]
    folders = [Path(folder) for folder in folders]
    return Population(
        table=pd.concat([read_tsv(folder / "networks.tsv") for folder in folders], ignore_index=True),
        maps=[maps for folder in folders for maps in np.load(folder / "maps.npy", mmap_mode="r")],
        drawn=draw(config["data"][settings["data"]], seed=settings["data_seed"]),
        folders=folders,
    )


def read_models(config: Mapping, population: Population) -> list[nn.Module]:
    """Build the networks of a population again, with their trained weights, in the order of its table."""
    states: dict[str, dict] = {}
    for folder in population.folders:
        for name, tensor in load_file(folder / "weights.safetensors").items():
            network, parameter = name.split("/")
            states.setdefault(network, {})[parameter] = tensor
    models = []
    for row in population.table[list(Network.__dataclass_fields__)].to_dict("records"):
        network = Network(**row)
        arguments = config["families"][network.family]["arguments"]
        model = make_model(network, arguments, population.drawn.codes.shape[1])
        model.load_state_dict(states[network.id])
        models.append(model.eval())
    return models
