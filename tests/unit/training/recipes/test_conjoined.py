"""One prediction for both strands, in training, after loading, and in maps."""

import json

import numpy as np
import pytest
import torch

from lucidna.attribution.audit import audit_model
from lucidna.attribution.deepshap import deepshap
from lucidna.attribution.output import ScalarOutput
from lucidna.attribution.saliency import saliency
from lucidna.channels import strand_orders
from lucidna.dataset import Dataset
from lucidna.errors import UserError
from lucidna.models import build
from lucidna.models.store import load_model
from lucidna.sequence import one_hot, one_hot_numpy
from lucidna.training.batches import BatchReader
from lucidna.training.evaluate import evaluate, predict
from lucidna.training.recipes import compose
from lucidna.training.recipes.names import check_recipe
from lucidna.training.run import train_candidate

BPNET = {"n_filters": 8, "n_layers": 2, "first_kernel": 9, "profile_kernel": 15}


def other_strand(x):
    return np.ascontiguousarray(x[..., ::-1, ::-1])


def networks(target="profile", activation="relu", **more):
    """Return a network and its conjoined form with the same weights."""
    kind = "bpnet" if target == "profile" else "cnn_deep"
    settings = {
        "input_length": 96,
        "output_length": 40,
        "target": target,
        "n_tasks": 2,
        "channels": [[2, 0], [1]],
        "n_controls": 2 if target != "binary" else 0,
        "first_activation": activation,
        **(BPNET if kind == "bpnet" else {"filters": [8, 8], "kernel_sizes": [9, 5], "pool_sizes": [2, 4]}),
    }
    torch.manual_seed(0)
    plain = build(kind, **settings)
    joined = build(kind, **settings, conjoined=True, **more)
    # Moved statistics of batch normalisation, and weights that are none of the initial ones.
    with torch.no_grad():
        for value in plain.state_dict().values():
            if value.is_floating_point():
                value.add_(0.1 * torch.rand(value.shape))
    joined.network.load_state_dict(plain.state_dict())
    return plain.eval(), joined.eval()


@pytest.mark.parametrize("target", ["binary", "counts", "profile"])
def test_the_other_strand_gets_the_same_prediction(make_dataset, candidate, tmp_path, target):
    """To the last bit, of a network that was trained, saved and loaded."""
    data = make_dataset(target=target, controls=target != "binary")
    kind = {"class": "bpnet", "arguments": BPNET} if target == "profile" else {}
    settings = candidate(components=[["standard", {}], ["conjoined", {}]], **kind)
    metrics = train_candidate(settings, data, tmp_path / "out")
    assert metrics["status"] == "ok"
    model, dataset = load_model(tmp_path / "out"), Dataset.open(data, fold="fold0")
    assert not model.training
    rows, (signals, controls) = dataset.rows_of("valid"), strand_orders(dataset)
    batch = BatchReader(dataset).read(rows)
    x, control = one_hot(batch["codes"]), batch.get("control")
    turned = None if control is None else control[:, controls].flip(-1)
    with torch.inference_mode():
        own, other = model(x, control), model(x.flip(1, 2), turned)
        bare = [model.network(x, control), model.network(x.flip(1, 2), turned)]
    if target == "profile":
        assert torch.equal(own[0], other[0][:, signals].flip(-1))
        assert not torch.equal(bare[0][0], bare[1][0][:, signals].flip(-1))
        own, other, bare = own[1], other[1], [bare[0][1], bare[1][1]]
    assert torch.equal(own, other)
    assert not torch.equal(*bare)
    torch.testing.assert_close(own, (bare[0] + bare[1]) / 2)
    with np.load(tmp_path / "out" / "valid.npz") as saved:
        np.testing.assert_array_equal(saved["prediction"], predict(model, dataset, rows)["prediction"])


def test_the_same_as_averaging_at_evaluation(make_dataset, candidate, tmp_path):
    """The bare network, averaged over strands from outside, scores the same."""
    data = make_dataset(target="profile", controls=True)
    settings = candidate(
        **{"class": "bpnet"}, arguments=BPNET, components=[["conjoined", {}]], trainer={"max_epochs": 1}
    )
    train_candidate(settings, data, tmp_path / "out")
    model, dataset = load_model(tmp_path / "out"), Dataset.open(data, fold="fold0")
    inside = evaluate(model, dataset, "valid")
    outside = evaluate(model.network, dataset, "valid", rc_average=True)
    for name in ("pearson", "mse", "jsd"):
        assert inside[name] == pytest.approx(outside[name], rel=1e-5)


def test_two_controls_change_places():
    """Controls of both strands: exchanged for the second pass, as the dataset says."""
    _, joined = networks(control_order=[1, 0])
    generator = torch.Generator().manual_seed(2)
    x = one_hot(torch.randint(0, 4, (5, 96), dtype=torch.uint8, generator=generator))
    control = torch.rand(5, 2, 40, generator=generator)
    with torch.no_grad():
        profile, counts = joined(x, control)
        other_profile, other_counts = joined(x.flip(1, 2), control[:, [1, 0]].flip(-1))
        same_profile, _ = joined(x.flip(1, 2), control.flip(-1))
    # Channels 2 and 0 are one stranded track.
    assert torch.equal(profile, other_profile[:, [2, 1, 0]].flip(-1))
    assert torch.equal(counts, other_counts)
    assert not torch.equal(profile, same_profile[:, [2, 1, 0]].flip(-1))
    assert joined.build_arguments["control_order"] == [1, 0]


def test_one_strand_in_training(make_dataset, candidate, tmp_path):
    """Post-hoc: trains as without, and the saved network is that one, conjoined."""
    data = make_dataset()
    for name, more in (("plain", []), ("after", [["conjoined", {"training": False}]]), ("all", [["conjoined", {}]])):
        settings = candidate(components=[["standard", {}], *more], trainer={"max_epochs": 1})
        train_candidate(settings, data, tmp_path / name)
    plain, after, both = (load_model(tmp_path / name) for name in ("plain", "after", "all"))
    for name, value in plain.state_dict().items():
        assert torch.equal(value, after.network.state_dict()[name])
    assert not torch.equal(plain.head.linear.weight, both.network.head.linear.weight)
    described = json.loads((tmp_path / "after" / "model.json").read_text())["build"]
    assert described["conjoined"] is True
    assert "conjoined" not in json.loads((tmp_path / "plain" / "model.json").read_text())["build"]


def test_both_strands_are_trained():
    """The gradient of the mean: half of each strand's."""
    plain, joined = networks("counts")
    x = one_hot(torch.randint(0, 4, (6, 96), dtype=torch.uint8, generator=torch.Generator().manual_seed(3)))
    joined(x).sum().backward()
    found = joined.network.blocks[0].conv.weight.grad
    gradients = []
    for strand in (x, x.flip(1, 2)):
        plain.zero_grad()
        plain(strand).sum().backward()
        gradients.append(plain.blocks[0].conv.weight.grad.clone())
    torch.testing.assert_close(found, (gradients[0] + gradients[1]) / 2, rtol=1e-4, atol=1e-5)
    assert (gradients[0] - gradients[1]).abs().max() > 0.01


@pytest.mark.parametrize("activation", ["relu", "exponential"])
@pytest.mark.parametrize("head", ["logit", "counts", "profile"])
def test_deepshap_holds(head, activation):
    target = {"logit": "binary"}.get(head, head)
    _, joined = networks(target, activation)
    x = one_hot_numpy(np.random.default_rng(0).integers(0, 4, (4, 96)).astype(np.uint8))
    report = audit_model(ScalarOutput(joined, head=head, task=0), x)
    assert report["missing"] == []
    assert any("activation" in name for name in report["reused"])
    assert report["relative_delta"] < 1e-4


def test_maps_are_means_of_both_strands():
    """What each strand of the bare network says of the same bases, with the references turned too."""
    plain, joined = networks("counts", "exponential")
    rng = np.random.default_rng(1)
    x = one_hot_numpy(rng.integers(0, 4, (3, 96)).astype(np.uint8))
    references = np.stack([one_hot_numpy(rng.integers(0, 4, (2, 96)).astype(np.uint8)) for _ in range(3)])
    bare, whole = ScalarOutput(plain, head="counts", task=1), ScalarOutput(joined, head="counts", task=1)
    pairs = []
    for strand, against in ((x, references), (other_strand(x), other_strand(references))):
        maps = deepshap(bare, strand, references=against).maps
        pairs.append((maps, saliency(bare, strand)))
    (own, gradient), (other, other_gradient) = pairs
    found = deepshap(whole, x, references=references).maps
    np.testing.assert_allclose(found, (own + other_strand(other)) / 2, rtol=1e-3, atol=1e-4)
    assert np.abs(own - other_strand(other)).max() > 0.01
    expected = (gradient + other_strand(other_gradient)) / 2
    np.testing.assert_allclose(saliency(whole, x), expected, rtol=1e-3, atol=1e-4)


def test_maps_of_the_other_strand_are_turned():
    _, joined = networks("counts")
    x = one_hot_numpy(np.random.default_rng(4).integers(0, 4, (3, 96)).astype(np.uint8))
    output = ScalarOutput(joined, head="counts")
    np.testing.assert_allclose(saliency(output, other_strand(x)), other_strand(saliency(output, x)), atol=1e-6)


def test_bad_input():
    with pytest.raises(UserError, match="training 'after' is neither true nor false"):
        check_recipe([["conjoined", {"training": "after"}]], target="counts", window=256, class_name="cnn_deep")
    recipe = compose([["conjoined", {}]])
    assert recipe.model_arguments({"dense": [8]}) == {"dense": [8], "conjoined": True}
