import numpy as np
import pytest
import torch
from torch import nn

from lucidna.attribution.audit import audit_model, check_convergence, missing_rules
from lucidna.attribution.deepshap import deepshap
from lucidna.attribution.nulls import shuffled_copies
from lucidna.attribution.output import ScalarOutput, predict
from lucidna.attribution.rules import extra_rules
from lucidna.errors import UserError
from lucidna.sequence import one_hot_numpy


def test_linear_network_by_hand(toys, onehot, codes):
    net = toys.LinearNet(40)
    result = deepshap(ScalarOutput(net, head="logit"), onehot, shuffles=5, seed=2)
    weights = net.weights[0].detach().numpy()
    references = one_hot_numpy(shuffled_copies(codes, n_shuffles=5, seed=2, purpose="reference"))
    # w_a minus the weight of the reference's base, averaged over references.
    expected = weights[None] - (references * weights).sum(axis=2).mean(axis=1)[:, None]
    assert result.maps.dtype == np.float32
    np.testing.assert_allclose(result.maps, expected, atol=1e-5)
    assert result.delta.max() < 1e-5


@pytest.mark.parametrize("head", ["logit", "profile"])
def test_contributions_sum_to_the_difference_from_the_references(toys, codes, onehot, head):
    net = toys.ProfileNet() if head == "profile" else toys.ToyCNN(40, activation=toys.Exponential)
    net = ScalarOutput(net.eval(), head=head)
    result = deepshap(net, onehot, shuffles=6)
    references = torch.from_numpy(one_hot_numpy(shuffled_copies(codes, n_shuffles=6, seed=0, purpose="reference")))
    x = torch.from_numpy(onehot)
    with torch.no_grad():
        frozen = net.frozen(x)
        at_x = net(x, *frozen)
        at_references = torch.stack([net(references[:, k], *frozen) for k in range(6)], dim=1)
    difference = (at_x - at_references.mean(dim=1))[:, 0].numpy()
    total = (result.maps * onehot).sum(axis=(1, 2))
    np.testing.assert_allclose(total, difference, atol=1e-5)
    np.testing.assert_allclose(result.difference, (at_x[:, None] - at_references).abs().mean(dim=1)[:, 0], atol=1e-5)
    assert np.abs(difference).max() > 0.01
    assert result.delta.max() < 1e-5
    assert not any(module.training or module._forward_hooks for module in net.modules())


def test_same_maps_in_any_batches_order_and_company(toys, onehot):
    net = ScalarOutput(toys.ToyCNN(40), head="logit")
    whole = deepshap(net, onehot, shuffles=4)
    np.testing.assert_array_equal(deepshap(net, onehot, shuffles=4).maps, whole.maps)
    for batch_size in (2, 6, 100):
        np.testing.assert_allclose(deepshap(net, onehot, shuffles=4, batch_size=batch_size).maps, whole.maps, atol=1e-6)
    np.testing.assert_allclose(deepshap(net, onehot[::-1].copy(), shuffles=4).maps[::-1], whole.maps, atol=1e-6)
    other = deepshap(net, onehot, shuffles=4, seed=1).maps
    assert np.abs(other - whole.maps).max() > 1e-3


def test_given_references_are_used(toys, onehot):
    net = toys.LinearNet(40)
    references = np.zeros((9, 1, 4, 40), dtype=np.int8)
    references[:, :, 3] = 1
    maps = deepshap(ScalarOutput(net, head="logit"), onehot, references=references).maps
    weights = net.weights[0].detach().numpy()
    np.testing.assert_allclose(maps, np.broadcast_to(weights - weights[3], maps.shape), atol=1e-5)


def test_unknown_elementwise_activations_get_the_rescale_rule(toys):
    net = nn.Sequential(toys.Exponential(), nn.ReLU(), nn.Identity(), nn.Dropout(), nn.Flatten(), nn.BatchNorm1d(3))
    assert set(extra_rules(net)) == {toys.Exponential}

    class Reversed(nn.Module):
        def forward(self, x):
            return torch.exp(x).flip(-1)

    assert extra_rules(nn.Sequential(Reversed())) == {}


def test_functional_activation_is_found_and_refused(toys, onehot):
    net = ScalarOutput(toys.ToyCNN(40, functional=True), head="logit")
    report = audit_model(net, onehot[:4])
    assert report["missing"] == ["relu in ToyCNN (model)"]
    assert report["relative_delta"] > 0.05
    result = deepshap(net, onehot)
    with pytest.raises(UserError, match=r"100\.0% of the sequences \(9 of 9\).*worst delta.*relu in ToyCNN"):
        check_convergence(
            result.delta,
            max_delta=1e-3,
            scale=float(np.median(result.difference)),
            missing=missing_rules(net, onehot),
        )


def test_audit_of_a_sound_network(toys, onehot):
    net = ScalarOutput(toys.ToyCNN(40, activation=toys.Exponential), head="logit")
    trainable = [parameter.requires_grad for parameter in net.parameters()]
    report = audit_model(net, onehot[:4])
    assert report["missing"] == []
    assert report["reused"] == []
    assert report["ruled"] == ["Exponential", "MaxPool1d", "ReLU"]
    assert report["modules"]["Conv1d"] == 2
    assert report["relative_delta"] < 1e-4
    assert [parameter.requires_grad for parameter in net.parameters()] == trainable
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())


def test_audit_names_products_and_reuse(onehot):
    class Gated(nn.Module):
        def __init__(self):
            super().__init__()
            self.relu = nn.ReLU()
            self.conv = nn.Conv1d(4, 4, 3, padding=1)

        def forward(self, x):
            return (self.relu(self.conv(x)) * self.relu(x - 0.5)).sum(dim=(1, 2))[:, None]

    report = audit_model(Gated(), onehot[:2])
    assert report["missing"] == ["mul in Gated"]
    assert report["reused"] == ["relu"]


class Between(nn.Module):
    """An operation between two linear layers, outside of any module of its own."""

    def __init__(self, operation):
        super().__init__()
        self.conv, self.dense, self.operation = nn.Conv1d(4, 6, 3, padding=1), nn.Linear(6, 1), operation

    def forward(self, x):
        return self.dense(self.operation(self.conv(x)).mean(dim=-1))


def write_into(h):
    made = torch.zeros_like(h)
    made[..., :4] = h[..., :4]
    return torch.relu(made)


@pytest.mark.parametrize(
    ("operation", "named"),
    [
        (lambda h: torch.where(h > 0, h, 0.0), ["gt in Between", "where in Between"]),
        (lambda h: h * (h > 0), ["gt in Between", "mul in Between"]),
        (lambda h: h.masked_fill(h < 0, 0.0), ["lt in Between", "masked_fill in Between"]),
        (lambda h: h / h.std(), ["std in Between", "div in Between"]),
        (lambda h: h / h.norm(), ["linalg_vector_norm in Between", "div in Between"]),
        (lambda h: nn.functional.adaptive_max_pool1d(h, 3), ["adaptive_max_pool2d in Between"]),
        (lambda h: h.cumprod(dim=-1), ["cumprod in Between"]),
        (lambda h: 1 / (h + 9), ["reciprocal in Between"]),
        (torch.sinh, ["sinh in Between"]),
        (write_into, ["relu in Between"]),
        # Linear, whatever it looks like.
        (lambda h: torch.where(torch.arange(h.shape[-1]) > 3, h, 0.0), []),
        (lambda h: h[..., 2:] - h[..., :-2] / 3, []),
        (lambda h: nn.functional.pad(h, (2, 2)).flip(-1)[:, [1, 0, 2, 3, 4, 5]], []),
        (lambda h: torch.einsum("bcl,cd->bdl", h, torch.eye(6)), []),
        (lambda h: nn.functional.interpolate(h, scale_factor=2), []),
        (lambda h: h.clone().mul_(2).add_(1), []),
    ],
)
def test_what_is_not_known_to_be_linear_is_named(operation, named, onehot):
    assert missing_rules(Between(operation), onehot) == named


def test_a_recurrent_layer_is_named(onehot):
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.dense = nn.LSTM(4, 5, batch_first=True), nn.Linear(5, 1)

        def forward(self, x):
            return self.dense(self.lstm(x.transpose(1, 2))[0].mean(dim=1))

    assert any("LSTM (lstm)" in named for named in missing_rules(Recurrent(), onehot))


def test_gate_passes_small_deltas_and_refuses_nan():
    check_convergence(np.array([1e-4, 0.0]), max_delta=1e-3)
    check_convergence(np.array([0.05]), max_delta=1e-3, scale=100.0)
    with pytest.raises(UserError, match=r"50\.0%"):
        check_convergence(np.array([1e-4, 0.2]), max_delta=1e-3)
    with pytest.raises(UserError, match="nan"):
        check_convergence(np.array([np.nan, 0.0]), max_delta=1e-3)


@pytest.mark.parametrize("name", ["cnn_shallow", "cnn_deep", "basset", "deepstarr", "bpnet"])
@pytest.mark.parametrize("activation", ["relu", "exponential"])
def test_every_shipped_architecture_converges(name, activation):
    from lucidna.models import build

    target = "profile" if name == "bpnet" else "counts"
    small = {"bpnet": {"n_filters": 8, "n_layers": 3}, "basset": {"filters": [20, 10, 10], "dense": [20, 20]}}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = build(
            name,
            input_length=128,
            output_length=64,
            target=target,
            n_tasks=2,
            channels=[[0, 1], [2]],
            n_controls=1,
            first_activation=activation,
            **small.get(name, {}),
        ).eval()
    x = one_hot_numpy(np.random.default_rng(0).integers(0, 4, (3, 128)).astype(np.uint8))
    for head in ("counts", "profile") if target == "profile" else ("counts",):
        output = ScalarOutput(net, head=head, task=1)
        report = audit_model(output, x)
        assert report["missing"] == []
        assert report["relative_delta"] < 1e-3
        assert predict(output, torch.from_numpy(x)).std() > 0
