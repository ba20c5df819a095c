"""A candidate from settings to files: learning, determinism, controls, resuming, divergence, stages."""

import json
import logging

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from lucidna.dataset import Dataset
from lucidna.errors import UserError
from lucidna.models.store import load_model
from lucidna.training import candidate as candidate_module
from lucidna.training.evaluate import evaluate, predict
from lucidna.training.module import CandidateModule
from lucidna.training.run import train_candidate

FILES = ["history.tsv", "metrics.json", "model.json", "model.safetensors", "valid.npz"]


class Killed(Exception):
    """Stands for the end of the process."""


def kill_at(monkeypatch, *, epoch, stage=0):
    """Make training stop in the middle of an epoch (from 0) of a stage."""
    step = CandidateModule.training_step

    def stopping(self, batch, batch_idx):
        if self.stage_index == stage and self.current_epoch == epoch and batch_idx == 2:
            raise Killed
        return step(self, batch, batch_idx)

    monkeypatch.setattr(CandidateModule, "training_step", stopping)


@pytest.mark.parametrize("target", ["binary", "counts"])
def test_learns_a_planted_motif(make_dataset, candidate, tmp_path, target, caplog):
    data = make_dataset(target=target, n=600)
    settings = candidate(trainer={"max_epochs": 12, "learning_rate": 0.005})
    with caplog.at_level(logging.INFO):
        metrics = train_candidate(settings, data, tmp_path / "out")
    assert metrics["status"] == "ok"
    assert metrics["reason"] is None
    assert metrics["valid"]["auroc" if target == "binary" else "pearson"] > (0.95 if target == "binary" else 0.8)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES
    assert json.loads((tmp_path / "out" / "metrics.json").read_text()) == metrics
    lines = [r.getMessage() for r in caplog.records if "epoch" in r.getMessage() and "train " in r.getMessage()]
    assert len(lines) == metrics["epochs"] == 12
    assert lines[0].startswith("small-standard-fold0-s0  epoch 1/12  train ")


def test_written_files_agree_with_each_other(make_dataset, candidate, tmp_path):
    data = make_dataset(target="counts")
    metrics = train_candidate(candidate(trainer={"max_epochs": 4}), data, tmp_path / "out")
    history = pd.read_csv(tmp_path / "out" / "history.tsv", sep="\t")
    assert history["epoch"].tolist() == [1, 2, 3, 4]
    assert list(history.columns[:5]) == ["stage", "epoch", "step", "train_loss", "valid_loss"]
    best = history.loc[history["epoch"] == metrics["best_epoch"]].iloc[0]
    assert best["valid_pearson"] == history["valid_pearson"].max()
    # The saved weights are those of the best epoch.
    assert metrics["valid"]["pearson"] == pytest.approx(best["valid_pearson"], abs=1e-5)
    assert metrics["valid"]["loss"] == pytest.approx(best["valid_loss"], abs=1e-5)

    dataset = Dataset.open(data, fold="fold0")
    model = load_model(tmp_path / "out")
    rows = dataset.rows_of("valid")
    with np.load(tmp_path / "out" / "valid.npz", allow_pickle=False) as saved:
        assert saved["row"].dtype == np.int64
        np.testing.assert_array_equal(saved["row"], rows)
        np.testing.assert_array_equal(saved["target"], dataset.targets[rows])
        np.testing.assert_array_equal(saved["prediction"], predict(model, dataset, rows)["prediction"])
    again = evaluate(model, dataset, "valid")
    assert again["per_task"] == metrics["valid"]["per_task"]


def test_same_seed_same_bytes_and_another_seed_differs(make_dataset, candidate, tmp_path):
    data = make_dataset()
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train_candidate(candidate(seed=seed, trainer={"max_epochs": 2}), data, tmp_path / name)
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in "abc"]
    assert weights[0] == weights[1]
    assert weights[0] != weights[2]
    assert (tmp_path / "a" / "valid.npz").read_bytes() == (tmp_path / "b" / "valid.npz").read_bytes()


def test_shuffled_labels_destroy_performance(make_dataset, candidate, tmp_path):
    data = make_dataset(target="binary", n=600)
    metrics = train_candidate(candidate(control="label_shuffled", trainer={"max_epochs": 8}), data, tmp_path / "out")
    assert metrics["valid"]["auroc"] < 0.7
    dataset = Dataset.open(data, fold="fold0")
    with np.load(tmp_path / "out" / "valid.npz", allow_pickle=False) as saved:
        np.testing.assert_array_equal(saved["target"], dataset.targets[dataset.rows_of("valid")])


def test_random_weights_are_not_trained(make_dataset, candidate, tmp_path, monkeypatch):
    monkeypatch.setattr(candidate_module.pl.Trainer, "fit", lambda *_, **__: pytest.fail("trained"))
    data = make_dataset()
    metrics = train_candidate(candidate(control="random_weights"), data, tmp_path / "out")
    assert metrics["epochs"] == 0
    assert metrics["stages"] == []
    assert abs(metrics["valid"]["pearson"]) < 0.9
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES
    assert len(pd.read_csv(tmp_path / "out" / "history.tsv", sep="\t")) == 0


@pytest.mark.parametrize(("stage", "epoch"), [(0, 2), (1, 0), (1, 1)])
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(
    make_dataset, candidate, tmp_path, monkeypatch, caplog, stage, epoch
):
    data = make_dataset()
    settings = candidate(
        components=[
            ["standard", {}],
            ["evoaug", {"operations": ["mutation", "noise"], "finetune_epochs": 2}],
        ],
        trainer={"max_epochs": 3, "plateau_patience": 1},
    )
    train_candidate(settings, data, tmp_path / "whole")
    with monkeypatch.context() as patch:
        kill_at(patch, epoch=epoch, stage=stage)
        with pytest.raises(Killed):
            train_candidate(settings, data, tmp_path / "killed")
    assert not (tmp_path / "killed" / "metrics.json").exists()
    with caplog.at_level(logging.INFO):
        metrics = train_candidate(settings, data, tmp_path / "killed")
    assert f"goes on after epoch {3 * stage + epoch}" in caplog.text
    assert metrics["epochs"] == 5
    assert not (tmp_path / "killed" / "checkpoints").exists()
    for name in ("model.safetensors", "valid.npz"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    histories = [
        pd.read_csv(tmp_path / n / "history.tsv", sep="\t").drop(columns="seconds") for n in ("killed", "whole")
    ]
    pd.testing.assert_frame_equal(*histories)


def test_early_stopping_is_remembered(make_dataset, candidate, tmp_path, monkeypatch):
    """Killed right after the stop of the first stage, the run does not train that stage any further."""
    data = make_dataset()
    settings = candidate(
        components=[["standard", {}], ["evoaug", {"operations": ["mutation"], "finetune_epochs": 1}]],
        trainer={"max_epochs": 30, "patience": 1, "learning_rate": 0.01},
    )
    whole = train_candidate(settings, data, tmp_path / "whole")
    assert whole["stages"][0]["epochs"] < 30
    with monkeypatch.context() as patch:
        kill_at(patch, epoch=0, stage=1)
        with pytest.raises(Killed):
            train_candidate(settings, data, tmp_path / "killed")
    metrics = train_candidate(settings, data, tmp_path / "killed")
    assert [s["epochs"] for s in metrics["stages"]] == [s["epochs"] for s in whole["stages"]]
    assert (tmp_path / "killed" / "model.safetensors").read_bytes() == (
        tmp_path / "whole" / "model.safetensors"
    ).read_bytes()


@pytest.mark.parametrize("damage", ["settings", "bytes"])
def test_a_foreign_or_damaged_checkpoint_is_not_used(make_dataset, candidate, tmp_path, monkeypatch, caplog, damage):
    data = make_dataset()
    with monkeypatch.context() as patch:
        kill_at(patch, epoch=1)
        with pytest.raises(Killed):
            train_candidate(candidate(), data, tmp_path / "out")
    last = tmp_path / "out" / "checkpoints" / "last.ckpt"
    assert last.is_file()
    if damage == "bytes":
        last.write_bytes(last.read_bytes()[:1000])
    changed = candidate(seed=5) if damage == "settings" else candidate()
    metrics = train_candidate(changed, data, tmp_path / "out")
    assert "starts afresh" in caplog.text
    assert metrics["epochs"] == 3


def test_resume_can_be_refused(make_dataset, candidate, tmp_path, monkeypatch, caplog):
    data = make_dataset()
    with monkeypatch.context() as patch:
        kill_at(patch, epoch=1)
        with pytest.raises(Killed):
            train_candidate(candidate(), data, tmp_path / "out")
    with caplog.at_level(logging.INFO):
        train_candidate(candidate(), data, tmp_path / "out", resume=False)
    assert "goes on" not in caplog.text


@pytest.mark.parametrize("bad_epoch", [0, 2])
def test_a_nan_loss_is_a_failed_candidate_with_all_its_files(make_dataset, candidate, tmp_path, monkeypatch, bad_epoch):
    data = make_dataset()
    step = CandidateModule.training_step

    def poisoned(self, batch, batch_idx):
        if self.current_epoch == bad_epoch and batch_idx == 3:
            with torch.no_grad():
                next(self.model.parameters()).fill_(float("nan"))
        return step(self, batch, batch_idx)

    monkeypatch.setattr(CandidateModule, "training_step", poisoned)
    metrics = train_candidate(candidate(), data, tmp_path / "out")
    assert metrics["status"] == "failed"
    for part in ("recipe 'standard'", "stage 'train'", f"epoch {bad_epoch + 1}", "step 4"):
        assert part in metrics["reason"]
    assert metrics["epochs"] == bad_epoch
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert set(FILES) <= files
    model = load_model(tmp_path / "out")
    assert all(torch.isfinite(weight).all() for weight in model.parameters())
    assert (tmp_path / "out" / "checkpoints" / "stage0-best.ckpt").is_file() == (bad_epoch > 0)


def test_two_stages_and_no_augmentation_in_the_second(make_dataset, candidate, tmp_path, monkeypatch):
    from lucidna.training.recipes.evoaug import EvoAug

    calls = []
    augment = EvoAug.augment_batch

    def recording(self, batch, context):
        calls.append(context.epoch)
        return augment(self, batch, context)

    monkeypatch.setattr(EvoAug, "augment_batch", recording)
    data = make_dataset(n=200)
    settings = candidate(
        components=[["standard", {}], ["evoaug", {"preset": "chip", "finetune_epochs": 2}]],
        trainer={"max_epochs": 2},
    )
    metrics = train_candidate(settings, data, tmp_path / "out")
    n_batches = int(np.ceil(100 / 32))
    assert len(calls) == 2 * n_batches
    assert [stage["name"] for stage in metrics["stages"]] == ["augment", "finetune"]
    assert metrics["stages"][1]["learning_rate"] == pytest.approx(metrics["stages"][0]["learning_rate"] / 10)
    assert metrics["best_epoch"] > 2
    history = pd.read_csv(tmp_path / "out" / "history.tsv", sep="\t")
    assert history["stage"].tolist() == ["augment"] * 2 + ["finetune"] * 2
    assert history["epoch"].tolist() == [1, 2, 3, 4]
    assert history["step"].tolist() == [n_batches * k for k in (1, 2, 3, 4)]


def test_profile_candidate_with_controls(make_dataset, candidate, tmp_path):
    data = make_dataset(target="profile", controls=True, n=800)
    settings = candidate(
        **{"class": "bpnet"},
        arguments={"n_filters": 16, "n_layers": 2, "first_kernel": 9, "profile_kernel": 15},
        trainer={"max_epochs": 12, "learning_rate": 0.005, "negatives_per_epoch": 0.5},
    )
    metrics = train_candidate(settings, data, tmp_path / "out")
    assert set(metrics["valid"]) == {"loss", "pearson", "spearman", "mse", "jsd", "per_task"}
    assert metrics["monitor"] == "pearson"
    assert metrics["valid"]["pearson"] > 0.3
    with np.load(tmp_path / "out" / "valid.npz", allow_pickle=False) as saved:
        assert saved["profile_jsd"].shape == saved["prediction"].shape == (200, 2)
        first = np.nanmean(saved["profile_jsd"])
    flat = train_candidate(candidate(**{**settings, "control": "random_weights"}), data, tmp_path / "flat")
    assert first == pytest.approx(metrics["valid"]["jsd"], abs=0.02)
    assert metrics["valid"]["jsd"] < flat["valid"]["jsd"] - 0.03


def test_a_profile_candidate_sees_signals_move_with_their_bases(make_dataset, candidate, tmp_path, monkeypatch):
    from lucidna.training.recipes.evoaug import EvoAug

    seen = []
    augment = EvoAug.augment_batch

    def recording(self, batch, context):
        out = augment(self, batch, context)
        seen.append((batch["signal"].shape[-1], out["signal"].shape[-1], out["control"].shape[-1]))
        totals = torch.log1p(torch.stack([out["signal"][:, :2].sum((1, 2)), out["signal"][:, 2].sum(1)], 1))
        torch.testing.assert_close(out["target"], totals)
        return out

    monkeypatch.setattr(EvoAug, "augment_batch", recording)
    data = make_dataset(target="profile", controls=True, n=120)
    operations = [{"deletion": {"max": 6}}, {"insertion": {"max": 4}}, {"translocation": {"max": 3}}]
    settings = candidate(
        **{"class": "bpnet"},
        arguments={"n_filters": 8, "n_layers": 2, "first_kernel": 9, "profile_kernel": 15},
        components=[["standard", {}], ["evoaug", {"operations": operations, "finetune_epochs": 1}]],
        trainer={"max_epochs": 1},
    )
    assert train_candidate(settings, data, tmp_path / "out")["status"] == "ok"
    assert set(seen) == {(40 + 2 * 8, 40, 40)}


@pytest.mark.parametrize(("longest", "warned"), [(4, False), (30, True)])  # half of it on each side
def test_edits_that_reach_beyond_the_read_signal_are_told(make_dataset, candidate, tmp_path, caplog, longest, warned):
    settings = candidate(
        **{"class": "bpnet"},
        arguments={"n_filters": 8, "n_layers": 2, "first_kernel": 9, "profile_kernel": 15},
        components=[["standard", {}], ["evoaug", {"operations": [{"deletion": {"max": longest}}]}]],
        trainer={"max_epochs": 1},
    )
    assert train_candidate(settings, make_dataset(target="profile", n=120), tmp_path / "out")["status"] == "ok"
    told = [record.getMessage() for record in caplog.records if "window.jitter" in record.getMessage()]
    assert len(told) == warned
    assert not warned or f"so set window.jitter to at least {longest // 2}" in told[0]


def test_recipe_changes_the_model(make_dataset, candidate, tmp_path):
    data = make_dataset(n=120)
    settings = candidate(components=[["standard", {"dropout": 0.0}], ["exponential", {}]], trainer={"max_epochs": 1})
    train_candidate(settings, data, tmp_path / "out")
    described = json.loads((tmp_path / "out" / "model.json").read_text())
    assert described["build"]["first_activation"] == "exponential"
    assert described["build"]["dropout"] == 0.0
    assert described["candidate"] == settings["id"]


def test_test_rows_are_never_read(make_dataset, candidate, tmp_path):
    data = make_dataset(n=120)
    train_candidate(candidate(trainer={"max_epochs": 1}), data, tmp_path / "a")
    targets = np.load(data / "targets.npy")
    signals = np.load(data / "signals.npy")
    test = Dataset.open(data, fold="fold0").rows_of("test")
    targets[test], signals[test] = np.nan, np.nan
    np.save(data / "targets.npy", targets)
    np.save(data / "signals.npy", signals)
    train_candidate(candidate(trainer={"max_epochs": 1}), data, tmp_path / "b")
    assert (tmp_path / "a" / "model.safetensors").read_bytes() == (tmp_path / "b" / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"control": "shuffled"}, "control 'shuffled'"),
        ({"trainer": {"monitor": "auroc"}}, "'auroc', which the target 'counts' does not have"),
        ({"trainer": {"learning_rte": 1}}, "did you mean 'learning_rate'"),
        ({"trainer": {"count_weight": "automatic"}}, "count_weight is 'automatic'"),
        ({"class": "cnn_dep"}, "did you mean 'cnn_deep'"),
    ],
)
def test_wrong_settings(make_dataset, candidate, tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        train_candidate(candidate(**changes), make_dataset(n=40), tmp_path / "out")


@pytest.mark.parametrize("missing", ["train", "valid"])
def test_a_fold_without_rows(make_dataset, candidate, tmp_path, missing):
    data = make_dataset(n=40)
    path = data / "folds" / "fold0.tsv"
    path.write_text(path.read_text().replace(f"\t{missing}\n", "\ttest\n"))
    with pytest.raises(UserError, match=f"no {missing} rows"):
        train_candidate(candidate(), data, tmp_path / "out")


@pytest.mark.parametrize("precision", ["32-true", "16-mixed", "bf16-mixed"])
def test_every_precision_of_the_schema_trains(make_dataset, candidate, tmp_path, root, precision):
    schema = yaml.safe_load((root / "workflow" / "schemas" / "config.schema.yaml").read_text())
    trainer = schema["properties"]["grid"]["properties"]["trainer"]["properties"]
    assert precision in trainer["precision"]["enum"]
    assert len(trainer["precision"]["enum"]) == 3
    settings = candidate(trainer={"max_epochs": 2, "precision": precision, "accelerator": "cpu"})
    metrics = train_candidate(settings, make_dataset(), tmp_path / "out")
    assert metrics["status"] == "ok"
    assert all(weight.dtype == torch.float32 for weight in load_model(tmp_path / "out").parameters())


def test_a_compiled_network_trains_the_same_and_is_saved_plain(make_dataset, candidate, tmp_path, monkeypatch):
    compiled, whole = [], torch.nn.Module.compile

    def traced(self, *args, **kwargs):
        compiled.append(self)
        whole(self, backend="eager")  # traced, without the C++ compiler

    monkeypatch.setattr(torch.nn.Module, "compile", traced)
    data = make_dataset()
    found = {}
    for name, switch in (("plain", False), ("compiled", True)):
        settings = candidate(trainer={"max_epochs": 2, "compile": switch})
        train_candidate(settings, data, tmp_path / name)
        found[name] = load_model(tmp_path / name).state_dict()
    assert len(compiled) == 1
    assert compiled[0]._compiled_call_impl is None
    assert list(found["plain"]) == list(found["compiled"])
    for name, weight in found["plain"].items():
        torch.testing.assert_close(found["compiled"][name], weight, rtol=1e-4, atol=1e-5)
