"""The gradient that the penalties share is that of the numbers which the maps explain."""

import pytest
import torch

from lucidna.attribution.output import ScalarOutput
from lucidna.sequence import one_hot
from lucidna.training.recipes.input_gradient import explained_outputs, known_bases, shared_gradient

from .steps import small_batch, small_network, step_context


@pytest.mark.parametrize(
    ("name", "target", "head"),
    [
        ("cnn_deep", "binary", "logit"),
        ("cnn_deep", "counts", "counts"),
        ("bpnet", "profile", "counts"),
        ("bpnet", "profile", "profile"),
    ],
)
def test_it_is_what_the_attributions_explain(name, target, head):
    model = small_network(name, target=target, n_tasks=2).eval()
    x = one_hot(small_batch(target=target)["codes"]).requires_grad_()
    channels = model.build_arguments["channels"]
    given = None if head == "logit" else head
    outputs = explained_outputs(model(x), head=given, channels=channels)
    expected = torch.cat([ScalarOutput(model, head=head, task=task)(x) for task in range(2)], dim=1)
    torch.testing.assert_close(outputs, expected)
    ours = shared_gradient(x, model(x), step_context(model, target=target), given)
    torch.testing.assert_close(ours.detach(), torch.autograd.grad(expected.sum(), x)[0])
    assert ours.requires_grad
    assert ours.abs().max() > 0


def test_heads_are_kept_apart_in_a_step():
    model = small_network("bpnet", target="profile")
    x = one_hot(small_batch(target="profile")["codes"]).requires_grad_()
    context = step_context(model, target="profile")
    prediction = model(x)
    profile, counts = (shared_gradient(x, prediction, context, head) for head in (None, "counts"))
    assert not torch.allclose(profile, counts)
    assert shared_gradient(x, prediction, context, None) is profile
    assert shared_gradient(x, prediction, context, "counts") is counts


def test_without_channels_all_are_one_track():
    logits = torch.randn(2, 3, 10, generator=torch.Generator().manual_seed(0))
    both = explained_outputs((logits, torch.zeros(2, 1)))
    assert both.shape == (2, 1)
    torch.testing.assert_close(both, explained_outputs((logits, torch.zeros(2, 1)), channels=[[0, 1, 2]]))


def test_known_bases():
    codes = torch.tensor([[0, 4, 3], [4, 4, 1]], dtype=torch.uint8)
    assert known_bases({"codes": codes}).tolist() == [[[True, False, True]], [[False, False, True]]]
