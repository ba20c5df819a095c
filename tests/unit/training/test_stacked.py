"""Seeds trained together against the same seeds trained one at a time."""

import copy
import re

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from lucidna.training import evaluate as evaluate_module
from lucidna.training.module import CandidateModule
from lucidna.training.recipes import registry
from lucidna.training.recipes.base import Component
from lucidna.training.run import train_candidate
from lucidna.training.stack import Stack, StackedAdam
from lucidna.training.stacked import train_stacked
from lucidna.training.stacking import STACKABLE

SHALLOW = {"filters": [8, 8], "kernel_sizes": [9, 3], "pool_sizes": [8, 2], "dense": [8]}
BPNET = {"n_filters": 6, "n_layers": 2, "first_kernel": 7, "profile_kernel": 9, "dropout": 0.1}
OPERATIONS = [{"mutation": {"fraction": 0.1}}, {"deletion": {"min": 0, "max": 5}}, {"noise": {}}]
EVOAUG = ["evoaug", {"operations": OPERATIONS, "finetune_epochs": 2}]
PLATEAU = {"plateau_patience": 1, "max_epochs": 6, "patience": 2, "learning_rate": 0.02}

CASES = {
    "shallow": ("binary", {"class": "cnn_shallow", "arguments": SHALLOW}),
    "deep": (
        "binary",
        {
            "components": [["standard", {}], ["exponential", {}], ["kmer_filters", {}], ["label_smoothing", {}]],
            "trainer": {"schedule": "cosine", "gradient_clip": 0.5, "optimizer": "adamw"},
        },
    ),
    "evoaug": ("counts", {"components": [["standard", {"jitter": True}], EVOAUG]}),
    "bpnet": (
        "profile",
        {
            "class": "bpnet",
            "arguments": BPNET,
            "components": [["standard", {}], ["exponential", {}], ["conjoined", {}], ["input_noise", {}]],
            "trainer": PLATEAU,
        },
    ),
}


@pytest.fixture
def in_double(monkeypatch):
    """Compute in float64: a difference beyond its rounding is one of method."""
    before, one_hot = torch.get_default_dtype(), evaluate_module.one_hot
    monkeypatch.setattr(evaluate_module, "one_hot", lambda codes: one_hot(codes).double())
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def seeds_of(candidate, n=3, **settings):
    """Return the candidates of n seeds."""
    return [candidate(id=f"small-standard-fold0-s{seed}-0123abcd", seed=seed, **settings) for seed in range(n)]


def both_ways(candidates, data, folder):
    """Train one at a time and together; return pairs of folders and of metrics."""
    apart = [folder / f"apart{candidate['seed']}" for candidate in candidates]
    together = [folder / f"together{candidate['seed']}" for candidate in candidates]
    one = [train_candidate(candidate, data, out) for candidate, out in zip(candidates, apart, strict=True)]
    all_at_once = train_stacked(candidates, data, together)
    return list(zip(apart, together, strict=True)), list(zip(one, all_at_once, strict=True))


def history(folder):
    """Read the epochs, but for their seconds."""
    return pd.read_csv(folder / "history.tsv", sep="\t").drop(columns="seconds")


def predictions(folder):
    """Read the predictions of the validation rows."""
    with np.load(folder / "valid.npz", allow_pickle=False) as saved:
        return saved["prediction"]


@pytest.mark.parametrize("case", CASES)
def test_equals_separate_runs(make_dataset, candidate, tmp_path, in_double, case):
    target, settings = CASES[case]
    candidates = seeds_of(candidate, **settings)
    folders, metrics = both_ways(candidates, make_dataset(target=target), tmp_path)
    for (apart, together), (one, other) in zip(folders, metrics, strict=True):
        # Losses are float32 whatever the networks are, and training amplifies their last bit.
        pd.testing.assert_frame_equal(history(apart), history(together), rtol=1e-6, atol=1e-6)
        for name in ("best_epoch", "epochs", "status", "reason", "n_parameters", "candidate", "monitor"):
            assert other[name] == one[name]
        expected, found = load_file(apart / "model.safetensors"), load_file(together / "model.safetensors")
        assert list(found) == list(expected)
        for name, value in expected.items():
            torch.testing.assert_close(
                found[name], value, rtol=1e-5, atol=1e-5, msg=lambda text, n=name: f"{n}: {text}"
            )
        np.testing.assert_allclose(predictions(together), predictions(apart), rtol=1e-5, atol=1e-5)
        assert (together / "model.json").read_text() == (apart / "model.json").read_text()
        assert sorted(path.name for path in together.iterdir()) == sorted(path.name for path in apart.iterdir())
    assert not np.allclose(predictions(folders[0][1]), predictions(folders[1][1]), atol=1e-2)
    if case == "bpnet":
        # Seeds that stop leave the others to go on.
        assert len({one["epochs"] for one, _ in metrics}) > 1


def test_equals_separate_runs_in_float32(make_dataset, candidate, tmp_path):
    # No batch normalisation and no profile: every weight has a gradient that is more than rounding.
    settings = {"class": "bpnet", "arguments": BPNET}
    folders, _ = both_ways(seeds_of(candidate, **settings), make_dataset(target="counts"), tmp_path)
    for apart, together in folders:
        expected, found = load_file(apart / "model.safetensors"), load_file(together / "model.safetensors")
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(predictions(together), predictions(apart), rtol=1e-3, atol=1e-3)


def test_same_seeds_same_bytes_whoever_else_is_there(make_dataset, candidate, tmp_path):
    data, candidates = make_dataset(), seeds_of(candidate)
    for name in ("a", "b"):
        train_stacked(candidates, data, [tmp_path / f"{name}{seed}" for seed in range(3)])
    for seed in range(3):
        first, second = ((tmp_path / f"{name}{seed}" / "model.safetensors").read_bytes() for name in ("a", "b"))
        assert first == second


@pytest.mark.parametrize(("epoch", "step"), [(0, 0), (1, 2)])
def test_a_failing_seed_leaves_the_others(make_dataset, candidate, tmp_path, in_double, monkeypatch, epoch, step):
    augmented = CandidateModule.augmented

    def poisoned(self, batch, batch_idx):
        x, batch, context = augmented(self, batch, batch_idx)
        bad = self.seed == 1 and (self.current_epoch, batch_idx) == (epoch, step)
        return (x * float("nan") if bad else x), batch, context

    monkeypatch.setattr(CandidateModule, "augmented", poisoned)
    folders, metrics = both_ways(seeds_of(candidate), make_dataset(), tmp_path)
    assert [other["status"] for _, other in metrics] == ["ok", "failed", "ok"]
    assert f"epoch {epoch + 1}, step {step + 1}:" in metrics[1][1]["reason"]
    for (apart, together), (one, other) in zip(folders, metrics, strict=True):
        # A stack keeps no checkpoint to resume from, and names none.
        assert other["reason"] == (one["reason"] and re.sub(r"the last good checkpoint is \S+, ", "", one["reason"]))
        expected, found = load_file(apart / "model.safetensors"), load_file(together / "model.safetensors")
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value, rtol=1e-5, atol=1e-5)
            assert torch.isfinite(found[name]).all()
        assert len(history(together)) == len(history(apart)) == (epoch if other["status"] == "failed" else 3)
    assert (folders[1][1] / "checkpoints" / "stage0-best.ckpt").is_file() == (epoch > 0)


def test_only_seeds_of_one_family_are_stacked(make_dataset, candidate, tmp_path):
    data, pair = make_dataset(), seeds_of(candidate, 2)
    for other in ({**pair[1], "recipe": "else"}, {**pair[1], "trainer": {"max_epochs": 1}}):
        with pytest.raises(ValueError, match="differ in their seed alone"):
            train_stacked([pair[0], other], data, [tmp_path / "a", tmp_path / "b"])
    with pytest.raises(ValueError, match="has a component that cannot be stacked"):
        train_stacked(seeds_of(candidate, 2, components=[["sam", {}]]), data, [tmp_path / "a", tmp_path / "b"])


def test_what_is_stackable_uses_no_hook_that_knows_one_network():
    hooks = ("forward_context", "loss_terms", "wrap_optimizer", "callbacks", "take", "obstacle")
    alone = {
        name
        for name, part in registry().items()
        if part.input_gradient or any(getattr(part, hook) is not getattr(Component, hook) for hook in hooks)
    }
    # The attack differentiates the network before the step's own pass.
    assert set(STACKABLE) == set(registry()) - alone - {"adversarial"}


def test_networks_that_leave_the_stack_keep_their_weights():
    networks = [nn.Sequential(nn.Conv1d(4, 2, 3), nn.BatchNorm1d(2)) for _ in range(3)]
    before = [{name: value.clone() for name, value in part.state_dict().items()} for part in networks]
    stack = Stack(networks)
    stack.keep([0, 2])
    with torch.no_grad():
        stack.weights.add_(1)
        stack.buffers["1.running_mean"].add_(5)
    for place, moved in enumerate([True, False, True]):
        for name, value in networks[place].state_dict().items():
            by = (5 if "running_mean" in name else 0 if "running" in name or "num" in name else 1) if moved else 0
            torch.testing.assert_close(value, before[place][name] + by)


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_stacked_adam_is_torch_adam_with_a_rate_for_each(kind, decay):
    networks = [nn.Linear(3, 2, dtype=torch.float64) for _ in range(2)]
    alone = [copy.deepcopy(part) for part in networks]
    rates = [0.1, 0.003]
    optimizers = [kind(part.parameters(), lr=r, weight_decay=decay) for part, r in zip(alone, rates, strict=True)]
    stack = Stack(networks)
    stacked = StackedAdam(stack, optimizers[0].param_groups[0])
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        stack.weights.grad = torch.randn(stack.weights.shape, generator=generator, dtype=torch.float64) * 9
        for place, part in enumerate(alone):
            part.weight.grad, part.bias.grad = (
                g.view(w.shape).clone()
                for g, w in zip(stack.weights.grad[place].split([6, 2]), part.parameters(), strict=True)
            )
            nn.utils.clip_grad_norm_(part.parameters(), 2.0)
            optimizers[place].step()
        stack.clip_gradients(2.0)
        stacked.step(rates)
    for part, own in zip(alone, networks, strict=True):
        torch.testing.assert_close(own.weight, part.weight, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(own.bias, part.bias, rtol=1e-12, atol=1e-12)
