"""How far back an interruption throws a training: never further than the epoch that was running."""

import itertools
import logging

import pytest

from lucidna.training import module
from lucidna.training.run import train_candidate

from .test_run import Killed, kill_at


def test_epochs_without_progress_are_not_trained_again(make_dataset, candidate, tmp_path, monkeypatch, caplog):
    """The best epoch is the first; the run goes on after the last complete one."""
    data = make_dataset(target="binary")
    metrics = module.Collector.metrics
    falling = itertools.count(0.9, -0.01)

    def worse(self):
        return {**metrics(self), "auroc": next(falling)}

    monkeypatch.setattr(module.Collector, "metrics", worse)
    settings = candidate(trainer={"max_epochs": 6, "patience": 6, "monitor": "auroc"})
    with monkeypatch.context() as patch:
        kill_at(patch, epoch=4)
        with pytest.raises(Killed):
            train_candidate(settings, data, tmp_path / "out")
    with caplog.at_level(logging.INFO):
        done = train_candidate(settings, data, tmp_path / "out")
    assert "goes on after epoch 4" in caplog.text
    assert done["epochs"] == 6
    assert done["best_epoch"] == 1


def test_an_early_stop_is_not_trained_again(make_dataset, candidate, tmp_path, monkeypatch):
    """Killed after the last epoch, before the results were written: nothing is left to train."""
    data = make_dataset()
    settings = candidate(trainer={"max_epochs": 30, "patience": 1, "learning_rate": 0.01})
    whole = train_candidate(settings, data, tmp_path / "whole")
    assert whole["epochs"] < 30

    def killed(*args, **kwargs):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("lucidna.training.output.evaluate_rows", killed)
        with pytest.raises(Killed):
            train_candidate(settings, data, tmp_path / "killed")
    with monkeypatch.context() as patch:
        patch.setattr(module.CandidateModule, "training_step", killed)
        again = train_candidate(settings, data, tmp_path / "killed")
    assert again["epochs"] == whole["epochs"]
    assert (tmp_path / "killed" / "model.safetensors").read_bytes() == (
        tmp_path / "whole" / "model.safetensors"
    ).read_bytes()
