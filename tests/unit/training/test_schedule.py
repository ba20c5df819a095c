"""The cosine schedule: its shape, in training, and after an interruption."""

import pandas as pd
import pytest

from lucidna.training.module import WARM_UP, CandidateModule, cosine_factor
from lucidna.training.run import train_candidate


def test_rises_in_a_straight_line_and_falls_to_zero():
    assert cosine_factor(0) == 0
    assert cosine_factor(WARM_UP / 2) == pytest.approx(0.5)
    assert cosine_factor(WARM_UP) == pytest.approx(1)
    assert cosine_factor((1 + WARM_UP) / 2) == pytest.approx(0.5)
    assert cosine_factor(1) == pytest.approx(0, abs=1e-12)


def test_the_rate_of_each_epoch_is_the_schedules(make_dataset, candidate, tmp_path):
    data = make_dataset(target="binary")
    settings = candidate(trainer={"max_epochs": 4, "learning_rate": 0.01, "schedule": "cosine"})
    train_candidate(settings, data, tmp_path / "out")
    history = pd.read_csv(tmp_path / "out" / "history.tsv", sep="\t")
    expected = [0.01 * cosine_factor(epoch / 4) for epoch in range(1, 5)]
    assert history["learning_rate"].tolist() == pytest.approx(expected, abs=1e-9)


def test_goes_on_with_the_same_rates_after_a_kill(make_dataset, candidate, tmp_path, monkeypatch):
    data = make_dataset(target="binary")
    settings = candidate(trainer={"max_epochs": 4, "schedule": "cosine"})
    train_candidate(settings, data, tmp_path / "whole")
    step = CandidateModule.training_step

    class KilledError(Exception):
        pass

    def stopping(self, batch, batch_idx):
        if self.current_epoch == 2 and batch_idx == 2:
            raise KilledError
        return step(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(CandidateModule, "training_step", stopping)
        with pytest.raises(KilledError):
            train_candidate(settings, data, tmp_path / "cut")
    train_candidate(settings, data, tmp_path / "cut")
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "cut")]
    assert weights[0] == weights[1]
