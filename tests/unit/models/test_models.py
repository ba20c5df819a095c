"""Every architecture: shapes, windows, non-linearities, refusals, published numbers."""

import numpy as np
import pytest
import torch
from torch import nn

from lucidna.errors import UserError
from lucidna.models import build, count_parameters, registry
from lucidna.models.layers import EXPONENTIAL_LIMIT, Dropout, Exponential, NarrowConv1d
from lucidna.models.names import ARCHITECTURES, minimum_length

# Narrow versions: the same code, faster.
SMALL = {
    "basset": {"filters": [12, 10, 10], "dense": [16, 16]},
    "deepstarr": {"filters": [12, 6, 6, 8], "dense": [16, 16]},
    "bpnet": {"n_filters": 8, "n_layers": 3},
}
CHANNELS = [[0, 1], [2]]
NON_LINEARITIES = (nn.ReLU, Exponential, nn.MaxPool1d)


def small(name, *, input_length=200, output_length=101, target="counts", n_controls=0, **arguments):
    torch.manual_seed(0)
    return build(
        name,
        input_length=input_length,
        output_length=output_length,
        target=target,
        n_tasks=2,
        channels=CHANNELS,
        n_controls=n_controls,
        **{**SMALL.get(name, {}), **arguments},
    )


def random_one_hot(n, length, seed=0):
    codes = torch.randint(0, 4, (n, length), generator=torch.Generator().manual_seed(seed))
    return nn.functional.one_hot(codes, 4).transpose(1, 2).float()


def test_names_and_registry_agree():
    assert list(registry()) == list(ARCHITECTURES)


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize(("input_length", "output_length"), [(200, 200), (257, 101), (101, 64), (64, 1)])
@pytest.mark.parametrize("target", ["binary", "counts"])
def test_scalar_shapes(name, target, input_length, output_length):
    model = small(name, input_length=input_length, output_length=output_length, target=target).eval()
    x = random_one_hot(3, input_length)
    out = model(x)
    assert out.shape == (3, 2)
    assert not torch.allclose(out[0], out[1])
    assert torch.allclose(model(x[1:2]), out[1:2], atol=1e-5)


@pytest.mark.parametrize(("input_length", "output_length"), [(200, 200), (257, 101), (256, 101), (101, 64), (30, 1)])
@pytest.mark.parametrize("n_controls", [0, 3])
def test_profile_shapes(input_length, output_length, n_controls):
    model = small(
        "bpnet",
        input_length=input_length,
        output_length=output_length,
        target="profile",
        n_controls=n_controls,
    ).eval()
    logits, counts = model(random_one_hot(3, input_length))
    assert logits.shape == (3, 3, output_length)
    assert counts.shape == (3, 2)


@pytest.mark.parametrize(("input_length", "output_length"), [(200, 100), (201, 100), (200, 101), (201, 101)])
def test_profile_is_centred_on_the_summit(input_length, output_length):
    """A change of the base at the summit moves the logits around L_out // 2, for odd lengths too."""
    model = small(
        "bpnet",
        input_length=input_length,
        output_length=output_length,
        target="profile",
        first_kernel=1,
        profile_kernel=1,
        n_layers=1,
    ).eval()
    x = random_one_hot(1, input_length)
    y = x.clone()
    y[:, :, input_length // 2] = x[:, :, input_length // 2].roll(1, dims=1)
    moved = (model(x)[0] - model(y)[0]).abs().amax(dim=(0, 1)).nonzero().flatten()
    # One dilated layer of 3 taps and dilation 2 reaches 2 bp to each side.
    assert set(moved.tolist()) <= {output_length // 2 + step for step in (-2, 0, 2)}
    assert output_length // 2 in moved.tolist()


def test_controls_move_both_heads_and_default_to_zero():
    model = small("bpnet", target="profile", n_controls=2).eval()
    x = random_one_hot(2, 200)
    zeros, ones = torch.zeros(2, 2, 101), torch.zeros(2, 2, 101)
    ones[:, :, 40] = 5
    for absent, zero, one in zip(model(x), model(x, zeros), model(x, ones), strict=True):
        assert torch.equal(absent, zero)
        assert not torch.allclose(zero, one)
    moved = (model(x, zeros)[0] - model(x, ones)[0]).abs().amax(dim=(0, 1)).nonzero().flatten()
    assert moved.tolist() == [40]


@pytest.mark.parametrize("name", ["cnn_shallow", "cnn_deep"])
def test_scalar_networks_read_the_total_of_the_control(name):
    model = small(name, n_controls=1).eval()
    x = random_one_hot(2, 200)
    assert torch.equal(model(x), model(x, torch.zeros(2, 1, 101)))
    assert not torch.allclose(model(x), model(x, torch.ones(2, 1, 101)))


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("first", ["relu", "exponential"])
def test_every_non_linearity_is_a_module_used_once(name, first):
    target = "profile" if name == "bpnet" else "counts"
    model = small(name, target=target, first_activation=first, dropout=0.1).eval()
    uses = {}
    for path, module in model.named_modules():
        if isinstance(module, NON_LINEARITIES):
            uses[path] = 0
            module.register_forward_hook(lambda *_, path=path: uses.update({path: uses[path] + 1}))
    model(random_one_hot(2, 200))
    assert uses
    assert set(uses.values()) == {1}
    modules = [m for m in model.modules() if isinstance(m, NON_LINEARITIES)]
    assert len({id(m) for m in modules}) == len(modules)
    assert sum(isinstance(m, Exponential) for m in modules) == (first == "exponential")
    # A non-linearity of another kind would be unknown to DeepLIFT's rules.
    linear = (nn.Conv1d, NarrowConv1d, nn.Linear, nn.BatchNorm1d, nn.Identity, nn.Flatten, Dropout)
    leaves = {type(m) for m in model.modules() if not list(m.children())}
    assert leaves <= {*linear, *NON_LINEARITIES}


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("first", ["relu", "exponential"])
def test_deep_lift_is_complete(name, first):
    """The sum of the contributions equals the difference of the outputs: the audit of DeepLIFT's rules."""
    from tangermeme.deep_lift_shap import _nonlinear, deep_lift_shap

    class FirstTask(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = small(name, first_activation=first)

        def forward(self, x):
            return self.model(x)[:, :1]

    x, reference = random_one_hot(2, 200), random_one_hot(2, 200, seed=5).unsqueeze(1)
    model = FirstTask().eval()
    maps = deep_lift_shap(
        model,
        x,
        references=reference,
        hypothetical=False,
        additional_nonlinear_ops={Exponential: _nonlinear},
        device="cpu",
        warning_threshold=1e-3,
    )
    with torch.no_grad():
        difference = (model(x) - model(reference[:, 0])).flatten()
    assert torch.allclose(maps.sum(dim=(1, 2)), difference, atol=1e-3)


def test_exponential_is_safe_and_exact_below_the_limit():
    layer = Exponential()
    x = torch.tensor([-200.0, -1.0, 0.0, 3.0, EXPONENTIAL_LIMIT, 80.0, 1e4], requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert torch.isfinite(y).all()
    assert torch.isfinite(x.grad).all()
    assert torch.allclose(y[:5], x[:5].exp())
    assert (y.diff() > 0).all()
    limit = torch.tensor(EXPONENTIAL_LIMIT).exp()
    assert x.grad[-1] == limit
    assert torch.isfinite(layer(torch.tensor([EXPONENTIAL_LIMIT], dtype=torch.float16))).all()


def test_only_the_first_layer_is_exponential():
    model = small("cnn_deep", first_activation="exponential")
    assert isinstance(model.blocks[0].activation, Exponential)
    assert all(isinstance(block.activation, nn.ReLU) for block in model.blocks[1:])


@pytest.mark.parametrize(("out_channels", "bias"), [(1, True), (2, True), (3, False), (9, True)])
@pytest.mark.parametrize(("kernel", "length"), [(75, 200), (1, 33), (8, 8)])
def test_narrow_convolution_is_a_convolution(out_channels, bias, kernel, length):
    torch.manual_seed(0)
    narrow = NarrowConv1d(5, out_channels, kernel, bias=bias)
    plain = nn.Conv1d(5, out_channels, kernel, bias=bias)
    plain.load_state_dict(narrow.state_dict())
    x = torch.randn(3, 5, length)
    found = []
    for layer in (narrow, plain):
        given = x.clone().requires_grad_()
        out = layer(given)
        (gradient,) = torch.autograd.grad(out.square().sum(), given, create_graph=True)
        gradient.square().sum().backward()
        found.append([out, gradient, *(weight.grad for weight in layer.parameters())])
    assert found[0][0].shape == (3, out_channels, length - kernel + 1)
    for ours, expected in zip(*found, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4 * float(expected.detach().abs().max()))


def test_dropout_override():
    rates = [m.p for m in small("cnn_deep").modules() if isinstance(m, nn.Dropout)]
    assert rates == [0.1, 0.2, 0.3, 0.4, 0.5]
    rates = [m.p for m in small("cnn_deep", dropout=0.25).modules() if isinstance(m, nn.Dropout)]
    assert rates == [0.25] * 5
    assert not any(isinstance(m, nn.Dropout) for m in small("cnn_deep", dropout=0).modules())


def test_dropout_keeps_rate_and_mean():
    layer = Dropout(0.3)
    x = torch.ones(201, 999)
    torch.manual_seed(0)
    y = layer(x)
    assert (y == 0).float().mean().item() == pytest.approx(0.3, abs=0.005)
    assert y.mean().item() == pytest.approx(1, abs=0.01)
    assert torch.allclose(y[y > 0], torch.tensor(1 / 0.7))
    assert not torch.equal(layer(x), y)
    torch.manual_seed(0)
    assert torch.equal(layer(x), y)
    assert layer.eval()(x) is x or torch.equal(layer(x), x)


def test_n_columns_of_zeros_are_no_base():
    model = small("cnn_deep").eval()
    x = random_one_hot(1, 200)
    x[:, :, 50:150] = 0
    assert torch.isfinite(model(x)).all()


def test_wrong_names_and_values_are_refused_with_a_hint():
    with pytest.raises(UserError, match="did you mean 'cnn_deep'"):
        small("cnn_dep")
    with pytest.raises(UserError, match="did you mean 'dropout'"):
        small("cnn_deep", droput=0.1)
    with pytest.raises(UserError, match="use bpnet"):
        small("cnn_deep", target="profile")
    with pytest.raises(UserError, match="none of relu, exponential"):
        small("cnn_deep", first_activation="exp")
    with pytest.raises(UserError, match=r"dropout 1\.5"):
        small("cnn_deep", dropout=1.5)
    with pytest.raises(UserError, match="one per convolution"):
        small("cnn_deep", filters=[8, 8])
    with pytest.raises(UserError, match="n_layers 0"):
        small("bpnet", n_layers=0)
    with pytest.raises(UserError, match="longer than the input"):
        small("bpnet", target="profile", input_length=100, output_length=101)


@pytest.mark.parametrize("name", ["cnn_shallow", "cnn_deep", "basset", "deepstarr"])
def test_shortest_input(name):
    shortest = minimum_length(name, {})
    assert small(name, input_length=shortest).eval()(random_one_hot(2, shortest)).shape == (2, 2)
    with pytest.raises(UserError, match=f"at least {shortest} bp"):
        small(name, input_length=shortest - 1)


def test_parameter_count():
    # conv 24*4*19+24, norm 48; 32*24*7+32, 64; 48*32*7+48, 96; 64*48*3+64, 128; dense 256*96+96, 192; 96*2+2
    expected = 1848 + 48 + 5408 + 64 + 10800 + 96 + 9280 + 128 + 24672 + 192 + 194
    assert count_parameters(small("cnn_deep")) == expected


def test_published_network_gives_its_published_logits(shared_data):
    """Weights trained in Keras with this architecture predict the same numbers here."""
    path = shared_data / "published_nets" / "attribution_cnn_deep_relu_0.npz"
    with np.load(path, allow_pickle=False) as published:
        arrays = {key: published[key] for key in published.files}
    model = build(
        "cnn_deep",
        input_length=200,
        output_length=200,
        target="binary",
        n_tasks=1,
        channels=[[0]],
        n_controls=0,
        kernel_sizes=[11, 7, 7, 3],
    ).eval()
    convolutions = [block.conv for block in model.blocks]
    norms = [block.norm for block in model.blocks] + [model.dense[0].norm]

    def weights(kind, index, name):
        start = {"Conv1D": 6, "BatchNormalization": 8, "Dense": 4}[kind]
        layer = {"Conv1D": "conv1d", "BatchNormalization": "batch_normalization", "Dense": "dense"}[kind]
        return torch.from_numpy(arrays[f"w:{kind}:{layer}_{start + index}/{name}:0"])

    with torch.no_grad():
        for index, conv in enumerate(convolutions):
            conv.weight.copy_(weights("Conv1D", index, "kernel").permute(2, 1, 0))
            conv.bias.copy_(weights("Conv1D", index, "bias"))
        for index, norm in enumerate(norms):
            norm.weight.copy_(weights("BatchNormalization", index, "gamma"))
            norm.bias.copy_(weights("BatchNormalization", index, "beta"))
            norm.running_mean.copy_(weights("BatchNormalization", index, "moving_mean"))
            norm.running_var.copy_(weights("BatchNormalization", index, "moving_variance"))
        # Keras flattens position by position, torch channel by channel.
        dense = weights("Dense", 0, "kernel").reshape(4, 64, 96).permute(2, 1, 0).reshape(96, 256)
        model.dense[0].linear.weight.copy_(dense)
        model.dense[0].linear.bias.copy_(weights("Dense", 0, "bias"))
        model.head.linear.weight.copy_(weights("Dense", 1, "kernel").T)
        model.head.linear.bias.copy_(weights("Dense", 1, "bias"))
        logits = model(torch.from_numpy(arrays["X"]).permute(0, 2, 1).float())
    assert np.abs(arrays["logit"]).max() > 1
    np.testing.assert_allclose(logits.numpy(), arrays["logit"], atol=2e-4)
