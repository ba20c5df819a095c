import numpy as np

from lucidna.attribution.each import attribute_each
from lucidna.attribution.hdf5 import AttributionFile
from lucidna.attribution.run import attribute


def test_each_member_gets_the_maps_it_would_get_alone(toy_dataset, toys, tmp_path):
    sequences = np.random.default_rng(0).integers(0, 4, size=(24, 40)).astype(np.uint8)
    dataset = toy_dataset(sequences)
    networks = {f"m{seed}": toys.ToyCNN(40, seed=seed) for seed in range(2)}
    settings = {"method": "saliency", "task": "a", "head": "counts", "arguments": {"max_regions": 8}}
    found = attribute_each(
        {name: tmp_path / name for name in networks},
        lambda folder: networks[folder.name],
        dataset,
        tmp_path / "each",
        **settings,
    )
    assert {name: summary["members"] for name, summary in found.items()} == {"m0": ["m0"], "m1": ["m1"]}
    maps = {}
    for name, network in networks.items():
        attribute([(name, network)], dataset, out_h5=tmp_path / "x.h5", out_bed=tmp_path / "x.bed", **settings)
        written = tmp_path / "each" / f"{name}.attributions.h5"
        assert written.read_bytes() == (tmp_path / "x.h5").read_bytes()
        with AttributionFile(written) as file:
            maps[name], ids = file.read().maps, file.region_ids
        assert len(ids) == 8
        assert (tmp_path / "each" / f"{name}.regions.bed").read_text().count("\n") == 8
    assert not np.allclose(maps["m0"], maps["m1"])


def test_no_members_give_an_empty_folder(toy_dataset, tmp_path):
    settings = {"method": "saliency", "task": "a", "head": "counts"}
    assert attribute_each({}, None, toy_dataset(np.zeros((4, 40), np.uint8)), tmp_path / "each", **settings) == {}
    assert list((tmp_path / "each").iterdir()) == []
