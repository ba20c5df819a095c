"""The off-simplex angle penalty."""

import pytest
import torch

from lucidna.attribution.correction import simplex_angles
from lucidna.sequence import one_hot
from lucidna.training.recipes import compose
from lucidna.training.recipes.angle_penalty import safe_angles

from .steps import small_batch, small_network, step_context


def gradients(seed=0, shape=(6, 4, 50)):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_the_angles_are_the_published_ones():
    for scale in (1.0, 1e-9, 1e9):
        maps = gradients() * scale
        angles = safe_angles(maps)
        torch.testing.assert_close(angles, torch.from_numpy(simplex_angles(maps.numpy())), atol=1e-3, rtol=0)
    assert angles.abs().max() > 60


def test_zero_in_the_plane_and_ninety_out_of_it():
    plane = gradients() - gradients().mean(dim=1, keepdim=True)
    assert safe_angles(plane).abs().max() < 1e-4
    out = torch.ones(2, 4, 10)
    out[1] = -out[1]
    assert torch.equal(safe_angles(out)[0], torch.full((10,), 90.0))
    assert torch.equal(safe_angles(out)[1], torch.full((10,), -90.0))


@pytest.mark.parametrize("case", ["zero", "out of the plane", "one zero position", "tiny", "in the plane"])
def test_the_gradient_of_the_penalty_is_finite(case):
    maps = gradients()
    if case == "zero":
        maps = torch.zeros_like(maps)
    elif case == "out of the plane":
        maps = torch.ones_like(maps)
    elif case == "one zero position":
        maps[:, :, 3] = 0
    elif case == "tiny":
        maps = maps * 1e-9
        maps[:, :, 5] *= 1e-20
    else:
        maps = maps - maps.mean(dim=1, keepdim=True)
    maps.requires_grad_()
    torch.linalg.vector_norm(safe_angles(maps), dim=1).mean().backward()
    assert torch.isfinite(maps.grad).all()
    assert (maps.grad != 0).any() == (case not in ("zero", "out of the plane"))


def test_a_vanishing_gradient_has_no_angle():
    maps = gradients()
    maps[:, :, 5] *= 1e-8
    maps[:, :, 6] *= 1e-4
    maps.requires_grad_()
    angles = safe_angles(maps)
    angles.sum().backward()
    assert (angles[:, 5] == 0).all()
    assert (maps.grad[:, :, 5] == 0).all()
    assert (angles[:, 6] != 0).all()
    assert (maps.grad[:, :, 6] != 0).all()


def test_the_gradient_is_that_of_finite_differences():
    maps = gradients(shape=(2, 4, 3)).double().requires_grad_()
    assert torch.autograd.gradcheck(safe_angles, (maps,))


def test_the_term_is_the_published_form():
    """Lambda times the mean over rows of the norm of the angles, in degrees; unknown bases are left out."""
    model, batch = small_network(dropout=0.0), small_batch()
    x = one_hot(batch["codes"]).requires_grad_()
    recipe, context = compose([["angle_penalty", {"weight": 0.02}]]), step_context(model)
    prediction = model(x)
    (term,) = recipe.loss_terms(x, prediction, batch, context)
    maps = torch.autograd.grad(prediction.sum(), x)[0].numpy()
    angles = torch.from_numpy(simplex_angles(maps)) * (batch["codes"] < 4)
    torch.testing.assert_close(term.detach(), 0.02 * angles.square().sum(dim=1).sqrt().mean(), rtol=1e-4, atol=0)
    assert term > 0.1


def test_a_network_whose_filters_lie_in_the_plane_is_not_penalised():
    model, batch = small_network(dropout=0.0), small_batch()
    x = one_hot(batch["codes"]).requires_grad_()
    with torch.no_grad():
        first = model.blocks[0].conv.weight
        first -= first.mean(dim=1, keepdim=True)
    (term,) = compose([["angle_penalty", {"weight": 1.0}]]).loss_terms(x, model(x), batch, step_context(model))
    assert term.detach() < 0.05


def test_training_on_the_term_turns_the_gradients_into_the_plane():
    model, batch = small_network(dropout=0.0), small_batch(n=32)
    recipe = compose([["angle_penalty", {"weight": 1.0}]])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    values = []
    for _ in range(30):
        x = one_hot(batch["codes"]).requires_grad_()
        (term,) = recipe.loss_terms(x, model(x), batch, step_context(model))
        optimizer.zero_grad()
        term.backward()
        optimizer.step()
        values.append(float(term.detach()))
    assert values[-1] < 0.5 * values[0]
