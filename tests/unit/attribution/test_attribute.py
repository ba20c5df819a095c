import json
import logging

import numpy as np
import pytest
import torch

from lucidna.attribution import plan
from lucidna.attribution.correction import correct
from lucidna.attribution.hdf5 import AttributionFile
from lucidna.attribution.members import NONE_CHOSEN
from lucidna.attribution.nulls import null_sequences
from lucidna.attribution.output import ScalarOutput
from lucidna.attribution.run import attribute
from lucidna.attribution.saliency import saliency
from lucidna.errors import UserError
from lucidna.sequence import one_hot_numpy

from .test_ensemble import averaged


@pytest.fixture
def dataset(toy_dataset):
    sequences = np.random.default_rng(0).integers(0, 4, size=(24, 40)).astype(np.uint8)
    sequences[4, 7] = 4
    return toy_dataset(sequences)


@pytest.fixture
def models(toys):
    return [(f"m{seed}", toys.ToyCNN(40, seed=seed)) for seed in range(3)]


def outputs(folder, name="x"):
    return {"out_h5": folder / f"{name}.h5", "out_bed": folder / f"{name}.bed"}


@pytest.mark.parametrize("method", ["saliency", "deepshap", "ism"])
def test_every_method_writes_peaks_only(dataset, models, method, tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger="lucidna"):
        summary = attribute(models, dataset, method=method, task="a", head="counts", **outputs(tmp_path))
    peaks = dataset.rows[dataset.rows["role"] == "peak"]
    with AttributionFile(tmp_path / "x.h5") as file:
        file.check(peaks["region_id"])
        block = file.read()
        attributes, prediction, delta = file.attributes, file.prediction, file.convergence_delta
    onehot = one_hot_numpy(dataset.sequences[peaks.index])
    np.testing.assert_array_equal(block.onehot, onehot)
    row = peaks.index.get_loc(4)
    assert not block.maps[row, :, 7].any()
    if method != "deepshap":
        np.testing.assert_allclose(block.maps.sum(axis=1), 0, atol=5e-3 * np.abs(block.maps).max())
    with torch.no_grad():
        expected = torch.stack([net(torch.from_numpy(onehot))[:, 0] for _, net in models]).mean(dim=0)
    np.testing.assert_allclose(prediction, expected, rtol=1e-4, atol=1e-5)
    assert np.isnan(delta).all() == (method != "deepshap")
    assert attributes["candidates"] == ["m0", "m1", "m2"]
    assert attributes["method"] == method
    assert (summary["delta"] is None) == (method != "deepshap")
    assert (summary["angles"] is None) == (method != "saliency")
    assert summary["n_regions"] == len(peaks) == len((tmp_path / "x.bed").read_text().splitlines())
    assert f"{method}  member 2/3  16/16 regions" in caplog.text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.bed", "x.h5"]


def test_mean_is_that_of_the_unit_norm_members(dataset, models, tmp_path):
    attribute(models, dataset, method="saliency", task="a", head="counts", **outputs(tmp_path))
    with AttributionFile(tmp_path / "x.h5") as file:
        block = file.read()
    maps = [correct(saliency(ScalarOutput(net, head="counts"), block.onehot)) for _, net in models]
    maps = [each * block.onehot.sum(axis=1, keepdims=True) for each in maps]
    stacked, unit = averaged(maps)
    np.testing.assert_allclose(block.maps, stacked.mean(axis=0) * unit[:, None, None], rtol=2e-3, atol=1e-5)
    projected = (np.stack(maps) * block.onehot).sum(axis=2)
    np.testing.assert_allclose(block.spread, projected.std(axis=0, ddof=1), rtol=1e-2, atol=1e-4)


def test_heldout_regions_use_only_members_that_have_not_seen_them(dataset, models, tmp_path):
    first = np.where(dataset.rows["chrom"] == "chr1", "test", "train")
    second = np.where(dataset.rows["chrom"] == "chr2", "valid", "train")
    splits = {"m0": first, "m1": second, "m2": second}
    summary = attribute(
        models,
        dataset,
        method="saliency",
        task="a",
        head="counts",
        regions="heldout",
        splits=splits,
        **outputs(tmp_path),
    )
    assert summary["regions_per_member"] == [8, 8, 8]
    with AttributionFile(tmp_path / "x.h5") as file:
        block = file.read()
    by_first = dataset.rows.set_index("region_id").loc[file.region_ids, "chrom"].to_numpy() == "chr1"
    assert np.isnan(block.spread[by_first]).all()
    assert np.isfinite(block.spread[~by_first]).all()
    alone = correct(saliency(ScalarOutput(models[0][1], head="counts"), block.onehot[by_first]))
    alone *= block.onehot[by_first].sum(axis=1, keepdims=True)
    ratio = block.maps[by_first].ravel() @ alone.ravel() / (alone.ravel() @ alone.ravel())
    np.testing.assert_allclose(block.maps[by_first], ratio * alone, rtol=1e-2, atol=1e-3)


def test_same_bytes_again_and_same_maps_in_other_batches(dataset, models, tmp_path, monkeypatch):
    arguments = {"method": "deepshap", "task": "a", "head": "counts", "arguments": {"shuffles": 3}}
    attribute(models, dataset, **arguments, **outputs(tmp_path, "a"))
    attribute(models, dataset, **arguments, **outputs(tmp_path, "b"))
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    assert (tmp_path / "a.bed").read_bytes() == (tmp_path / "b.bed").read_bytes()
    monkeypatch.setattr(plan, "BLOCK", 5)
    attribute(models, dataset, **arguments, batch_size=6, **outputs(tmp_path, "c"))
    with AttributionFile(tmp_path / "a.h5") as a, AttributionFile(tmp_path / "c.h5") as c:
        np.testing.assert_allclose(a.read().maps, c.read().maps, rtol=5e-3, atol=1e-3 * np.abs(a.read().maps).max())


def test_fewer_regions_keep_their_maps(dataset, models, tmp_path):
    common = {"method": "deepshap", "task": "a", "head": "counts"}
    attribute(models[:1], dataset, **common, arguments={"shuffles": 4}, **outputs(tmp_path, "all"))
    attribute(models[:1], dataset, **common, arguments={"shuffles": 4, "max_regions": 5}, **outputs(tmp_path, "few"))
    with AttributionFile(tmp_path / "all.h5") as whole, AttributionFile(tmp_path / "few.h5") as few:
        assert len(few) == 5
        rows = np.array([whole.region_ids.index(name) for name in few.region_ids])
        assert (np.diff(rows) > 0).all()
        np.testing.assert_allclose(few.read().maps, whole.read(rows).maps, rtol=2e-3, atol=1e-4)


def test_null_explains_shuffled_regions(dataset, models, tmp_path):
    common = {"method": "saliency", "task": "a", "head": "counts", "seed": 5}
    attribute(models, dataset, **common, null=1, **outputs(tmp_path))
    peaks = np.flatnonzero(dataset.rows["role"] == "peak")
    with AttributionFile(tmp_path / "x.h5") as file:
        expected = one_hot_numpy(null_sequences(dataset.sequences[peaks], draw=1, seed=5))
        np.testing.assert_array_equal(file.read().onehot, expected)
        assert file.region_ids == dataset.rows["region_id"][peaks].tolist()
        assert file.attributes["parameters"]["null"] == 1


def test_tasks_and_profile_heads(toy_dataset, toys, tmp_path):
    sequences = np.random.default_rng(0).integers(0, 4, size=(6, 40)).astype(np.uint8)
    dataset = toy_dataset(sequences, tasks=("first", "second"), target="profile")
    models = [("p", toys.ProfileNet())]
    found = {}
    for task in ("first", "second"):
        for head in ("counts", "profile"):
            attribute(models, dataset, method="saliency", task=task, head=head, **outputs(tmp_path))
            with AttributionFile(tmp_path / "x.h5") as file:
                found[task, head] = file.read().maps
    net = ScalarOutput(models[0][1], head="profile", task=1)
    expected = correct(saliency(net, one_hot_numpy(sequences[[1, 2, 4, 5]])))
    np.testing.assert_allclose(found["second", "profile"], expected, rtol=2e-3, atol=1e-4)
    assert np.abs(found["first", "profile"] - expected).max() > 0.01
    assert np.abs(found["second", "counts"] - expected).max() > 0.01


@pytest.mark.parametrize(("regions", "null"), [("all", None), ("heldout", 0)])
def test_no_members_no_regions_and_a_note(dataset, tmp_path, regions, null, caplog):
    common = {"method": "deepshap", "task": "a", "head": "counts", "regions": regions, "splits": {}, "null": null}
    with caplog.at_level(logging.INFO, logger="lucidna"):
        summary = attribute([], dataset, **common, **outputs(tmp_path))
    assert (summary["n_regions"], summary["members"], summary["regions_per_member"]) == (0, [], [])
    assert summary["notice"] == NONE_CHOSEN
    assert NONE_CHOSEN in caplog.text
    json.dumps(summary, allow_nan=False)
    assert (tmp_path / "x.bed").read_text() == ""
    with AttributionFile(tmp_path / "x.h5") as file:
        assert (len(file), file.length, file.attributes["candidates"]) == (0, 40, [])
        assert file.attributes["note"] == NONE_CHOSEN
        assert file.attributes["parameters"]["null"] == null
        assert file.read().projected.shape == (0, 40)
    attribute([], dataset, **common, **outputs(tmp_path, "again"))
    assert (tmp_path / "again.h5").read_bytes() == (tmp_path / "x.h5").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"x.h5", "x.bed", "again.h5", "again.bed"}


def test_maps_have_no_note(dataset, models, tmp_path):
    summary = attribute(models[:1], dataset, method="saliency", task="a", head="counts", **outputs(tmp_path))
    assert "notice" not in summary
    with AttributionFile(tmp_path / "x.h5") as file:
        assert "note" not in file.attributes


def test_surrogates_of_too_few_mutants_are_told(dataset, models, tmp_path, caplog):
    def made(mutants):
        arguments = {"mutants": mutants, "max_regions": 4}
        return attribute(
            models, dataset, method="surrogate", arguments=arguments, task="a", head="counts", **outputs(tmp_path)
        )

    assert "notice" not in made(2000)
    assert "of the variance of mutants" in made(20)["notice"]
    assert sum("attribution.methods.surrogate.mutants" in line for line in caplog.messages) == 1


def test_unsound_network_is_refused_and_leaves_nothing(dataset, toys, tmp_path):
    models = [("bad", toys.ToyCNN(40, functional=True))]
    with pytest.raises(UserError, match=r"deepshap of bad: .*relu in ToyCNN"):
        attribute(models, dataset, method="deepshap", task="a", head="counts", **outputs(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_exploded_network_is_refused(dataset, toys, tmp_path):
    net = toys.LinearNet(40)
    net.weights.data[0, 0, 0] = float("nan")
    with pytest.raises(UserError, match="saliency of broken: a map is not finite"):
        attribute([("broken", net)], dataset, method="saliency", task="a", head="counts", **outputs(tmp_path))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "salency"}, "did you mean 'saliency'"),
        ({"task": "b"}, "task 'b'"),
        ({"head": "profile"}, "head of target counts 'profile'"),
        ({"arguments": {"shufles": 3}, "method": "deepshap"}, "did you mean 'shuffles'"),
        ({"regions": "held"}, "did you mean 'heldout'"),
    ],
)
def test_unknown_names_are_refused(dataset, models, tmp_path, wrong, message):
    arguments = {"method": "saliency", "task": "a", "head": "counts", **wrong}
    for members in (models, []):
        with pytest.raises(UserError, match=message):
            attribute(members, dataset, **arguments, **outputs(tmp_path))
