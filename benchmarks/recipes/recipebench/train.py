"""Train the networks of one cell of the grid, all with the same number of steps, and judge their maps."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from lucidna.attribution.correction import correct
from lucidna.attribution.output import ScalarOutput
from lucidna.attribution.saliency import saliency
from lucidna.codedigest import code_digest
from lucidna.dataset import Dataset
from lucidna.errors import UserError
from lucidna.files import read_tsv, write_tsv
from lucidna.models.store import load_model
from lucidna.ranking.agreement import family_agreement
from lucidna.ranking.angles import angle_share
from lucidna.ranking.prepare import MapSet
from lucidna.sequence import one_hot_numpy
from lucidna.training.evaluate import predict
from lucidna.training.metrics import auroc
from lucidna.training.recipes import compose
from lucidna.training.run import train_candidate
from lucidna.truth.metrics import ground_truth_metrics
from recipebench.data import FOLD
from recipebench.plan import architecture_of, recipe_of

MAP_METRICS = {"auroc": "map_auroc", "aupr": "map_aupr", "cosine": "cosine", "snr": "snr"}
"""Name in `lucidna.truth.metrics` -> column."""


def train_cell(
    config: Mapping[str, Any],
    architecture: str,
    recipe: str,
    *,
    data: Path,
    members: Path | None,
    targets: Path | None,
    out: Path,
) -> None:
    """Train one network per seed, and write networks.tsv with what the truth says of each.

    Parameters
    ----------
    config
        Of `recipebench.plan.cell_settings`.
    architecture, recipe
        Names in the config.
    data
        The dataset.
    members, targets
        networks.tsv of the networks that a distilled one learns from, whose seconds count as its own, and what they
        said; None for all others.
    out
        Receives networks.tsv, and one folder per seed with the weights, the history and the metrics of training.
    """
    judge = Judge(data)
    before = 0.0 if members is None else float(read_tsv(members)["seconds"].sum())
    given = {} if targets is None else {"distillation": targets}
    rows, maps = [], []
    for seed in config["seeds"]:
        folder = out / f"seed{seed}"
        candidate = candidate_of(config, architecture, recipe, seed)
        start = time.process_time()
        metrics = train_candidate(candidate, data, folder, resume=False, **given)
        seconds = time.process_time() - start
        row = {
            "seed": seed,
            "status": metrics["status"],
            "steps": steps_of(folder),
            "seconds": round(before + seconds, 2),
        }
        row |= {"parameters": metrics["n_parameters"], "kept_epoch": metrics["best_epoch"]}
        row |= {"code": code_digest("training.run")}
        if metrics["status"] == "ok":
            found, corrected = judge.score(load_model(folder))
            row |= found
            maps.append(corrected)
        rows.append(row)
    table = pd.DataFrame(rows)
    table.loc[table["status"] == "ok", "agreement"] = judge.agreement(maps)
    if recipe_of(config, recipe)["control"] != "random_weights":
        _check_steps(table, expected=expected_steps(config, data), recipe=recipe)
    write_tsv(out / "networks.tsv", table)


def candidate_of(config: Mapping[str, Any], architecture: str, recipe: str, seed: int) -> dict[str, Any]:
    """Return the settings for `train_candidate`: every recipe runs through the same epochs, none stops early."""
    kind, arguments = architecture_of(config, architecture)
    settings = recipe_of(config, recipe)
    total = config["trainer"]["max_epochs"]
    epochs = first_stage_epochs(settings["components"], total=total, recipe=recipe)
    trainer = {**config["trainer"], "max_epochs": epochs, "min_epochs": epochs, "patience": total}
    return {
        "id": f"{architecture}-{recipe}-s{seed}",
        "architecture": architecture,
        "class": kind,
        "arguments": arguments,
        "recipe": recipe,
        "components": settings["components"],
        "fold": FOLD,
        "fold_split": {},
        "seed": seed,
        "control": settings["control"],
        "trainer": trainer,
    }


def first_stage_epochs(components: list, *, total: int, recipe: str) -> int:
    """Return the max_epochs with which the stages of a recipe have `total` epochs together.

    Raises
    ------
    UserError
        When there is none, for example a second stage that is longer than all of training.
    """
    composed = compose(components)
    for epochs in range(total, 0, -1):
        stages = composed.stages(max_epochs=epochs, min_epochs=epochs, learning_rate=1.0)
        if sum(stage.max_epochs for stage in stages) == total:
            return epochs
    raise UserError(f"recipe {recipe!r}: its stages cannot share {total} epochs: shorten the later ones")


def expected_steps(config: Mapping[str, Any], data: Path) -> int:
    """Return the number of batches that training goes through."""
    rows = len(Dataset.open(data, fold=FOLD).rows_of("train"))
    return config["trainer"]["max_epochs"] * -(-rows // config["trainer"]["batch_size"])


def steps_of(folder: Path) -> int:
    """Return the optimizer's steps in all stages of a trained candidate."""
    history = read_tsv(folder / "history.tsv")
    return int(history["step"].max()) if len(history) else 0


class Judge:
    """Scores networks on the test split of a difficulty; the truth and the sequences are read once."""

    def __init__(self, directory: Path) -> None:
        self.dataset = Dataset.open(directory, fold=FOLD)
        self.truth = np.load(directory / "truth.npy")
        self.onehot = one_hot_numpy(self.dataset.codes(np.load(directory / "shown.npy")), dtype=np.uint8)

    def score(self, model: nn.Module) -> tuple[dict[str, float], np.ndarray]:
        """Return the columns of a network, and its corrected saliency of the logit, float32 (N, 4, L)."""
        test = self.dataset.rows_of("test")
        scores = predict(model, self.dataset, test)["prediction"]
        raw = saliency(ScalarOutput(model, head="logit"), self.onehot)
        maps = correct(raw)
        truth = ground_truth_metrics(maps, self.onehot, self.truth)
        found = {"test_auroc": float(auroc(scores, self.dataset.targets[test])[0])}
        found |= {column: float(np.nanmean(truth[name])) for name, column in MAP_METRICS.items()}
        found["angle_share"] = float(angle_share(raw).mean())
        return found, maps

    def agreement(self, maps: list[np.ndarray]) -> np.ndarray:
        """Return each network's mean cosine with the maps of the other seeds; NaN for one alone."""
        if len(maps) < 2:
            return np.full(len(maps), np.nan)
        return family_agreement(MapSet(maps, self.onehot), ["all"] * len(maps)).mean(axis=1)


def _check_steps(table: pd.DataFrame, *, expected: int, recipe: str) -> None:
    """Stop when a network that was trained to its end had more or fewer steps than the others have."""
    wrong = table[(table["status"] == "ok") & (table["steps"] != expected)]
    if len(wrong):
        raise RuntimeError(f"recipe {recipe!r}: {wrong['steps'].iloc[0]} steps in place of {expected}")
