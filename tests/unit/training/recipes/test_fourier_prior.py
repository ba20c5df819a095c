"""The Fourier attribution prior."""

import numpy as np
import pytest
import torch

from lucidna.sequence import one_hot
from lucidna.training.recipes import compose
from lucidna.training.recipes.fourier_prior import fourier_penalty, positive_rows, rescaled_limit, smoothed

from .steps import small_batch, small_network, step_context


@pytest.fixture
def reference(shared_data):
    with np.load(shared_data / "reference" / "fourier_prior.npz", allow_pickle=False) as file:
        return dict(file)


@pytest.mark.parametrize(
    ("key", "limit", "softness", "smoothing"),
    [
        ("loss_fl60_soft0.2_sig3", 60, 0.2, 3.0),
        ("loss_fl60_softNone_sig3", 60, None, 3.0),
        ("loss_fl60_soft0.2_sig0", 60, 0.2, 0.0),
        ("loss_fl120_soft0.2_sig1", 120, 0.2, 1.0),
    ],
)
def test_reproduces_the_published_code(reference, key, limit, softness, smoothing):
    attributions = torch.from_numpy(np.abs(reference["input_grads"]).sum(axis=-1))
    penalty = fourier_penalty(attributions, limit=limit, softness=softness, smoothing=smoothing)
    mean = penalty[torch.from_numpy(reference["status"] == 1)].mean()
    assert float(mean) == pytest.approx(float(reference[key]), abs=2e-6)


def test_reproduces_the_published_smoothing(reference):
    attributions = torch.from_numpy(np.abs(reference["input_grads"]).sum(axis=-1)).float()
    np.testing.assert_allclose(smoothed(attributions, 3.0), reference["smooth_sig3"], rtol=2e-6)


def test_slow_waves_are_free_and_fast_ones_are_not():
    places = torch.arange(200) / 200
    settings = {"limit": 30, "softness": None, "smoothing": 0.0}
    waves = {f: 1 + torch.cos(2 * torch.pi * f * places) for f in (5, 29, 30, 31, 90)}
    penalties = {f: float(fourier_penalty(w[None], **settings)) for f, w in waves.items()}
    # Two thirds of the magnitudes are the constant, which is in the sum and never free.
    for f in (5, 29, 30):
        assert penalties[f] == pytest.approx(2 / 3, abs=1e-5)
    for f in (31, 90):
        assert penalties[f] == pytest.approx(1, abs=1e-5)


def test_the_scale_does_not_matter_and_a_row_of_zeros_is_sound():
    rows = torch.rand(4, 100, generator=torch.Generator().manual_seed(0))
    settings = {"limit": 15, "softness": 0.2, "smoothing": 3.0}
    torch.testing.assert_close(fourier_penalty(rows, **settings), fourier_penalty(1e-6 * rows, **settings))
    zeros = torch.zeros(1, 100, requires_grad=True)
    penalty = fourier_penalty(zeros, **settings)
    assert float(penalty.detach()) == 1
    assert torch.equal(torch.autograd.grad(penalty.sum(), zeros)[0], torch.zeros(1, 100))


def test_half_precision_around_it_changes_nothing():
    rows = torch.rand(4, 100, generator=torch.Generator().manual_seed(0))
    settings = {"limit": 15, "softness": 0.2, "smoothing": 3.0}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = fourier_penalty(rows, **settings)
    assert torch.equal(inside, fourier_penalty(rows, **settings))


def test_the_limit_keeps_its_period():
    assert [rescaled_limit(150, length) for length in (200, 1000, 1346, 2114)] == [30, 150, 202, 317]
    assert rescaled_limit(1, 50) == 1


def test_only_positive_rows_count():
    target = torch.tensor([[0.0, 0.9], [0.2, 0.5], [1.0, 0.0], [0.0, 0.0]])
    assert positive_rows(target, binary=True).tolist() == [True, False, True, False]
    counts = torch.tensor([[1.0], [5.0], [2.0], [7.0]])
    assert positive_rows(counts, binary=False).tolist() == [False, True, False, True]


@pytest.mark.parametrize("target", ["binary", "counts", "profile"])
def test_the_term_is_the_weighted_mean_over_positive_rows(target):
    model = small_network("bpnet" if target == "profile" else "cnn_deep", target=target, dropout=0.0)
    batch = small_batch(target=target)
    x = one_hot(batch["codes"]).requires_grad_()
    recipe, context = compose([["fourier_prior", {}]]), step_context(model, target=target)
    prediction = model(x)
    (term,) = recipe.loss_terms(x, prediction, batch, context)
    scalar = _weighted(prediction[0]) if target == "profile" else prediction
    gradient = torch.autograd.grad(scalar.sum(), x)[0]
    penalty = fourier_penalty((gradient * x.detach()).abs().sum(dim=1), limit=10, softness=0.2, smoothing=3.0)
    chosen = positive_rows(batch["target"], binary=target == "binary")
    assert 0 < chosen.sum() < len(chosen)
    expected = (50 if target == "profile" else 1) * penalty[chosen].mean()
    torch.testing.assert_close(term.detach(), expected)


def test_without_positive_rows_there_is_no_penalty():
    model, batch = small_network(), small_batch()
    batch["target"] = torch.zeros_like(batch["target"])
    x = one_hot(batch["codes"]).requires_grad_()
    (term,) = compose([["fourier_prior", {}]]).loss_terms(x, model(x), batch, step_context(model))
    assert float(term.detach()) == 0


def test_training_on_the_term_lowers_it():
    model, batch = small_network(dropout=0.0, n_tasks=1), small_batch(n=32)
    recipe = compose([["fourier_prior", {}]])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    values = []
    for _ in range(25):
        x = one_hot(batch["codes"]).requires_grad_()
        (term,) = recipe.loss_terms(x, model(x), batch, step_context(model))
        optimizer.zero_grad()
        term.backward()
        optimizer.step()
        values.append(float(term.detach()))
    assert values[-1] < values[0] - 0.05


def _weighted(logits):
    """Logits less their mean over a track, weighted by their softmax there."""
    total = 0
    for rows in ([0, 1], [2]):
        flat = logits[:, rows].flatten(1)
        total = total + ((flat - flat.mean(dim=1, keepdim=True)) * flat.detach().softmax(dim=1)).sum(dim=1)
    return total
