"""The input-gradient penalty."""

import pytest
import torch
from torch import nn

from lucidna.sequence import one_hot
from lucidna.training.recipes import compose

from .steps import small_batch, small_network, step_context


class Linear(nn.Module):
    """A linear map of the one-hot columns, whose Jacobian is its weight."""

    def __init__(self, n_tasks, length=64):
        super().__init__()
        torch.manual_seed(3)
        self.weight = nn.Parameter(torch.randn(n_tasks, 4 * length))

    def forward(self, x, control=None):
        return x.flatten(1) @ self.weight.T


def term_of(model, n_tasks, *, seed=0, n=24, **arguments):
    batch = small_batch(n, n_tasks=n_tasks)
    x = one_hot(batch["codes"]).requires_grad_()
    context = step_context(model, seed=seed)
    (term,) = compose([["jacobian_penalty", arguments]]).loss_terms(x, model(x), batch, context)
    return term


@pytest.mark.parametrize("n_tasks", [1, 3])
def test_the_jacobian_of_a_linear_map_is_its_weight(n_tasks):
    model = Linear(n_tasks)
    term = term_of(model, n_tasks, weight=0.5, projections=None)
    expected = 0.25 * model.weight.square().sum()
    torch.testing.assert_close(term, expected)
    term.backward()
    torch.testing.assert_close(model.weight.grad, 0.5 * model.weight)


def test_one_task_needs_no_draw():
    model = Linear(1)
    torch.testing.assert_close(term_of(model, 1, weight=2.0), model.weight.square().sum())
    assert torch.equal(term_of(model, 1, seed=1), term_of(model, 1, seed=2))


def test_random_projections_are_right_on_average():
    model = Linear(5)
    exact = 0.5 * model.weight.square().sum()
    drawn = torch.stack([term_of(model, 5, seed=seed, weight=1.0, projections=1, n=200) for seed in range(40)])
    error = drawn.std() / len(drawn) ** 0.5
    assert (drawn.mean() - exact).abs() < 4 * error
    assert error < 0.01 * exact
    many = torch.stack([term_of(model, 5, seed=seed, weight=1.0, projections=8, n=200) for seed in range(20)])
    assert many.std() < 0.6 * drawn.std()
    assert not torch.equal(drawn[0], drawn[1])


@pytest.mark.parametrize("target", ["binary", "counts"])
def test_the_jacobian_of_a_network(target):
    """Row by row by `torch.func`, in evaluation mode, where rows do not depend on each other."""
    model = small_network(target=target, n_tasks=3).eval()
    batch = small_batch(6, target=target, n_tasks=3)
    x = one_hot(batch["codes"]).requires_grad_()
    context = step_context(model, target=target)
    recipe = compose([["jacobian_penalty", {"weight": 1.0, "projections": None}]])
    (term,) = recipe.loss_terms(x, model(x), batch, context)
    jacobian = torch.func.vmap(torch.func.jacrev(lambda row: model(row[None])[0]))(x.detach())
    torch.testing.assert_close(term.detach(), jacobian.square().sum(dim=(1, 2, 3)).mean() / 2, rtol=1e-4, atol=0)
