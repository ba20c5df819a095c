import numpy as np
import pytest

from lucidna.attribution.agreement import bootstrap_mean, method_agreement, pearson_rows, region_agreement
from lucidna.attribution.hdf5 import Block, write_attributions
from lucidna.errors import UserError
from lucidna.sequence import one_hot_numpy


def write(path, maps, onehot, names, prediction=None):
    whole = Block(onehot, maps, np.zeros_like(maps[:, 0]), np.zeros_like(maps[:, 0]))
    write_attributions(
        path,
        lambda part: Block(*(array[part] for array in whole)),
        region_ids=names,
        length=maps.shape[2],
        prediction=np.zeros(len(maps)) if prediction is None else prediction,
        convergence_delta=np.zeros(len(maps)),
        map_scale=1.0,
        attributes={},
    )


def test_rows_equal_numpy():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(5, 30)), rng.normal(size=(5, 30))
    found = pearson_rows(a, b)
    np.testing.assert_allclose(found, [np.corrcoef(x, y)[0, 1] for x, y in zip(a, b, strict=True)])
    assert np.isnan(pearson_rows(np.ones((1, 4)), np.arange(4.0)[None])).all()


def test_shared_regions_are_matched_by_id(tmp_path):
    rng = np.random.default_rng(1)
    onehot = one_hot_numpy(rng.integers(0, 4, size=(40, 50)).astype(np.uint8), dtype=np.int8)
    maps = rng.normal(size=(40, 4, 50)).astype(np.float32)
    noisy = maps + rng.normal(size=maps.shape).astype(np.float32)
    names = np.array([f"peak_{i}" for i in range(40)])
    write(tmp_path / "a.h5", maps, onehot, names.tolist())
    subset = rng.permutation(40)[:15]
    write(tmp_path / "b.h5", 7 * maps[subset], onehot[subset], names[subset].tolist())
    write(tmp_path / "c.h5", noisy, onehot, names.tolist())
    table = method_agreement({"x": tmp_path / "a.h5", "y": tmp_path / "b.h5", "z": tmp_path / "c.h5"}, draws=100)
    assert table[["method_a", "method_b"]].to_numpy().tolist() == [["x", "y"], ["x", "z"], ["y", "z"]]
    assert table["n_regions"].tolist() == [15, 40, 15]
    assert table["pearson"][0] == pytest.approx(1, abs=1e-4)
    # Signal and noise of the same size: 1 / sqrt(2).
    assert table["pearson"][1] == pytest.approx(0.707, abs=0.05)
    assert (table["low"] <= table["pearson"]).all()
    assert table["high"][1] < 0.8


@pytest.mark.parametrize("n", [0, 3])
def test_methods_without_a_shared_region_have_no_correlation(tmp_path, n):
    maps, onehot = np.ones((n, 4, 20), np.float32), np.ones((n, 4, 20), np.int8)
    write(tmp_path / "a.h5", maps, onehot, [f"a{i}" for i in range(n)])
    write(tmp_path / "b.h5", maps, onehot, [f"b{i}" for i in range(n)])
    table = method_agreement({"a": tmp_path / "a.h5", "b": tmp_path / "b.h5"})
    assert table[["method_a", "method_b", "n_regions"]].to_numpy().tolist() == [["a", "b", 0]]
    assert table[["pearson", "low", "high"]].isna().all(axis=None)


def test_files_of_other_length_are_refused(tmp_path):
    for name, length in (("a", 20), ("b", 22)):
        write(
            tmp_path / f"{name}.h5",
            np.ones((2, 4, length), np.float32),
            np.ones((2, 4, length), np.int8),
            ["p", "q"],
        )
    with pytest.raises(UserError, match="20 bp"):
        method_agreement({"a": tmp_path / "a.h5", "b": tmp_path / "b.h5"})


def test_interval_holds_the_mean_and_narrows():
    rng = np.random.default_rng(2)
    wide = bootstrap_mean(rng.normal(size=20))
    narrow = bootstrap_mean(rng.normal(size=2000))
    assert wide[1] < wide[0] < wide[2]
    assert narrow[2] - narrow[1] < 0.3 * (wide[2] - wide[1])
    assert bootstrap_mean(np.arange(9.0)) == bootstrap_mean(np.arange(9.0))
    assert np.isnan(bootstrap_mean(np.array([np.nan]))).all()


def test_regions_in_which_one_method_differs_come_first(tmp_path):
    rng = np.random.default_rng(2)
    onehot = one_hot_numpy(rng.integers(0, 4, size=(30, 50)).astype(np.uint8), dtype=np.int8)
    maps = rng.normal(size=(30, 4, 50)).astype(np.float32)
    names, prediction = np.array([f"peak_{i}" for i in range(30)]), rng.normal(size=30)
    other = 3 * maps
    other[7], other[21] = -maps[7], rng.normal(size=(4, 50))
    constant = maps.copy()
    constant[4] = 1  # its projection does not vary
    order = rng.permutation(30)[:25]
    order = np.concatenate([order[~np.isin(order, [4, 7, 21])], [21, 7, 4]])
    write(tmp_path / "a.h5", maps, onehot, names.tolist(), prediction)
    write(tmp_path / "b.h5", other[order], onehot[order], names[order].tolist())
    write(tmp_path / "c.h5", constant, onehot, names.tolist())
    table = region_agreement({"x": tmp_path / "a.h5", "y": tmp_path / "b.h5", "z": tmp_path / "c.h5"})
    assert set(table["region_id"]) == set(names[order]) - {"peak_4"}
    assert table["region_id"].tolist()[:2] == ["peak_7", "peak_21"]
    first = table.iloc[0]
    assert first["lowest"] == pytest.approx(-1, abs=1e-3)
    assert first["pearson"] == pytest.approx(-1 / 3, abs=1e-3)  # of 1, -1 and -1
    assert {first["method_a"], first["method_b"]} in ({"x", "y"}, {"y", "z"})
    assert table["pearson"][2:].min() > 0.999
    rows = [int(name.removeprefix("peak_")) for name in table["region_id"]]
    np.testing.assert_allclose(table["prediction"], prediction[rows], rtol=1e-6)


def test_one_method_alone_has_no_region_to_compare(tmp_path):
    maps, onehot = np.ones((2, 4, 20), np.float32), np.ones((2, 4, 20), np.int8)
    write(tmp_path / "a.h5", maps, onehot, ["a", "b"])
    assert region_agreement({"a": tmp_path / "a.h5"}).empty
    write(tmp_path / "b.h5", maps[:, :, :10], onehot[:, :, :10], ["a", "b"])
    with pytest.raises(UserError, match="explains 20 bp and"):
        region_agreement({"a": tmp_path / "a.h5", "b": tmp_path / "b.h5"})
