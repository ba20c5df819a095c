import numpy as np
import pytest
import torch
from torch import nn

from lucidna.attribution.ism import ism
from lucidna.models import build
from lucidna.ranking.maps import validation_maps
from lucidna.ranking.probes.explained import Explained, explained
from lucidna.ranking.probes.mutagenesis import substitution_effects
from lucidna.ranking.probes.plan import (
    DEFAULTS,
    GRADIENT,
    MAPPED,
    MAPS,
    PREDICTIONS,
    Plan,
    draw_regions,
    epoch_passes,
    plan_probes,
)
from lucidna.ranking.probes.randomisation import redrawn, weighted_layers
from lucidna.ranking.probes.run import measure_probes, probe
from lucidna.ranking.probes.store import read_probes
from lucidna.sequence import one_hot_numpy

LENGTH = 120


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def network(kind="cnn_deep", target="counts", n_tasks=1, seed=0, **arguments):
    torch.manual_seed(seed)
    if kind == "cnn_deep":
        arguments = {"filters": [8, 8, 8, 8], "dense": [16], **arguments}
    model = build(
        kind,
        input_length=LENGTH,
        output_length=80,
        target=target,
        n_tasks=n_tasks,
        channels=[[task] for task in range(n_tasks)],
        n_controls=0,
        **arguments,
    )
    # Fresh normalisation layers pass everything on; trained ones do not.
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.normal_(0, 0.3)
    return model.eval()


class BothStrands(nn.Module):
    """Equal on both strands by construction."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x, control=None):
        return self.model(x) + self.model(x.flip((1, 2)))


@pytest.fixture(scope="module")
def codes():
    return np.random.default_rng(0).integers(0, 4, (30, LENGTH)).astype(np.uint8)


@pytest.mark.parametrize(
    ("target", "head", "n_tasks"),
    [
        ("counts", "counts", 1),
        ("counts", "counts", 3),
        ("profile", "profile", 2),
        ("profile", ["counts", "profile"], 2),
    ],
)
def test_the_maps_that_are_probed_are_those_that_are_ranked(codes, target, head, n_tasks):
    kind = {"n_filters": 8, "n_layers": 2} if target == "profile" else {}
    model = network("bpnet" if kind else "cnn_deep", target, n_tasks, **kind)
    ranked = validation_maps(model, codes, head=head, tasks=range(n_tasks))
    probed = explained(model, one_hot_numpy(codes), head=head, tasks=range(n_tasks)).maps(one_hot_numpy(codes))
    np.testing.assert_allclose(probed, ranked, atol=1e-5 * np.abs(ranked).max())


def test_both_heads_count_the_same_and_their_profile_weights_stay_fixed(codes):
    model = network("bpnet", "profile", 2, n_filters=8, n_layers=2)
    both = validation_maps(model, codes, head=["counts", "profile"], tasks=range(2))
    alone = [
        validation_maps(model, codes, head=head, tasks=[task]) for head in ("counts", "profile") for task in range(2)
    ]
    norms = [np.sqrt((maps**2).sum(axis=(1, 2))).mean() for maps in alone]
    expected = sum(maps / (4 * norm) for maps, norm in zip(alone, norms, strict=True))
    np.testing.assert_allclose(both, expected, atol=1e-5 * np.abs(expected).max())
    # Of a changed region, the prediction is that with the weights of the region itself, output by output.
    onehot = one_hot_numpy(codes[:4])
    wrapped = explained(model, onehot, head=["counts", "profile"], tasks=range(2))
    changed = onehot[:, :, ::-1].copy()
    parts = []
    for output, weight in zip(wrapped.network.outputs, wrapped.network.weights, strict=True):
        fixed = output.frozen(torch.from_numpy(onehot))
        parts.append(weight * output(torch.from_numpy(changed), *fixed)[:, 0])
    np.testing.assert_allclose(wrapped.predict(changed), sum(parts).detach().numpy(), rtol=1e-5)


def test_several_tasks_run_the_network_once(codes):
    model, calls = network(n_tasks=3), []
    model.register_forward_hook(lambda *_: calls.append(1))
    wrapped = explained(model, one_hot_numpy(codes), head="counts", tasks=range(3))
    calls.clear()
    wrapped.maps(one_hot_numpy(codes))
    assert len(calls) == 1
    assert wrapped.network.shared.last is None


@pytest.mark.parametrize("head", ["counts", "profile"])
def test_mutagenesis_equals_that_of_the_attribution_stage(codes, head):
    model = network("bpnet", "profile", n_filters=8, n_layers=2)
    onehot = one_hot_numpy(codes[:3])
    wrapped = explained(model, onehot, head=head)
    positions = np.tile(np.arange(LENGTH), (3, 1))
    found = substitution_effects(wrapped.predict, onehot, positions)
    expected = ism(wrapped.network.outputs[0], onehot)
    np.testing.assert_allclose(found - found.mean(axis=1, keepdims=True), expected, atol=1e-5)


def test_a_network_that_reads_both_strands_alike(codes):
    found = probe(BothStrands(network()), codes, np.arange(30), head="counts", epoch=100_000)
    np.testing.assert_allclose(found.values["rc_stability"], 1, atol=1e-4)
    one = probe(network(), codes, np.arange(30), head="counts", epoch=100_000)
    assert one.values["rc_stability"].mean() < 0.9


def test_every_probe_of_a_network_is_there_within_bounds_and_repeatable(codes, tmp_path):
    others = {"b": (codes[::-1].copy(), np.arange(100, 130))}
    first = probe(network(), codes, np.arange(30) * 2, head="counts", epoch=100_000, others=others, seed=1)
    names = {"rc", "shift", "mutation", "noise", "retention"}
    assert set(first.values) == {f"{name}_stability" for name in names} | {
        "insertion",
        "deletion",
        "ism_agreement",
        "random_last",
        "random_all",
        "angle_over_30",
        "angle_over_45",
        "angle_over_60",
    }
    for name, values in first.values.items():
        assert values.shape == (30,), name
        assert np.nanmax(np.abs(values)) <= 1, name
    assert np.isfinite(first.values["ism_agreement"]).sum() == 20
    np.testing.assert_array_equal(first.rows, np.arange(30) * 2)
    assert (first.values["angle_over_30"] >= first.values["angle_over_60"]).all()
    assert first.values["random_all"].mean() < 0.3
    first.save(tmp_path / "x.npz")
    again = probe(network(), codes, np.arange(30) * 2, head="counts", epoch=100_000, others=others, seed=1)
    again.save(tmp_path / "y.npz")
    assert (tmp_path / "x.npz").read_bytes() == (tmp_path / "y.npz").read_bytes()
    back = read_probes(tmp_path / "x.npz")
    np.testing.assert_array_equal(back.values["insertion"], first.values["insertion"])
    np.testing.assert_array_equal(back.weights["insertion"], first.weights["insertion"])
    assert back.fold_maps["b"].shape == (30, 4, LENGTH)
    assert set(back.fold_rows["b"]) <= set(range(100, 130))
    norm = np.sqrt(np.square(back.fold_maps["b"].astype(float)).sum(axis=(1, 2)))
    np.testing.assert_allclose(norm, 1, atol=1e-2)


def test_probing_does_not_change_the_network(codes):
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    probe(model, codes, np.arange(30), head="counts", epoch=100_000)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_layers_are_found_in_the_order_they_run_and_only_where_they_count():
    model = network("bpnet", "profile", n_filters=8, n_layers=2)
    onehot = torch.from_numpy(one_hot_numpy(np.zeros((2, LENGTH), dtype=np.uint8)))
    for head, last in (("counts", "count_head.linear"), ("profile", "profile_head.conv")):
        layers = weighted_layers(explained(model, onehot.numpy(), head=head).network, onehot)
        assert layers[0].endswith("first")
        assert layers[-1].endswith(last)
        assert len(layers) == 4


def test_redrawing_changes_what_is_named_and_nothing_else():
    model = network()
    other = redrawn(model, ["head.linear"], seed=0)
    changed = {name for name, value in other.state_dict().items() if not torch.equal(value, model.state_dict()[name])}
    assert changed == {"head.linear.weight", "head.linear.bias"}
    fresh, again = (redrawn(model, None, seed=4).state_dict() for _ in range(2))
    assert all(torch.equal(fresh[name], again[name]) for name in fresh)
    weights = [name for name, value in fresh.items() if value.ndim >= 2]
    assert weights
    assert not any(torch.equal(fresh[name], model.state_dict()[name]) for name in weights)
    assert (fresh["blocks.0.norm.running_mean"] == 0).all()


def test_a_compiled_program_is_probed_too(codes):
    # Traced modules neither tell when they run nor reset themselves.
    inner = network()
    program = torch.jit.trace(inner, torch.zeros(2, 4, LENGTH))

    class Scalar(nn.Module):
        def __init__(self):
            super().__init__()
            self.program = program

        def forward(self, x):
            return self.program(x)

    onehot = one_hot_numpy(codes)
    plan = Plan(regions=30, ism_regions=0, positions=2, passes=0, epoch=1)
    values, _ = measure_probes(Explained(Scalar(), onehot), onehot, plan, seed=0)
    same, _ = measure_probes(Explained(inner, onehot), onehot, plan, seed=0)
    np.testing.assert_allclose(values["shift_stability"], same["shift_stability"], atol=1e-4)
    assert values["random_all"].mean() < 0.4
    assert np.isnan(values["ism_agreement"]).all()


def test_the_plan_stays_below_its_share_of_an_epoch_and_counts_right(codes):
    for epoch in (8000, 60_000, 400_000):
        plan = plan_probes(500, LENGTH, epoch)
        # The ranking's maps of 500 regions and of their shuffled copies are part of what a candidate costs.
        assert plan.passes + GRADIENT * MAPPED * 500 <= DEFAULTS["budget"] * epoch
        several = plan_probes(100, LENGTH, epoch, parts=3)
        assert several.passes + GRADIENT * MAPPED * 100 * 3 <= DEFAULTS["budget"] * epoch
    assert (plan.regions, plan.ism_regions, plan.positions) == (64, 20, LENGTH)
    small = plan_probes(500, LENGTH, 8000)
    assert small.regions < 64
    assert small.positions < LENGTH
    assert plan_probes(500, LENGTH, 1).regions == 2
    assert plan_probes(500, LENGTH, 60_000, settings={"ism_regions": 0}).ism_regions == 0

    onehot = one_hot_numpy(codes)
    wrapped = explained(network(), onehot, head="counts")
    plan = plan_probes(30, LENGTH, 20_000)
    sample = draw_regions(30, plan.regions, seed=0)
    measure_probes(wrapped, onehot[sample], plan, seed=0)
    assert wrapped.passes == plan.passes
    assert plan.regions * (GRADIENT * MAPS + PREDICTIONS) < plan.passes


def test_an_epoch_is_counted_with_the_negatives_it_draws():
    assert epoch_passes(100, 300, 50, negatives_per_epoch=None) == 3 * 400 + 50
    assert epoch_passes(100, 300, 50, negatives_per_epoch=1.0) == 3 * 200 + 50
    assert epoch_passes(100, 30, 50, negatives_per_epoch=2.0) == 3 * 130 + 50
