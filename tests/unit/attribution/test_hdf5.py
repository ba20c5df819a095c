import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from lucidna.attribution.hdf5 import (
    AttributionFile,
    Block,
    float16_scale,
    write_attributions,
    write_regions_bed,
)
from lucidna.attribution.npz import write_npz
from lucidna.errors import UserError
from lucidna.sequence import one_hot_numpy

MOTIF = np.array([2, 0, 3, 0, 0, 1, 2, 3, 0], dtype=np.uint8)


def written(path, *, n=300, length=120, size=1e-6, region_ids=None):
    """Write a file of planted motifs whose contributions are about `size`; return the block behind it."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, size=(n, length)).astype(np.uint8)
    codes[4, 2] = 4
    maps = rng.normal(scale=0.02, size=(n, 4, length))
    for row in range(n):
        at = 45 + row % 20
        codes[row, at : at + len(MOTIF)] = MOTIF
        maps[row, :, at : at + len(MOTIF)] += one_hot_numpy(MOTIF) - 0.25
    onehot = one_hot_numpy(codes, dtype=np.int8)
    maps = (maps * size * onehot.sum(axis=1, keepdims=True)).astype(np.float32)
    spread = rng.random((n, length)).astype(np.float32) * size
    spread[0] = np.nan
    whole = Block(onehot, maps, spread, rng.random((n, length)).astype(np.float32))
    write_attributions(
        path,
        lambda part: Block(*(array[part] for array in whole)),
        region_ids=region_ids or [f"peak_{row}é" for row in range(n)],
        length=length,
        prediction=np.arange(n),
        convergence_delta=np.full(n, np.nan),
        map_scale=float16_scale(float(np.abs(maps).max())),
        attributes={
            "method": "deepshap",
            "parameters": {"shuffles": 20, "null": None},
            "candidates": ["a", "b"],
        },
    )
    return whole


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e7])
def test_round_trip_of_any_size(tmp_path, size):
    whole = written(tmp_path / "x.h5", n=300, size=size)
    with AttributionFile(tmp_path / "x.h5") as file:
        assert len(file) == 300
        assert file.length == 120
        assert file.region_ids[7] == "peak_7é"
        assert file.attributes["parameters"] == {"shuffles": 20, "null": None}
        assert file.attributes["candidates"] == ["a", "b"]
        np.testing.assert_array_equal(file.prediction, np.arange(300))
        assert np.isnan(file.convergence_delta).all()
        rows = np.array([1, 5, 299])
        found = file.read(rows)
        np.testing.assert_array_equal(found.onehot, whole.onehot[rows])
        np.testing.assert_allclose(found.maps, whole.maps[rows], rtol=2e-3, atol=1e-6 * size)
        np.testing.assert_allclose(found.spread, whole.spread[rows], rtol=2e-3, atol=1e-6 * size)
        np.testing.assert_allclose(found.projected, (found.maps * found.onehot).sum(axis=1), rtol=1e-6)
        assert np.isnan(file.read(slice(0, 1)).spread).all()
        np.testing.assert_allclose(file.read().sign_agreement, whole.sign_agreement, atol=1e-3)


def test_layout_is_that_of_chrombpnet(tmp_path):
    written(tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5") as file:
        assert file["raw/seq"].dtype == np.int8
        assert file["shap/seq"].dtype == np.float16
        assert file["projected_shap/seq"].shape == (300, 4, 120)
        assert 8 <= np.abs(file["shap/seq"][:]).max() <= 16
        onehot = file["raw/seq"][:]
        np.testing.assert_array_equal(file["projected_shap/seq"][:], file["shap/seq"][:] * onehot)
        assert onehot[4, :, 2].sum() == 0
        assert not file["shap/seq"][4, :, 2].any()


def test_layout_without_regions(tmp_path):
    whole = Block(*(np.zeros((0, *shape), np.float32) for shape in ((4, 30), (4, 30), (30,), (30,))))
    write_attributions(
        tmp_path / "x.h5",
        lambda part: Block(*(array[part] for array in whole)),
        region_ids=[],
        length=30,
        prediction=np.zeros(0),
        convergence_delta=np.zeros(0),
        map_scale=float16_scale(0.0),
        attributes={"candidates": [], "note": "nobody"},
    )
    with h5py.File(tmp_path / "x.h5") as file:
        shapes = {name: file[name].shape for name in ("raw/seq", "shap/seq", "projected_shap/seq")}
        assert set(shapes.values()) == {(0, 4, 30)}
        assert (file["raw/seq"].dtype, file["shap/seq"].dtype) == (np.int8, np.float16)
    with AttributionFile(tmp_path / "x.h5") as file:
        file.check([])
        assert (file.region_ids, file.length, file.attributes["note"]) == ([], 30, "nobody")
        assert file.read().maps.shape == (0, 4, 30)
        with pytest.raises(UserError, match="0 regions and 1 were expected"):
            file.check(["peak_1"])


def test_same_content_gives_the_same_bytes(tmp_path):
    written(tmp_path / "a.h5")
    written(tmp_path / "b.h5")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@pytest.mark.parametrize("largest", [3e-12, 0.02, 1.0, 15.99, 16.0, 4e9])
def test_scale_is_a_power_of_two_that_fills_float16(largest):
    scale = float16_scale(largest)
    assert 8 < largest * scale <= 16
    assert np.log2(scale) == int(np.log2(scale))
    assert float16_scale(0.0) == 1.0


def test_rows_are_verified(tmp_path):
    written(tmp_path / "x.h5", n=20, region_ids=[f"r{i}" for i in range(20)])
    with AttributionFile(tmp_path / "x.h5") as file:
        file.check([f"r{i}" for i in range(20)])
        with pytest.raises(UserError, match=r"20 regions and 19 were expected.*row 20"):
            file.check([f"r{i}" for i in range(19)])
        with pytest.raises(UserError, match="row 3"):
            file.check(["r0", "r1", "r5", *(f"r{i}" for i in range(3, 20))])


def test_damaged_files_are_named(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        AttributionFile(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(UserError, match="not an HDF5 file"):
        AttributionFile(tmp_path / "text.h5")
    written(tmp_path / "short.h5", n=20)
    with h5py.File(tmp_path / "short.h5", "a") as file:
        del file["spread"]
        file["spread"] = np.zeros((19, 120), dtype=np.float16)
    with pytest.raises(UserError, match="spread has 19 rows and region_id has 20"):
        AttributionFile(tmp_path / "short.h5")


def test_a_failed_write_leaves_nothing(tmp_path):
    def broken(part):
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        write_attributions(
            tmp_path / "x.h5",
            broken,
            region_ids=["a"],
            length=10,
            prediction=np.zeros(1),
            convergence_delta=np.zeros(1),
            map_scale=1.0,
            attributes={},
        )
    assert list(tmp_path.iterdir()) == []


def test_bed_of_sequences_without_a_genome(tmp_path):
    rows = pd.DataFrame({"region_id": ["s1", "s2"], "chrom": [".", "."], "summit": [0, 0]})
    write_regions_bed(tmp_path / "x.bed", rows, length=51)
    assert (tmp_path / "x.bed").read_text().splitlines()[1] == "s2\t0\t51\ts2\t0\t.\t0\t-1\t-1\t25"


def genome_bed(path, n, length):
    rows = pd.DataFrame(
        {"region_id": [f"peak_{i}" for i in range(n)], "chrom": "chr1", "summit": 1000 + 200 * np.arange(n)}
    )
    write_regions_bed(path, rows, length=length)


def test_finemo_reads_it(tmp_path):
    length = 121
    whole = written(tmp_path / "x.h5", n=30, length=length, size=1.0)
    genome_bed(tmp_path / "x.bed", 30, length)
    finemo = Path(sys.executable).parent / "finemo"
    if not finemo.exists():
        pytest.skip("finemo is not installed")
    command = [
        finemo,
        "extract-regions-chrombpnet-h5",
        "-c",
        "x.h5",
        "-p",
        "x.bed",
        "-o",
        "out.npz",
        "-w",
        "100",
    ]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    found = np.load(tmp_path / "out.npz", allow_pickle=False)
    left = length // 2 - 50
    np.testing.assert_array_equal(found["sequences"], whole.onehot[:, :, left : left + 100])
    with AttributionFile(tmp_path / "x.h5") as file:
        maps = file.read().maps[:, :, left : left + 100] * file.attributes["map_scale"]
    np.testing.assert_allclose(found["contributions"].astype(np.float32), maps, rtol=1e-3)
    np.testing.assert_array_equal(found["start"], 1000 + 200 * np.arange(30) - 50)
    assert found["peak_name"][3] == "peak_3"


def test_modisco_finds_the_planted_motif(tmp_path):
    written(tmp_path / "x.h5", n=300, size=1e-6)
    modisco = Path(sys.executable).parent / "modisco"
    if not modisco.exists():
        pytest.skip("modisco is not installed")
    command = [modisco, "motifs", "-i", "x.h5", "-n", "400", "-w", "100", "-o", "out.h5"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with h5py.File(tmp_path / "out.h5") as file:
        contributions = file["pos_patterns/pattern_0/contrib_scores"][:]
    strong = contributions.max(axis=1) > 0.5 * contributions.max()
    letters = contributions[strong].argmax(axis=1)
    assert letters.tolist() in (MOTIF.tolist(), (3 - MOTIF[::-1]).tolist())


def test_npz_hold_the_same_maps_and_finemo_reads_them(tmp_path):
    length = 120
    written(tmp_path / "x.h5", n=300, length=length, size=1.0)
    write_npz(tmp_path / "x.h5", tmp_path / "ohe.npz", tmp_path / "attr.npz")
    with AttributionFile(tmp_path / "x.h5") as file:
        whole = file.read()
    onehot, maps = (np.load(tmp_path / name, allow_pickle=False)["arr_0"] for name in ("ohe.npz", "attr.npz"))
    np.testing.assert_array_equal(onehot, whole.onehot)
    np.testing.assert_array_equal(maps, whole.maps)
    finemo = Path(sys.executable).parent / "finemo"
    if not finemo.exists():
        pytest.skip("finemo is not installed")
    command = [finemo, "extract-regions-modisco-fmt", "-s", "ohe.npz", "-a", "attr.npz", "-o", "out.npz", "-w", "100"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    found = np.load(tmp_path / "out.npz", allow_pickle=False)
    np.testing.assert_array_equal(found["sequences"], whole.onehot[:, :, 10:110])


def test_same_maps_give_the_same_npz_bytes_also_without_regions(tmp_path):
    written(tmp_path / "x.h5", n=20, size=1.0)
    for name in ("a", "b"):
        write_npz(tmp_path / "x.h5", tmp_path / f"{name}.ohe.npz", tmp_path / f"{name}.attr.npz")
    assert (tmp_path / "a.attr.npz").read_bytes() == (tmp_path / "b.attr.npz").read_bytes()
    nothing = {"region_ids": [], "length": 30, "prediction": np.zeros(0), "convergence_delta": np.zeros(0)}
    write_attributions(tmp_path / "empty.h5", lambda part: None, map_scale=1.0, attributes={}, **nothing)
    write_npz(tmp_path / "empty.h5", tmp_path / "ohe.npz", tmp_path / "attr.npz")
    assert np.load(tmp_path / "attr.npz")["arr_0"].shape == (0, 4, 30)
