"""An interrupted training with any of the components ends with the bytes of an uninterrupted one."""

import pandas as pd
import pytest
import torch

from lucidna.training.names import AVERAGE
from lucidna.training.run import train_candidate

from ..test_run import Killed, kill_at

RECIPES = {
    "spectral_norm": [["spectral_norm", {"limit": 0.8}]],
    "dropout_schedule": [["dropout_schedule", {"shape": "down", "share": 1, "per": "step"}]],
    "conjoined": [["conjoined", {}]],
    "ema": [["ema", {"decay": 0.9}]],
    "swa": [["swa", {"start": 0.3, "anneal_epochs": 1}]],
    "sam": [["sam", {}]],
    "together": [["spectral_norm", {}], ["dropout_schedule", {}], ["conjoined", {}], ["swa", {}], ["sam", {}]],
    "average_of_sam": [["sam", {}], ["ema", {"decay": 0.8}], ["exponential", {}], ["kmer_filters", {}]],
}


@pytest.mark.parametrize("place", [(0, 1), (0, 2), (1, 0), (1, 1)])
@pytest.mark.parametrize("name", RECIPES)
def test_a_killed_run_ends_with_the_same_bytes(make_dataset, candidate, tmp_path, monkeypatch, name, place):
    data = make_dataset(n=200)
    evoaug = ["evoaug", {"operations": ["mutation", "noise"], "finetune_epochs": 2}]
    settings = candidate(components=[["standard", {}], evoaug, *RECIPES[name]], trainer={"plateau_patience": 1})
    whole = train_candidate(settings, data, tmp_path / "whole")
    assert whole["status"] == "ok"
    with monkeypatch.context() as patch:
        kill_at(patch, stage=place[0], epoch=place[1])
        with pytest.raises(Killed):
            train_candidate(settings, data, tmp_path / "killed")
    metrics = train_candidate(settings, data, tmp_path / "killed")
    assert [stage["best_epoch"] for stage in metrics["stages"]] == [stage["best_epoch"] for stage in whole["stages"]]
    for file in ("model.safetensors", "valid.npz", "model.json"):
        assert (tmp_path / "killed" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
    histories = [
        pd.read_csv(tmp_path / run / "history.tsv", sep="\t").drop(columns="seconds") for run in ("killed", "whole")
    ]
    pd.testing.assert_frame_equal(*histories)


def test_checkpoints_hold_weights_and_average_without_code(make_dataset, candidate, tmp_path, monkeypatch):
    settings = candidate(components=[["standard", {}], ["ema", {"decay": 0.9}], ["sam", {}]])
    with monkeypatch.context() as patch:
        kill_at(patch, epoch=2)
        with pytest.raises(Killed):
            train_candidate(settings, make_dataset(), tmp_path / "out")
    saved = torch.load(tmp_path / "out" / "checkpoints" / "last.ckpt", weights_only=True)
    own = {name.removeprefix("model."): value for name, value in saved["state_dict"].items()}
    assert set(own) == set(saved[AVERAGE])
    assert not torch.equal(own["head.linear.weight"], saved[AVERAGE]["head.linear.weight"])


@pytest.mark.parametrize("name", ["ema", "swa", "spectral_norm", "together"])
def test_a_failed_training_leaves_the_best_weights(make_dataset, candidate, tmp_path, monkeypatch, name):
    from lucidna.models.store import load_model
    from lucidna.training.module import CandidateModule

    step = CandidateModule.training_step

    def poisoned(self, batch, batch_idx):
        if self.current_epoch == 2 and batch_idx == 1:
            with torch.no_grad():
                next(self.model.parameters()).fill_(float("nan"))
        return step(self, batch, batch_idx)

    monkeypatch.setattr(CandidateModule, "training_step", poisoned)
    settings = candidate(components=[["standard", {}], *RECIPES[name]])
    metrics = train_candidate(settings, make_dataset(), tmp_path / "out")
    assert metrics["status"] == "failed"
    assert "epoch 3" in metrics["reason"]
    weights = load_model(tmp_path / "out").state_dict()
    assert all(torch.isfinite(value).all() for value in weights.values())
