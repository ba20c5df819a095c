"""A student from its members to its files: what it learns, what it saves, when it cannot."""

import json

import numpy as np
import pytest
import torch

from lucidna.attribution.audit import audit_model
from lucidna.attribution.deepshap import deepshap
from lucidna.attribution.output import ScalarOutput
from lucidna.attribution.saliency import saliency
from lucidna.dataset import Dataset
from lucidna.errors import UserError
from lucidna.models import build, count_parameters
from lucidna.models.store import load_model
from lucidna.models.uncertainty import recorded_log_variance, uncertain_heads
from lucidna.ranking.probes.randomisation import weighted_layers
from lucidna.sequence import one_hot_numpy
from lucidna.training import candidate as candidate_module
from lucidna.training.distillation import EPSILON, Targets, read_targets, write_targets
from lucidna.training.evaluate import predict
from lucidna.training.module import CandidateModule
from lucidna.training.recipes import compose
from lucidna.training.recipes.base import StepContext
from lucidna.training.run import train_candidate

STATIC = [["standard", {"jitter": False}], ["distillation", {"teacher": "standard"}]]
DYNAMIC = [["standard", {}], ["distillation", {"teacher": "standard", "dynamic": True}]]


@pytest.fixture
def ensemble(make_dataset, candidate, tmp_path):
    """Train members: data, their folders, and the file of what they say."""

    def make(target="counts", n=2, *, jitter=0, epochs=3):
        data = make_dataset(target=target, jitter=jitter, n=600)
        folders = [tmp_path / "train" / f"member{seed}" for seed in range(n)]
        for seed, folder in enumerate(folders):
            settings = candidate(id=folder.name, seed=seed, trainer={"max_epochs": epochs, "learning_rate": 0.005})
            train_candidate(settings, data, folder)
        path = tmp_path / "targets.npz"
        write_targets(path, data, folders, fold="fold0", both_strands=True)
        return data, folders, path

    return make


@pytest.mark.parametrize("target", ["binary", "counts"])
def test_a_student_learns_the_mean_and_the_spread_of_its_members(ensemble, candidate, tmp_path, target):
    data, _, path = ensemble(target, n=3)
    settings = candidate(components=STATIC, seed=7, trainer={"max_epochs": 12, "learning_rate": 0.005})
    metrics = train_candidate(settings, data, tmp_path / "out", distillation=path)
    assert metrics["status"] == "ok"
    assert metrics["uncertainty"]["members"] == 3
    assert metrics["uncertainty"]["spread"]["lo"] > 0.2
    described = json.loads((tmp_path / "out" / "model.json").read_text())
    assert described["members"] == ["member0", "member1", "member2"]
    assert described["build"]["log_variance"] is True
    dataset, model = Dataset.open(data, fold="fold0"), load_model(tmp_path / "out")
    rows = dataset.rows_of("valid")
    mean, log_variance = read_targets(path).at(rows)
    with np.load(tmp_path / "out" / "valid.npz") as saved:
        assert saved["log_variance"].shape == saved["prediction"].shape == mean.shape
        np.testing.assert_array_equal(saved["prediction"], predict(model, dataset, rows)["prediction"])
        np.testing.assert_array_equal(saved["target"], dataset.targets[rows])
        for task in range(mean.shape[1]):
            assert np.corrcoef(saved["prediction"][:, task], mean[:, task])[0, 1] > 0.8
        # The level of the log-variance is that of the members, not that of a network that was not asked.
        assert abs(saved["log_variance"].mean() - log_variance.mean()) < 0.5


def test_labels_of_the_training_rows_are_not_seen(ensemble, candidate, tmp_path):
    data, _, path = ensemble("counts")
    settings = candidate(components=[["standard", {"jitter": False}], STATIC[1]], trainer={"max_epochs": 2})
    train_candidate(settings, data, tmp_path / "a", distillation=path)
    targets = np.load(data / "targets.npy")
    train = Dataset.open(data, fold="fold0").rows_of("train")
    # Same mean: that one is where every network's head starts.
    targets[train] = targets[train][::-1]
    np.save(data / "targets.npy", targets)
    train_candidate(settings, data, tmp_path / "b", distillation=path)
    names = ("model.safetensors", "valid.npz")
    assert [(tmp_path / "a" / n).read_bytes() for n in names] == [(tmp_path / "b" / n).read_bytes() for n in names]


@pytest.mark.parametrize("name", ["cnn_deep", "bpnet"])
@pytest.mark.parametrize("n_controls", [0, 1])
def test_the_output_leaves_the_log_variance_out(name, n_controls):
    settings = {"input_length": 96, "output_length": 96, "target": "counts", "n_tasks": 2, "channels": [[0], [1]]}
    plain, wide = (build(name, n_controls=n_controls, **settings, **more) for more in ({}, {"log_variance": True}))
    assert wide.build_arguments == {**plain.build_arguments, "log_variance": True}
    (head,) = uncertain_heads(wide)
    assert not uncertain_heads(plain)
    assert count_parameters(wide) - count_parameters(plain) == 2 * (head.linear.in_features + 1)
    x = torch.rand(3, 4, 96)
    with torch.no_grad(), recorded_log_variance(wide.eval()) as recorded:
        first, second = wide(x), wide(x[:1])
        head.linear.weight[2:] += 1
        assert torch.equal(wide(x), first)
    assert first.shape == (3, 2)
    assert [tuple(part.shape) for part in recorded] == [(3, 2), (1, 2), (3, 2)]
    assert torch.allclose(recorded[1], recorded[0][:1], atol=1e-6)
    assert not torch.allclose(recorded[2], recorded[0])
    assert torch.allclose(second, first[:1], atol=1e-6)
    with recorded_log_variance(plain) as nothing:
        plain(x)
    assert nothing == []


class TwoStrands(torch.nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x, control=None):
        return (self.network(x) + self.network(x.flip(1, 2))) / 2


def test_a_network_that_calls_its_head_twice_gives_the_mean():
    network = build(
        "cnn_deep", input_length=96, output_length=96, target="counts", n_tasks=1, channels=[[0]], n_controls=0,
        log_variance=True,
    ).eval()  # fmt: skip
    x = torch.rand(3, 4, 96)
    with torch.no_grad():
        with recorded_log_variance(network) as single:
            network(x), network(x.flip(1, 2))
        model = TwoStrands(network)
        with recorded_log_variance(model) as both:
            model(x)
    assert len(both) == 1
    assert torch.allclose(both[0], (single[0] + single[1]) / 2)


def step(component, model, batch):
    context = StepContext(
        model=model,
        loss=None,
        generator=torch.Generator().manual_seed(0),
        epoch=0,
        step=0,
        signal_order=torch.zeros(1, dtype=torch.long),
        control_order=torch.zeros(0, dtype=torch.long),
    )
    recipe = compose([])
    recipe.components = [component]
    batch = recipe.augment_batch(batch, context)
    x, batch = recipe.augment_onehot(batch.pop("x"), batch, context)
    with recipe.forward_context(context):
        prediction = model(x)
    return prediction, batch, recipe.loss_terms(x, prediction, batch, context)


def make_targets(kind="counts"):
    rng = np.random.default_rng(0)
    return Targets(
        row=np.array([1, 4, 6]),
        mean=rng.normal(size=(3, 2)).astype(np.float32),
        log_variance=rng.normal(size=(3, 2)).astype(np.float32),
        members=["a", "b"],
        left_out=[],
        kind=kind,
    )


def small():
    return build(
        "cnn_deep", input_length=96, output_length=96, target="counts", n_tasks=2, channels=[[0], [1]], n_controls=0,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["counts", "binary"])
def test_a_step_has_the_published_terms(kind):
    targets, x = make_targets(kind), torch.rand(2, 4, 96)
    (component,) = compose([["distillation", {"teacher": "t", "weight": 0.5}]]).components
    component.take(targets, [])
    model = build(**{**small().build_arguments, **component.model_arguments()}).eval()
    batch = {"x": x, "row": torch.tensor([6, 1]), "target": torch.full((2, 2), 9.0)}
    with torch.no_grad():
        with recorded_log_variance(model) as recorded:
            expected = model(x)
        prediction, changed, (term,) = step(component, model, batch)
    mean = torch.from_numpy(targets.mean[[2, 0]])
    assert torch.equal(changed["target"], mean)
    own = component.training_loss(lambda prediction, batch: "own")(prediction, changed)
    if kind == "binary":
        assert float(own) == pytest.approx(float((prediction - mean).square().mean()), rel=1e-6)
    else:
        assert own == "own"
    assert torch.equal(prediction, expected)
    difference = recorded[0] - torch.from_numpy(targets.log_variance[[2, 0]])
    assert float(term) == pytest.approx(0.5 * float(difference.square().mean()), rel=1e-5)
    assert float(batch["target"][0, 0]) == 9.0


def test_a_row_that_the_members_were_not_asked_for_is_not_learned_silently():
    (component,) = compose([["distillation", {"teacher": "t"}]]).components
    component.take(make_targets(), [])
    model = build(**{**small().build_arguments, "log_variance": True}).eval()
    _, batch, (term,) = step(
        component, model, {"x": torch.rand(2, 4, 96), "row": torch.tensor([2, 1]), "target": torch.zeros(2, 2)}
    )
    assert not torch.isfinite(term)
    assert not torch.isfinite(batch["target"][0]).any()


def test_dynamic_members_see_what_the_student_sees():
    torch.manual_seed(0)
    members = [small() for _ in range(3)]
    for member in members:
        member.train()(torch.rand(16, 4, 96))  # running statistics that differ from a batch's own
    (component,) = compose([["distillation", {"teacher": "t", "dynamic": True}]]).components
    with pytest.raises(UserError, match="given 0 networks"):
        component.take(make_targets(), [])
    targets = make_targets()
    component.take(Targets(**{**vars(targets), "members": ["a", "b", "c"]}), members)
    assert not any(weight.requires_grad for member in members for weight in member.parameters())
    model = build(**{**small().build_arguments, "log_variance": True}).eval()
    x = torch.rand(5, 4, 96)
    _, batch, (term,) = step(component, model, {"x": x, "row": torch.arange(5), "target": torch.zeros(5, 2)})
    with torch.no_grad():
        outputs = torch.stack([member.eval()(x) for member in members])
    assert torch.allclose(batch["target"], outputs.mean(dim=0), atol=1e-6)
    assert torch.allclose(batch["log_variance"], (outputs.var(dim=0, correction=0) + EPSILON).log(), atol=1e-4)
    assert torch.isfinite(term)


def test_a_dynamic_student_trains_with_shifts_and_edits(ensemble, candidate, tmp_path):
    data, folders, path = ensemble("counts", jitter=4, epochs=1)
    evoaug = ["evoaug", {"operations": ["deletion", "noise"], "finetune_epochs": 1}]
    settings = candidate(components=[DYNAMIC[0], evoaug, DYNAMIC[1]], trainer={"max_epochs": 2})
    metrics = train_candidate(settings, data, tmp_path / "out", distillation=path, members=folders)
    assert metrics["status"] == "ok"
    assert [stage["name"] for stage in metrics["stages"]][-1] != "train" or len(metrics["stages"]) == 2
    assert np.isfinite(metrics["valid"]["loss"])


def test_too_few_members_are_a_failed_student_that_is_not_trained(ensemble, candidate, tmp_path, monkeypatch, caplog):
    data, folders, path = ensemble("counts", epochs=1)
    metrics = json.loads((folders[1] / "metrics.json").read_text())
    (folders[1] / "metrics.json").write_text(json.dumps({**metrics, "status": "failed"}))
    write_targets(path, data, folders, fold="fold0", both_strands=True)
    monkeypatch.setattr(candidate_module.pl.Trainer, "fit", lambda *_, **__: pytest.fail("trained"))
    metrics = train_candidate(
        candidate(recipe="distilled", components=STATIC), data, tmp_path / "out", distillation=path
    )
    assert metrics["status"] == "failed"
    assert metrics["reason"].startswith("recipe 'distilled': distillation needs at least 2 members, and 1 of 2 failed")
    assert metrics["reason"] in caplog.text
    assert "uncertainty" not in metrics
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "history.tsv", "metrics.json", "model.json", "model.safetensors", "valid.npz",
    ]  # fmt: skip
    load_model(tmp_path / "out")


def test_a_student_without_targets_is_refused(make_dataset, candidate, tmp_path):
    with pytest.raises(UserError, match="was given no targets"):
        train_candidate(candidate(components=STATIC), make_dataset(), tmp_path / "out")


def test_a_killed_student_goes_on_with_the_same_targets_and_afresh_with_others(
    ensemble, candidate, tmp_path, monkeypatch, caplog
):
    data, folders, path = ensemble("counts", epochs=1)
    settings = candidate(components=STATIC, trainer={"max_epochs": 3})
    train_candidate(settings, data, tmp_path / "whole", distillation=path)
    training_step = CandidateModule.training_step

    def stopping(self, batch, batch_idx):
        if self.current_epoch == 2:
            raise KeyboardInterrupt("killed")
        return training_step(self, batch, batch_idx)

    def kill(folder):
        with monkeypatch.context() as patch:
            patch.setattr(CandidateModule, "training_step", stopping)
            with pytest.raises((KeyboardInterrupt, SystemExit)):
                train_candidate(settings, data, folder, distillation=path)

    kill(tmp_path / "killed")
    train_candidate(settings, data, tmp_path / "killed", distillation=path)
    for name in ("model.safetensors", "valid.npz"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    kill(tmp_path / "other")
    write_targets(path, data, folders, fold="fold0", both_strands=False)
    caplog.clear()
    train_candidate(settings, data, tmp_path / "other", distillation=path)
    assert "starts afresh" in caplog.text


def test_maps_explain_the_prediction_alone():
    model = build(**{**small().build_arguments, "log_variance": True}).eval()
    model(torch.rand(2, 4, 96))
    codes = np.random.default_rng(0).integers(0, 4, (3, 96), dtype=np.uint8)
    onehot = one_hot_numpy(codes)
    network = ScalarOutput(model, head="counts", task=1)
    audit_model(network, onehot)
    result = deepshap(network, onehot, shuffles=4)
    gradient = saliency(network, onehot)
    assert result.delta.max() < 1e-5
    assert np.abs(result.maps).max() > 0
    (head,) = uncertain_heads(model)
    with torch.no_grad():
        head.linear.weight[2:] += 1
    np.testing.assert_array_equal(deepshap(network, onehot, shuffles=4).maps, result.maps)
    np.testing.assert_array_equal(saliency(network, onehot), gradient)
    # The layer that is drawn anew by the sanity check is the head's.
    assert weighted_layers(network, torch.from_numpy(onehot).float())[-1].endswith("head.linear")


@pytest.mark.parametrize("dynamic", [False, True])
def test_what_was_measured_stays_beside_the_members_outputs(dynamic):
    """The Fourier prior penalises rows with a positive label; a logit of 0.4 is not below one half."""
    torch.manual_seed(0)
    members = [small().eval() for _ in range(3)]
    (component,) = compose([["distillation", {"teacher": "t", "dynamic": dynamic}]]).components
    targets = make_targets()
    component.take(Targets(**{**vars(targets), "members": ["a", "b", "c"]}), members if dynamic else [])
    measured = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    model = build(**{**small().build_arguments, "log_variance": True}).eval()
    row = torch.from_numpy(targets.row[:2])
    _, batch, _ = step(component, model, {"x": torch.rand(2, 4, 96), "row": row, "target": measured})
    torch.testing.assert_close(batch["measured"], measured)
    assert not torch.equal(batch["target"], measured)
