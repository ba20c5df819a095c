"""Maps made in shares and joined are those of one process, byte by byte."""

import h5py
import numpy as np
import pytest

from lucidna.attribution import plan
from lucidna.attribution.hdf5 import AttributionFile
from lucidna.attribution.members import NONE_CHOSEN
from lucidna.attribution.run import attribute
from lucidna.attribution.shards import attribute_shard, join_shards, share_of
from lucidna.errors import UserError
from lucidna.files import read_json, write_json

COMMON = {"task": "a", "head": "counts", "seed": 3}
NAMES = ["m0", "m1", "m2"]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(plan, "BLOCK", 5)


@pytest.fixture
def dataset(toy_dataset):
    sequences = np.random.default_rng(0).integers(0, 4, size=(48, 40)).astype(np.uint8)
    sequences[4, 7] = 4
    sequences[10] = sequences[5]  # the same sequence in two shares
    return toy_dataset(sequences)


@pytest.fixture
def models(toys):
    return [(name, toys.ToyCNN(40, seed=seed)) for seed, name in enumerate(NAMES)]


def sharded(models, dataset, folder, n, **settings):
    paths = [folder / f"{shard + 1}-of-{n}.h5" for shard in range(n)]
    for shard, path in enumerate(paths):
        attribute_shard(models, dataset, path, shard=shard, shards=n, batch_size=3, **settings)
    members = [name for name, _ in models]
    out = {"out_h5": folder / "joined.h5", "out_bed": folder / "joined.bed"}
    return paths, join_shards(paths[::-1], members, dataset, **out, **settings)


def same(folder, joined, whole):
    for name in ("h5", "bed"):
        assert (folder / f"joined.{name}").read_bytes() == (folder / f"whole.{name}").read_bytes(), name
    timeless = [{key: value for key, value in summary.items() if key != "seconds"} for summary in (joined, whole)]
    assert timeless[0] == timeless[1]
    write_json(folder / "joined.json", joined)
    assert read_json(folder / "joined.json") == joined


@pytest.mark.parametrize(
    ("method", "arguments", "n"),
    [
        ("saliency", {}, 2),
        ("saliency", {}, 3),
        ("deepshap", {"shuffles": 3, "max_regions": 17}, 2),
        ("deepshap", {"shuffles": 3, "max_regions": 17}, 3),
        ("smoothgrad", {"samples": 4}, 3),
        ("surrogate", {"mutants": 100, "max_regions": 6}, 2),  # two blocks, the slowest method
    ],
)
def test_joined_shares_are_the_bytes_of_one_process(dataset, models, method, arguments, n, tmp_path):
    settings = {**COMMON, "method": method, "arguments": arguments}
    whole = attribute(
        models, dataset, out_h5=tmp_path / "whole.h5", out_bed=tmp_path / "whole.bed", batch_size=3, **settings
    )
    _, joined = sharded(models, dataset, tmp_path, n, **settings)
    same(tmp_path, joined, whole)
    assert joined["n_regions"] == arguments.get("max_regions") or joined["n_regions"] == 32
    with AttributionFile(tmp_path / "joined.h5") as file:
        assert file.read().maps.any(axis=(1, 2)).all()


def test_so_are_maps_of_shuffled_sequences_held_out_regions_and_more_shares_than_blocks(dataset, models, tmp_path):
    first = np.where(dataset.rows["chrom"] == "chr1", "test", "train")
    second = np.where(dataset.rows["chrom"] == "chr2", "valid", "train")
    settings = {
        **COMMON,
        "method": "saliency",
        "regions": "heldout",
        "splits": {"m0": first, "m1": second, "m2": second},
        "null": 1,
        "average": {"reverse_complement": True},
    }
    whole = attribute(
        models, dataset, out_h5=tmp_path / "whole.h5", out_bed=tmp_path / "whole.bed", batch_size=3, **settings
    )
    assert whole["regions_per_member"] == [16, 16, 16]
    paths, joined = sharded(models, dataset, tmp_path, 7, **settings)
    same(tmp_path, joined, whole)
    with h5py.File(paths[0]) as file:  # four blocks of each member in seven shares
        assert [len(group) for group in file.values()] == [0, 0, 0]


def test_no_networks_give_the_empty_files_that_say_so(dataset, tmp_path):
    settings = {**COMMON, "method": "saliency"}
    whole = attribute([], dataset, out_h5=tmp_path / "whole.h5", out_bed=tmp_path / "whole.bed", **settings)
    _, joined = sharded([], dataset, tmp_path, 2, **settings)
    same(tmp_path, joined, whole)
    assert joined["notice"] == NONE_CHOSEN


def test_the_convergence_gate_judges_a_share_as_it_judges_all(dataset, toys, tmp_path):
    models = [("bad", toys.ToyCNN(40, functional=True))]
    settings = {**COMMON, "method": "deepshap", "arguments": {"shuffles": 3}}
    messages = []
    for run in (
        lambda: attribute(models, dataset, out_h5=tmp_path / "w.h5", out_bed=tmp_path / "w.bed", **settings),
        lambda: attribute_shard(models, dataset, tmp_path / "s.h5", shard=0, shards=2, **settings),
    ):
        with pytest.raises(UserError, match="do not sum to the difference") as error:
            run()
        messages.append(str(error.value))
    assert messages[0] == messages[1]
    assert not list(tmp_path.iterdir())


def test_shares_are_neighbours_and_hold_each_block_once():
    for n in range(9):
        blocks = [np.array([block]) for block in range(n)]
        for shards in range(1, 12):
            shares = [share_of(blocks, shard, shards) for shard in range(shards)]
            assert [int(block[0]) for share in shares for block in share] == list(range(n))
            sizes = [len(share) for share in shares]
            assert max(sizes) - min(sizes) <= 1


def test_shares_that_do_not_belong_together(dataset, models, tmp_path):
    settings = {**COMMON, "method": "saliency"}
    paths, _ = sharded(models, dataset, tmp_path, 3, **settings)
    out = {"out_h5": tmp_path / "x.h5", "out_bed": tmp_path / "x.bed"}

    def refused(words, chosen, **changes):
        with pytest.raises(UserError, match=words):
            join_shards(chosen, NAMES, dataset, **out, **{**settings, **changes})
        assert not (tmp_path / "x.h5").exists()

    refused("there are 2 of 3 shares", paths[:2])
    refused("there are 0 of no shares", [])
    refused("does not go with the other shares", [*paths, paths[0]])
    refused("does not go with the other shares", paths, seed=4)
    refused("does not go with the other shares", paths, null=0)
    (tmp_path / "text.h5").write_text("no")
    refused("is no share of the maps", [*paths[:2], tmp_path / "text.h5"])
    with h5py.File(paths[1], "r+") as file:
        file["1/0/rows"][0] += 1
    refused("is not of the regions that are explained", paths)
