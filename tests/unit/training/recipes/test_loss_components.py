"""What all components that act on the loss, the input or a layer have in common."""

import numpy as np
import pytest
import torch

from lucidna.errors import UserError
from lucidna.models.names import ARCHITECTURES
from lucidna.sequence import one_hot
from lucidna.training.module import CandidateModule
from lucidna.training.recipes import compose
from lucidna.training.recipes.names import COMPONENTS, EXCLUSIVE, check_recipe
from lucidna.training.run import train_candidate
from tests.unit.training.test_run import Killed, kill_at

from .steps import make_module, small_batch, small_network, statistics, step_context

# Arguments that make each act from the first epoch on.
ACTIVE = {
    "fourier_prior": {},
    "angle_penalty": {},
    "jacobian_penalty": {"weight": 1.0},
    "adversarial": {"steps": 2, "clean_epochs": 0},
    "mixup": {"burn_in": 0},
    "manifold_mixup": {"burn_in": 0},
    "input_noise": {},
    "manifold_noise": {},
    "label_smoothing": {},
}
REFUSED = {("label_smoothing", "counts"), ("label_smoothing", "profile")}
SETTINGS = [(name, target) for name in ARCHITECTURES for target in ("binary", "counts")] + [("bpnet", "profile")]
CASES = [(part, *setting) for part in ACTIVE for setting in SETTINGS if (part, setting[1]) not in REFUSED]


@pytest.mark.parametrize(("component", "name", "target"), CASES)
def test_every_architecture_and_target(make_dataset, component, name, target):
    """A step moves every weight by a finite gradient that is not the plain one, N columns or not."""
    data = make_dataset(target=target, n=100, controls=target == "profile")
    check_recipe([[component, ACTIVE[component]]], target=target, window=64, class_name=name)
    gradients = []
    for components in ([], [[component, ACTIVE[component]]]):
        module, batch = make_module(data, components, name=name, dropout=0.0)
        module.training_step(batch, 0).backward()
        gradients.append([p.grad for p in module.model.parameters() if p.grad is not None])
        assert all(torch.isfinite(gradient).all() for gradient in gradients[-1])
        assert len(gradients[-1]) == len(list(module.model.parameters()))
    assert any(not torch.allclose(a, b, rtol=1e-3) for a, b in zip(*gradients, strict=True))


@pytest.mark.parametrize("component", ACTIVE)
@pytest.mark.parametrize("first_activation", ["relu", "exponential"])
def test_a_network_that_sees_nothing_has_finite_gradients(make_dataset, component, first_activation):
    """All first filters at zero: every input gradient is zero, and no root or angle of it may be NaN."""
    module, batch = make_module(
        make_dataset(target="binary", n=100), [[component, ACTIVE[component]]], first_activation=first_activation
    )
    with torch.no_grad():
        first = module.model.blocks[0].conv
        first.weight.zero_()
    loss = module.training_step(batch, 0)
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(p.grad).all() for p in module.model.parameters() if p.grad is not None)


@pytest.mark.parametrize("component", ACTIVE)
def test_two_epochs_differ_from_plain_training_and_repeat_to_the_byte(make_dataset, candidate, tmp_path, component):
    data = make_dataset(target="binary", n=120)
    recipes = {"plain": [["standard", {}]], "a": [["standard", {}], [component, ACTIVE[component]]]}
    recipes["b"] = recipes["a"]
    for name, components in recipes.items():
        metrics = train_candidate(candidate(components=components, trainer={"max_epochs": 2}), data, tmp_path / name)
        assert metrics["status"] == "ok"
    weights = {name: (tmp_path / name / "model.safetensors").read_bytes() for name in recipes}
    assert weights["a"] == weights["b"]
    assert weights["a"] != weights["plain"]
    assert (tmp_path / "a" / "valid.npz").read_bytes() == (tmp_path / "b" / "valid.npz").read_bytes()


@pytest.mark.parametrize("clip", [0.0, 0.5])
def test_all_together_are_resumed_to_the_same_bytes(make_dataset, candidate, tmp_path, monkeypatch, clip):
    """Every component that may stand beside the others, with burn-ins, killed in the last stage."""
    data = make_dataset(target="binary", n=240)
    parts = [part for part in ACTIVE if part not in ("mixup", "manifold_noise")]
    settings = candidate(
        components=[
            ["standard", {}],
            *([part, ACTIVE[part]] for part in parts if part not in ("adversarial", "manifold_mixup")),
            ["adversarial", {"steps": 2, "clean_epochs": 1, "mixed_epochs": 1}],
            ["manifold_mixup", {"burn_in": 1}],
        ],
        trainer={"max_epochs": 4, "gradient_clip": clip},
    )
    check_recipe(settings["components"], target="binary", window=64, class_name="cnn_deep", max_epochs=4)
    whole = train_candidate(settings, data, tmp_path / "whole")
    assert [stage["epochs"] for stage in whole["stages"]] == [1, 3]
    with monkeypatch.context() as patch:
        kill_at(patch, epoch=1, stage=1)
        with pytest.raises(Killed):
            train_candidate(settings, data, tmp_path / "killed")
    again = train_candidate(settings, data, tmp_path / "killed")
    assert again["epochs"] == whole["epochs"] == 4
    for name in ("model.safetensors", "valid.npz"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize("component", ACTIVE)
def test_evaluation_draws_nothing(make_dataset, component):
    """After a training step, a network predicts as it would without the component, and no generator moves."""
    module, batch = make_module(make_dataset(target="binary", n=100), [[component, ACTIVE[component]]])
    module.training_step(batch, 0).backward()
    fresh = small_network(length=64, n_tasks=1)
    fresh.load_state_dict(module.model.state_dict())
    module.eval()
    fresh.eval()
    states = torch.get_rng_state(), module.generator.get_state()
    x = one_hot(batch["codes"])
    with torch.inference_mode():
        first, second, expected = module.model(x), module.model(x), fresh(x)
    assert torch.equal(first, second)
    assert torch.equal(first, expected)
    module.on_validation_epoch_start()
    module.validation_step(batch, 0)
    assert torch.equal(states[0], torch.get_rng_state())
    assert torch.equal(states[1], module.generator.get_state())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.model.modules())


def test_one_gradient_serves_all_penalties(make_dataset, monkeypatch):
    calls = []
    gradient = torch.autograd.grad

    def counting(*args, **kwargs):
        calls.append(kwargs.get("create_graph", False))
        return gradient(*args, **kwargs)

    monkeypatch.setattr(torch.autograd, "grad", counting)
    parts = [["fourier_prior", {}], ["angle_penalty", {}], ["jacobian_penalty", {}]]
    module, batch = make_module(make_dataset(target="binary", n=100), parts)
    module.training_step(batch, 0)
    assert calls == [True]


@pytest.mark.parametrize("component", ["fourier_prior", "angle_penalty", "jacobian_penalty", "mixup"])
def test_a_nan_term_ends_training_with_its_name_and_the_last_good_checkpoint(
    make_dataset, candidate, tmp_path, monkeypatch, component
):
    step = CandidateModule.training_step

    def poisoned(self, batch, batch_idx):
        if self.current_epoch == 1 and batch_idx == 1:
            part = next(part for part in self.recipe.components if part.name == component)
            terms = type(part).loss_terms
            monkeypatch.setattr(part, "loss_terms", lambda *a: terms(part, *a) * float("nan"))
        return step(self, batch, batch_idx)

    monkeypatch.setattr(CandidateModule, "training_step", poisoned)
    settings = candidate(
        recipe="mine", components=[["standard", {}], [component, ACTIVE[component]]], trainer={"max_epochs": 3}
    )
    metrics = train_candidate(settings, make_dataset(target="binary", n=120), tmp_path / "out")
    assert metrics["status"] == "failed"
    for words in (
        "recipe 'mine'",
        "epoch 2, step 2",
        f"weaken or leave out what the recipe adds to the loss ({component})",
    ):
        assert words in metrics["reason"]
    assert f"the last good checkpoint is {metrics['candidate']}/checkpoints/last.ckpt" in metrics["reason"]
    assert metrics["reason"].endswith(
        "the weights kept are those of small-standard-fold0-s0-0123abcd/checkpoints/stage0-best.ckpt"
    )
    assert (tmp_path / "out" / "checkpoints" / "last.ckpt").is_file()
    assert (tmp_path / "out" / "checkpoints" / "stage0-best.ckpt").is_file()


@pytest.mark.parametrize("component", ACTIVE)
def test_a_step_leaves_the_batch_it_was_given(component):
    model = small_network()
    batch = small_batch()
    before = {key: value.clone() for key, value in batch.items()}
    x = one_hot(batch["codes"])
    recipe, context = compose([[component, ACTIVE[component]]]), step_context(model)
    changed = recipe.augment_batch(batch, context)
    moved, changed = recipe.augment_onehot(x, changed, context)
    with recipe.forward_context(context):
        leaf = moved.detach().requires_grad_()
        recipe.loss_terms(leaf, model(leaf), changed, context)
    assert all(torch.equal(batch[key], value) for key, value in before.items())
    assert torch.equal(x, one_hot(before["codes"]))


def test_statistics_are_of_the_loss_pass_alone(make_dataset):
    """Extra passes leave batch normalisation's running averages to the rows of the loss."""
    data = make_dataset(target="binary", n=100)
    plain, batch = make_module(data, [], dropout=0.0)
    plain.training_step(batch, 0)
    expected = statistics(plain.model)
    for component in ("fourier_prior", "jacobian_penalty", "mixup", "manifold_mixup", "label_smoothing"):
        module, batch = make_module(data, [[component, ACTIVE[component]]], dropout=0.0)
        module.training_step(batch, 0)
        for name, value in statistics(module.model).items():
            assert torch.equal(value, expected[name]), (component, name)
        norms = [m for m in module.model.modules() if isinstance(m, torch.nn.BatchNorm1d)]
        assert all(norm.track_running_stats for norm in norms)


@pytest.mark.parametrize(
    ("component", "arguments", "message"),
    [
        ("fourier_prior", {"weight": -1}, "weight -1 is not a number from 0"),
        ("fourier_prior", {"freq_limit": 0}, "freq_limit 0 is not a number above 0 below 500"),
        ("fourier_prior", {"freq_limit": 600}, "freq_limit 600"),
        ("fourier_prior", {"softness": "soft"}, "softness 'soft'"),
        ("fourier_prior", {"smoothing": 200}, "smoothing 200 is not a number from 0 below 50"),
        ("fourier_prior", {"head": "profile"}, "head 'profile' is not one of the target 'counts': use null or counts"),
        ("fourier_prior", {"frequency": 3}, "no argument 'frequency'"),
        ("angle_penalty", {"weight": "high"}, "weight 'high'"),
        ("angle_penalty", {"head": "logit"}, "head 'logit'"),
        ("angle_penalty", {"wieght": 1}, "did you mean 'weight'"),
        ("jacobian_penalty", {"projections": 0}, "projections 0 is not a whole number from 1"),
        ("jacobian_penalty", {"projections": 1.5}, "projections 1.5"),
        ("jacobian_penalty", {"weight": -0.1}, "weight -0.1"),
        ("adversarial", {"method": "cw"}, "method 'cw' is neither 'pgd' nor 'fgsm'"),
        ("adversarial", {"radius": 0}, "radius 0 is not a number above 0 up to 1"),
        ("adversarial", {"step": 2}, "step 2"),
        ("adversarial", {"steps": 0}, "steps 0 is not a whole number from 1"),
        ("adversarial", {"method": "fgsm", "steps": 3}, "'fgsm' takes one step"),
        ("adversarial", {"method": "fgsm", "step": 0.1}, "has no step"),
        ("adversarial", {"clean_epochs": 20}, "clean_epochs 20 leaves none of the 20 epochs"),
        ("adversarial", {"mixed_epochs": -1}, "mixed_epochs -1"),
        ("adversarial", {"epsilon": 0.1}, "no argument 'epsilon'"),
        ("mixup", {"alpha": 0}, "alpha 0 is not a number above 0"),
        ("mixup", {"burn_in": -1}, "burn_in -1 is not a whole number from 0"),
        ("mixup", {"burn_in": 30}, "burn_in 30 leaves none of the 20 epochs"),
        ("manifold_mixup", {"alpha": True}, "alpha True"),
        ("manifold_mixup", {"layers": 2}, "no argument 'layers'"),
        ("input_noise", {"std": 0}, "std 0 is not a number above 0"),
        ("input_noise", {"sd": 0.1}, "did you mean 'std'"),
        ("manifold_noise", {"std": -1}, "std -1"),
        ("label_smoothing", {"amount": 1}, "amount 1 is not a number above 0 below 1"),
        ("label_smoothing", {}, "the target 'counts' has none: leave it out"),
    ],
)
def test_refusals(component, arguments, message):
    with pytest.raises(UserError) as raised:
        check_recipe([[component, arguments]], target="counts", window=100, class_name="cnn_deep", max_epochs=20)
    assert message in str(raised.value)
    assert component in str(raised.value)


@pytest.mark.parametrize("target", ["binary", "counts", "profile"])
def test_defaults_are_sound(target):
    for component in ACTIVE:
        if (component, target) not in REFUSED:
            check_recipe([[component, {}]], target=target, window=100, class_name="bpnet", max_epochs=50)
    for head in {"binary": [], "counts": ["counts"], "profile": ["counts", "profile"]}[target]:
        for component in ("fourier_prior", "angle_penalty", "jacobian_penalty"):
            check_recipe([[component, {"head": head}]], target=target, window=100, class_name="bpnet")


def test_what_says_the_same_twice_is_refused():
    for pair in (("mixup", "manifold_mixup"), ("input_noise", "manifold_noise")):
        assert pair in EXCLUSIVE
        with pytest.raises(UserError, match=f"'{pair[0]}' and '{pair[1]}' do not go together"):
            check_recipe([[name, {}] for name in reversed(pair)], target="binary", window=100, class_name="cnn_deep")


def test_a_rest_longer_than_training_is_refused_at_its_start(make_dataset, candidate, tmp_path):
    settings = candidate(components=[["adversarial", {"clean_epochs": 3}]], trainer={"max_epochs": 3})
    with pytest.raises(UserError, match="clean_epochs 3 leaves none of the 3 epochs"):
        train_candidate(settings, make_dataset(target="binary", n=40), tmp_path / "out")


def test_half_precision(make_dataset, candidate, tmp_path):
    parts = [[part, ACTIVE[part]] for part in ACTIVE if part not in ("mixup", "input_noise")]
    settings = candidate(components=[["standard", {}], *parts], trainer={"max_epochs": 1, "precision": "bf16-mixed"})
    metrics = train_candidate(settings, make_dataset(target="binary", n=60), tmp_path / "out")
    assert metrics["status"] == "ok"
    assert np.isfinite(metrics["valid"]["loss"])


def test_all_are_in_the_registry():
    assert set(ACTIVE) <= set(COMPONENTS)
