"""The exponential first layer is safe whatever it is given."""

import math

import pytest
import torch

from lucidna.models import build
from lucidna.models.layers import EXPONENTIAL_LIMIT, Exponential

HALF = [torch.float16, torch.bfloat16]


def test_is_exp_below_the_limit_and_its_tangent_above():
    x = torch.tensor([-800.0, -3, 0, 2.5, 9.99, 10, 11, 14, 1e4], dtype=torch.float64)
    top = math.exp(EXPONENTIAL_LIMIT)
    expected = [0, math.exp(-3), 1, math.exp(2.5), math.exp(9.99), top, 2 * top, 5 * top, 9991 * top]
    torch.testing.assert_close(Exponential()(x), torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, *HALF])
def test_gradient_at_and_beyond_the_limit(dtype):
    """At the limit itself too, which a number with few digits often hits."""
    x = torch.tensor([-50.0, 0, 9.9375, 10, 10.0625, 11, 11.5], dtype=dtype, requires_grad=True)
    (gradient,) = torch.autograd.grad(Exponential()(x).float().sum(), x)
    expected = torch.exp(x.detach().double().clamp(max=10))
    torch.testing.assert_close(gradient.double(), expected, rtol=4 * torch.finfo(dtype).eps, atol=1e-7)


def test_gradient_agrees_with_differences():
    x = torch.tensor([-2.0, 1.0, 9.9, 10.1, 30.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(Exponential(), (x,))
    assert torch.autograd.gradgradcheck(Exponential(), (x,))


def test_many_networks_at_once():
    """Mapped over a first axis, as stacked networks are."""
    x = torch.linspace(-5, 15, 24).reshape(4, 6)
    assert torch.equal(torch.func.vmap(Exponential())(x), Exponential()(x))
    gradient = torch.func.vmap(torch.func.grad(lambda row: Exponential()(row).sum()))(x)
    torch.testing.assert_close(gradient, torch.exp(x.clamp(max=10)))


@pytest.mark.parametrize("dtype", [torch.float32, *HALF])
def test_never_overflows_and_never_falls(dtype):
    largest = torch.finfo(dtype).max if dtype == torch.float16 else 1e30
    x = torch.cat([torch.linspace(-100, 100, 4001), torch.tensor([1e3, 6e4, largest])]).to(dtype).requires_grad_()
    y = Exponential()(x)
    assert y.dtype == dtype
    (gradient,) = torch.autograd.grad(y.float().sum(), x)
    assert torch.isfinite(y).all()
    assert torch.isfinite(gradient).all()
    assert (y.diff() >= 0).all()
    assert (gradient >= 0).all()


@pytest.mark.parametrize("dtype", HALF)
def test_half_precision_is_exp_rounded(dtype):
    x = torch.linspace(-8, 12, 2001).to(dtype)
    exact = Exponential()(x.double())
    fits = exact < torch.finfo(dtype).max
    error = (Exponential()(x).double() - exact)[fits].abs() / exact[fits]
    # Half a unit in the last place.
    assert error.max() <= torch.finfo(dtype).eps / 2 + 1e-9 + (6e-8 / exact[fits].min() if dtype == HALF[0] else 0)


@pytest.mark.parametrize("autocast", [False, True])
def test_a_network_stays_finite_far_outside_its_training(autocast):
    torch.manual_seed(0)
    model = build(
        "cnn_deep",
        input_length=64,
        output_length=64,
        target="counts",
        n_tasks=1,
        channels=[[0]],
        n_controls=0,
        first_activation="exponential",
        filters=[8, 8],
        kernel_sizes=[9, 5],
        pool_sizes=[2, 4],
    ).eval()
    x = (1000 * torch.randn(4, 4, 64)).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        y = model(x)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert torch.isfinite(y).all()
    assert torch.isfinite(gradient).all()
    assert gradient.abs().max() > 0
