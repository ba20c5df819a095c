import numpy as np
import pytest
import torch
from torch import nn

from lucidna.attribution.deepshap import deepshap
from lucidna.attribution.ism import ism
from lucidna.attribution.methods import explain, method_arguments
from lucidna.attribution.output import ScalarOutput
from lucidna.attribution.saliency import saliency
from lucidna.errors import UserError
from lucidna.external.networks import ExternalNetwork, check_network
from lucidna.external.sources import load_program

from .conftest import LENGTH, entry, facts
from .test_sources import exported, scripted


class Linear(nn.Module):
    """Sums weights of its own bases and positions; (N, 4, n) or (N, n, 4) to (N, 2)."""

    def __init__(self, *shape):
        super().__init__()
        torch.manual_seed(0)
        self.weight = nn.Parameter(torch.randn(2, *shape))

    def forward(self, x):
        return torch.einsum("nab,tab->nt", x, self.weight)


def wrap(network, *, data=None, input=None, output=None):
    settings = entry("pytorch", input=input or {}, output={"scale": "log_counts"} | (output or {}))
    return ExternalNetwork(network, settings, facts(**(data or {})), name="lab").eval()


@pytest.mark.parametrize("layout", ["NCL", "NLC"])
@pytest.mark.parametrize("bases", ["ACGT", "TCAG"])
@pytest.mark.parametrize("length", [None, 40, 41])
def test_maps_are_the_weights_at_their_own_bases_and_positions(onehot, layout, bases, length):
    n = length or LENGTH
    network = Linear(*((4, n) if layout == "NCL" else (n, 4)))
    model = wrap(network, input={"layout": layout, "bases": bases, "length": length})
    expected = torch.zeros(4, LENGTH)
    start = LENGTH // 2 - n // 2
    weights = network.weight[1] if layout == "NCL" else network.weight[1].T
    for place, base in enumerate(bases):
        expected["ACGT".index(base), start : start + n] = weights[place]
    scalar = ScalarOutput(model, head="counts", task=1)
    maps = torch.from_numpy(saliency(scalar, onehot, batch_size=4, device="cpu"))
    torch.testing.assert_close(maps, expected.expand(len(onehot), 4, LENGTH).detach())
    torch.testing.assert_close(scalar(onehot)[:, 0], (onehot * expected).sum(dim=(1, 2)))


class Several(nn.Module):
    def __init__(self, make):
        super().__init__()
        self.make = make
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x):
        total = self.weight * x[:, 0].sum(dim=1)
        return self.make(total)


@pytest.mark.parametrize(
    ("make", "output"),
    [
        (lambda t: torch.stack([t, 2 * t], dim=1), {}),
        (lambda t: torch.stack([t, 2 * t], dim=1), {"scalar": 0}),
        (lambda t: (None, torch.stack([t, 2 * t], dim=1)), {"scalar": 1}),
        (lambda t: {"profile": t, "counts": torch.stack([t, 2 * t], dim=1)}, {"scalar": "counts"}),
        (lambda t: torch.stack([2 * t, 9 * t, t], dim=1)[..., None], {"columns": [2, 0]}),
    ],
)
def test_the_output_is_selected(onehot, make, output):
    found = wrap(Several(make), output=output)(onehot)
    total = onehot[:, 0].sum(dim=1)
    torch.testing.assert_close(found.detach(), torch.stack([total, 2 * total], dim=1))


@pytest.mark.parametrize(
    ("make", "output", "words"),
    [
        (lambda t: (t, t), {}, ["returns 2 outputs", "output.scalar is None", "0, 1"]),
        (lambda t: {"a": t, "b": t}, {"scalar": "c"}, ["'c'", "a, b"]),
        (lambda t: torch.stack([t, t], 1), {"scalar": 1}, ["returns one tensor", "leave it out"]),
        (lambda t: (None, t), {"scalar": 0}, ["NoneType"]),
        (lambda t: t, {}, ["1 values per sequence for 2 tasks", "output.columns"]),
        (lambda t: torch.stack([t, t], 1), {"columns": [0, 5]}, ["2 values", "names 5"]),
        (lambda t: torch.stack([t, t], 0), {}, ["2 rows for 5 sequences", "input.layout"]),
    ],
)
def test_an_output_that_is_not_there(onehot, make, output, words):
    with pytest.raises(UserError) as caught:
        wrap(Several(make), output=output)(onehot)
    assert all(word in str(caught.value) for word in ["external network 'lab'", *words]), caught.value


def test_probabilities_and_counts_are_brought_to_the_logit_and_the_log(onehot):
    data = {"target": "binary", "n_tasks": 1, "channels": [[0]]}
    logit = wrap(Several(lambda t: torch.sigmoid(t / 10)), data=data, output={"scale": "probability"})(onehot)
    torch.testing.assert_close(logit[:, 0].detach(), onehot[:, 0].sum(dim=1) / 10)
    counts = wrap(Several(lambda t: t), data=data, output={"scale": "counts"})(onehot)
    torch.testing.assert_close(counts[:, 0].detach(), torch.log1p(onehot[:, 0].sum(dim=1)))


@pytest.mark.parametrize("channels_last", [False, True])
def test_a_profile_network(onehot, channels_last):
    def make(total):
        profile = total[:, None, None] * torch.arange(60.0).reshape(3, 20)
        return {"p": profile.transpose(1, 2) if channels_last else profile, "c": torch.stack([total, total], dim=1)}

    model = wrap(Several(make), data={"target": "profile"}, output={"scalar": "c", "profile": "p"})
    profile, counts = model(onehot, torch.zeros(5, 1, 20))
    assert profile.shape == (5, 3, 20)
    assert counts.shape == (5, 2)
    assert ScalarOutput(model, head="profile", task=0).channels == [0, 1]
    with pytest.raises(UserError, match=r"3 channels of 19 bp: set window\.output"):
        wrap(Several(make), data={"target": "profile", "output_length": 19}, output={"scalar": "c", "profile": "p"})(
            onehot
        )


def test_every_attribution_method_explains_it(onehot):
    torch.manual_seed(3)
    network = nn.Sequential(nn.Conv1d(4, 8, 5), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 1), nn.Sigmoid())
    data = {"target": "binary", "n_tasks": 1, "channels": [[0]]}
    model = wrap(network, data=data, input={"length": 40}, output={"scale": "probability"})
    scalar = ScalarOutput(model, head="logit")
    found = deepshap(scalar, onehot, shuffles=3)
    assert found.delta.max() < 1e-4
    assert found.difference.min() > 1e-3
    outside = ism(scalar, onehot, batch_size=64, device="cpu", progress=None)
    assert not outside[..., :10].any()
    assert outside[..., 10:50].any()


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
@pytest.mark.parametrize("kind", ["torchscript", "export"])
def test_programs_have_maps_but_deepshap_refuses_them(onehot, kind):
    torch.manual_seed(3)
    network = nn.Sequential(nn.Conv1d(4, 8, 5), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 56, 2)).eval()
    program = (exported if kind == "export" else scripted)(network, length=LENGTH)
    model = ScalarOutput(wrap(load_program(kind, program, "a file")), head="counts")
    running = {"label": "lab", "seed": 0, "batch_size": 8, "device": "cpu"}
    for method in ("saliency", "ism"):
        given = {**running, "arguments": method_arguments(method, None)}
        found = explain(method, model, onehot, **given)
        same = explain(method, ScalarOutput(wrap(network), head="counts"), onehot, **given)
        np.testing.assert_allclose(found.maps, same.maps, atol=1e-6)
    with pytest.raises(UserError, match=r"deepshap of lab: .* ism or saliency"):
        explain("deepshap", model, onehot, arguments={"shuffles": 3, "max_delta": 1e-3}, **running)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(99, 2)), ["does not run", "5 and on 1 sequences of 60 bp as NCL"]),
        (Several(lambda t: torch.stack([t * torch.nan] * 2, 1)), ["NaN or infinite"]),
        (Several(lambda t: torch.rand(len(t), 2) * t[:, None]), ["other values at each pass"]),
        (Several(lambda t: torch.stack([t - t.mean()] * 2, 1)), ["alone than among others"]),
        (Several(lambda t: torch.stack([t.detach()] * 2, 1)), ["has no gradient"]),
        (Several(lambda t: torch.stack([t * 0 + 1] * 2, 1)), ["has no gradient"]),
    ],
)
def test_a_network_that_cannot_be_used_is_refused_before_it_is_ranked(onehot, network, words):
    with pytest.raises(UserError) as caught:
        check_network(wrap(network), onehot)
    assert all(word in str(caught.value) for word in words), caught.value
    assert "\n" not in str(caught.value)


def test_a_network_longer_than_the_window():
    with pytest.raises(UserError, match=r"takes 80 bp and the windows have 60 bp: raise window\.input"):
        wrap(Linear(4, 80), input={"length": 80})
