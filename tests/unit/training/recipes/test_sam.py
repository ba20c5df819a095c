"""Sharpness-aware minimisation: its gradient, and that the second pass leaves no trace."""

import pandas as pd
import pytest
import torch

from lucidna.errors import UserError
from lucidna.models.store import load_model
from lucidna.training.recipes.names import check_recipe
from lucidna.training.recipes.sam import SharpnessAware
from lucidna.training.run import train_candidate


def test_gradient_on_a_quadratic():
    """f(w) = w'Aw / 2: the step is along A (w + rho Aw / |Aw|)."""
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(6, 6, generator=generator, dtype=torch.float64)
    matrix, start = root @ root.T, torch.randn(6, generator=generator, dtype=torch.float64)
    # Two tensors: the norm is over both.
    parts = [start[:2].clone().requires_grad_(), start[2:].clone().requires_grad_()]
    optimizer = SharpnessAware(torch.optim.SGD(parts, lr=0.1), rho=0.3)
    calls = []

    def closure():
        optimizer.zero_grad()
        weights = torch.cat(parts)
        calls.append(weights.detach().clone())
        loss = weights @ matrix @ weights / 2
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    gradient = matrix @ start
    uphill = start + 0.3 * gradient / gradient.norm()
    torch.testing.assert_close(calls[0], start, rtol=0, atol=0)
    torch.testing.assert_close(calls[1], uphill)
    torch.testing.assert_close(torch.cat(parts).detach(), start - 0.1 * matrix @ uphill)
    torch.testing.assert_close(loss.detach(), start @ matrix @ start / 2)


def test_zero_gradient_stays_where_it_is():
    weight = torch.zeros(3, requires_grad=True)
    optimizer = SharpnessAware(torch.optim.SGD([weight], lr=0.1), rho=0.05)

    def closure():
        optimizer.zero_grad()
        loss = weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert torch.equal(weight.detach(), torch.zeros(3))


@pytest.mark.parametrize("trainer", [{}, {"gradient_clip": 0.05}, {"optimizer": "adamw", "schedule": "cosine"}])
def test_radius_zero_is_the_base_optimizer(make_dataset, candidate, tmp_path, trainer):
    """To the last bit, dropout, strands, shifts and noise included: nothing is drawn or counted twice."""
    data = make_dataset()
    components = [["standard", {}], ["evoaug", {"operations": ["mutation", "noise"], "finetune_epochs": 1}]]
    for name, more in (("plain", []), ("sam", [["sam", {"rho": 0}]])):
        settings = candidate(components=[*components, *more], trainer={**trainer, "max_epochs": 2})
        train_candidate(settings, data, tmp_path / name)
    for name in ("model.safetensors", "valid.npz"):
        assert (tmp_path / "sam" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
    plain, sam = (pd.read_csv(tmp_path / n / "history.tsv", sep="\t").drop(columns="seconds") for n in ("plain", "sam"))
    pd.testing.assert_frame_equal(plain, sam)


def test_clipping_bounds_the_step_and_not_the_search(make_dataset, candidate, tmp_path):
    """A clip that is never reached changes nothing; the first gradient's length, which is always changed, neither."""
    data = make_dataset()
    for name, clip in (("none", 0), ("loose", 1e6), ("tight", 1e-3)):
        settings = candidate(
            components=[["standard", {}], ["sam", {"rho": 0.5}]], trainer={"max_epochs": 1, "gradient_clip": clip}
        )
        train_candidate(settings, data, tmp_path / name)
    loose, none, tight = ((tmp_path / n / "model.safetensors").read_bytes() for n in ("loose", "none", "tight"))
    assert loose == none
    assert tight != none


def test_statistics_and_logged_loss_are_the_first_pass_s(make_dataset, candidate, tmp_path):
    """With a rate near zero the weights stay, so statistics and loss are those of plain training."""
    data = make_dataset()
    trainer = {"max_epochs": 2, "learning_rate": 1e-12}
    for name, more in (("plain", []), ("sam", [["sam", {"rho": 1.0}]])):
        train_candidate(candidate(components=[["standard", {}], *more], trainer=trainer), data, tmp_path / name)
    losses = [pd.read_csv(tmp_path / name / "history.tsv", sep="\t")["train_loss"] for name in ("plain", "sam")]
    # A step of length 1 uphill raises the second pass's loss by far more.
    assert losses[1].tolist() == pytest.approx(losses[0].tolist(), rel=1e-6)
    plain, sam = (load_model(tmp_path / name).state_dict() for name in ("plain", "sam"))
    norms = [name for name in plain if ".norm." in name and "running" in name]
    assert len(norms) == 6
    for name in norms:
        torch.testing.assert_close(sam[name], plain[name], rtol=1e-5, atol=1e-7)
    tracked = [value.item() for name, value in sam.items() if name.endswith("num_batches_tracked")]
    assert tracked == [value.item() for name, value in plain.items() if name.endswith("num_batches_tracked")]


def test_a_step_without_closure_is_refused():
    weight = torch.ones(2, requires_grad=True)
    with pytest.raises(UserError, match="two passes in each step"):
        SharpnessAware(torch.optim.SGD([weight], lr=0.1), rho=0.1).step()


def test_state_is_the_base_optimizer_s():
    weight = torch.ones(2, requires_grad=True)
    first = SharpnessAware(torch.optim.Adam([weight], lr=0.1), rho=0.1)

    def closure():
        first.zero_grad()
        loss = weight.square().sum()
        loss.backward()
        return loss

    first.step(closure)
    saved = first.state_dict()
    assert saved["state"][0]["step"] == 1
    second = SharpnessAware(torch.optim.Adam([weight], lr=0.5), rho=0.1)
    second.load_state_dict(saved)
    assert second.base.param_groups is second.param_groups
    assert second.param_groups[0]["lr"] == 0.1
    assert torch.equal(second.base.state[weight]["exp_avg"], first.base.state[weight]["exp_avg"])


@pytest.mark.parametrize("rho", [-0.1, "far", None])
def test_bad_input(rho):
    with pytest.raises(UserError, match=f"rho {rho!r} is not a number from 0"):
        check_recipe([["sam", {"rho": rho}]], target="counts", window=256, class_name="cnn_deep")
