import numpy as np
import pytest
import torch
from torch import nn

from lucidna.attribution.hdf5 import Block, write_attributions
from lucidna.faithfulness import run
from lucidna.faithfulness.run import measure_faithfulness
from lucidna.files import read_json, read_tsv
from lucidna.ranking.probes.randomisation import redrawn
from lucidna.sequence import one_hot_numpy

LENGTH, N = 60, 24
CODES = np.random.default_rng(2).integers(0, 4, size=(N, LENGTH)).astype(np.uint8)


class Linear(nn.Module):
    def __init__(self, seed):
        super().__init__()
        shared = torch.Generator().manual_seed(0)
        weight = torch.randn(4, LENGTH, generator=shared) * (torch.rand(LENGTH, generator=shared) < 0.2)
        own = torch.Generator().manual_seed(seed)
        self.layer = nn.Linear(4 * LENGTH, 1)
        with torch.no_grad():
            self.layer.weight.copy_((weight + 0.01 * torch.randn(4, LENGTH, generator=own)).reshape(1, -1))

    def forward(self, x, control=None):
        return self.layer(x.flatten(1))

    def map(self):
        weight = self.layer.weight.detach().numpy().reshape(4, LENGTH)
        return weight - weight.mean(axis=0)


def write(path, maps, *, method, rows):
    onehot = one_hot_numpy(CODES[rows], dtype=np.int8)

    def block(part):
        zeros = np.zeros((len(onehot[part]), LENGTH), dtype=np.float32)
        return Block(onehot[part], maps[rows][part].astype(np.float32), zeros, zeros + 1)

    write_attributions(
        path,
        block,
        region_ids=[f"r{row}" for row in rows],
        length=LENGTH,
        prediction=np.zeros(len(rows)),
        convergence_delta=np.zeros(len(rows)),
        map_scale=1.0,
        attributes={"method": method, "task": "a", "head": "counts", "parameters": {"seed": 0}, "candidates": ["n"]},
    )


@pytest.fixture
def nets():
    return [(f"net{seed}", Linear(seed)) for seed in (1, 2)]


@pytest.fixture
def files(tmp_path, nets):
    mean = np.mean([net.map() for _, net in nets], axis=0)
    maps = np.repeat(mean[None], N, axis=0)
    noise = np.random.default_rng(5).standard_normal(maps.shape)
    paths = {"saliency": tmp_path / "saliency.attributions.h5", "ism": tmp_path / "ism.attributions.h5"}
    write(paths["saliency"], maps, method="saliency", rows=np.arange(N))
    # Another order, and fewer regions.
    write(paths["ism"], noise, method="ism", rows=np.arange(N)[::-1][:20])
    return paths


def test_true_maps_are_told_from_noise_through_the_files(files, nets, tmp_path):
    table = measure_faithfulness(files, nets, tasks=["a"], out_dir=tmp_path, regions=18, ism_regions=12)
    assert read_tsv(tmp_path / "faithfulness.tsv")["value"].tolist() == pytest.approx(table["value"].tolist())
    by = table.set_index(["method", "measure"])
    for measure in ("insertion", "mutagenesis", "completeness"):
        good, bad = by.loc[("saliency", measure)], by.loc[("ism", measure)]
        assert good["value_lo"] > good["null_hi"]
        assert bad["value_lo"] < bad["null_hi"]
    assert by.loc[("saliency", "mutagenesis"), "value"] > 0.99
    assert by.loc[("saliency", "randomised"), "value"] < 0.4
    facts = read_json(tmp_path / "sample.json")
    assert facts["n_regions"] == 18
    assert facts["ism_regions"] == 12
    curves = read_tsv(tmp_path / "curves.tsv")
    assert len(curves) == 2 * 2 * 4


def test_a_redrawn_network_that_is_silent_is_no_evidence(files, nets, tmp_path, monkeypatch):
    def silent(network, *arguments, **settings):
        quiet = redrawn(network, *arguments, **settings)
        for weights in quiet.parameters():
            torch.nn.init.zeros_(weights)
        return quiet

    monkeypatch.setattr(run, "redrawn", silent)
    table = measure_faithfulness(files, nets, tasks=["a"], out_dir=tmp_path, regions=18, ism_regions=12)
    assert table.loc[table["measure"] == "randomised", ["value", "null"]].isna().all(axis=None)
    assert table.loc[table["measure"] == "mutagenesis", "value"].notna().all()


def test_same_seed_same_table(files, nets, tmp_path):
    first, second = (
        measure_faithfulness(files, nets, tasks=["a"], out_dir=tmp_path, regions=15, seed=3) for _ in range(2)
    )
    assert first.equals(second)


def test_nothing_to_measure_is_a_labelled_result(files, nets, tmp_path):
    empty = measure_faithfulness(files, [], tasks=["a"], out_dir=tmp_path)
    assert empty.empty
    assert "no candidate was chosen" in read_json(tmp_path / "sample.json")["notices"][0]
    few = measure_faithfulness(files, nets, tasks=["a"], out_dir=tmp_path, regions=5)
    assert few.empty
    assert "only 5 regions" in read_json(tmp_path / "sample.json")["notices"][0]
    assert read_tsv(tmp_path / "curves.tsv").columns[0] == "method"
