import numpy as np
import pandas as pd
import pyBigWig
import pytest

from lucidna.attribution.bigwig import write_bigwigs
from lucidna.attribution.hdf5 import AttributionFile, Block, write_attributions, write_regions_bed
from lucidna.errors import UserError
from lucidna.sequence import one_hot_numpy

SIZES = {"chr10": 500, "chr2": 400, "chrM": 50}
LENGTH = 30


@pytest.fixture
def region_files(tmp_path):
    """Windows out of order, three of them overlapping, two touching, on two chromosomes."""
    rows = pd.DataFrame(
        {
            "region_id": [f"peak_{i}" for i in range(6)],
            "chrom": ["chr2", "chr2", "chr10", "chr2", "chr10", "chr10"],
            "summit": [115, 100, 470, 130, 15, 440],
        }
    )
    rng = np.random.default_rng(0)
    onehot = one_hot_numpy(rng.integers(0, 4, size=(6, LENGTH)).astype(np.uint8), dtype=np.int8)
    onehot[1, :, 3] = 0
    whole = Block(
        onehot,
        rng.normal(size=(6, 4, LENGTH)).astype(np.float32),
        rng.random((6, LENGTH)).astype(np.float32),
        np.ones((6, LENGTH), dtype=np.float32),
    )
    whole.spread[4] = np.nan
    write_attributions(
        tmp_path / "x.h5",
        lambda part: Block(*(array[part] for array in whole)),
        region_ids=rows["region_id"].tolist(),
        length=LENGTH,
        prediction=np.zeros(6),
        convergence_delta=np.zeros(6),
        map_scale=4.0,
        attributes={},
    )
    write_regions_bed(tmp_path / "x.bed", rows, length=LENGTH)
    return tmp_path, rows


def expected(rows, values, chrom):
    total, count = np.zeros(SIZES[chrom]), np.zeros(SIZES[chrom])
    for row in np.flatnonzero(rows["chrom"] == chrom):
        if np.isfinite(values[row]).all():
            start = rows["summit"][row] - LENGTH // 2
            total[start : start + LENGTH] += values[row]
            count[start : start + LENGTH] += 1
    return np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)


def test_values_stand_at_their_coordinates(region_files):
    folder, rows = region_files
    write_bigwigs(
        folder / "x.h5",
        folder / "x.bed",
        chromosome_sizes=SIZES,
        mean_path=folder / "mean.bw",
        spread_path=folder / "spread.bw",
    )
    with AttributionFile(folder / "x.h5") as file:
        block = file.read()
    for name, values in (("mean.bw", block.projected), ("spread.bw", block.spread)):
        with pyBigWig.open(str(folder / name)) as track:
            assert track.chroms() == SIZES
            for chrom in ("chr10", "chr2"):
                found = np.array(track.values(chrom, 0, SIZES[chrom]))
                np.testing.assert_allclose(found, expected(rows, values, chrom), rtol=1e-5, atol=1e-6)
                assert np.nanstd(found) > 0
            assert track.intervals("chrM") is None
            assert track.header()["nBasesCovered"] == sum(
                np.isfinite(expected(rows, values, chrom)).sum() for chrom in ("chr10", "chr2")
            )


def test_a_track_without_any_value_is_a_valid_file(region_files):
    folder, _ = region_files
    with AttributionFile(folder / "x.h5") as file:
        block = file.read()
        names = file.region_ids
    lonely = block._replace(spread=np.full_like(block.spread, np.nan))
    write_attributions(
        folder / "x.h5",
        lambda part: Block(*(array[part] for array in lonely)),
        region_ids=names,
        length=LENGTH,
        prediction=np.zeros(6),
        convergence_delta=np.zeros(6),
        map_scale=1.0,
        attributes={},
    )
    paths = {"mean_path": folder / "mean.bw", "spread_path": folder / "spread.bw"}
    write_bigwigs(folder / "x.h5", folder / "x.bed", chromosome_sizes=SIZES, **paths)
    with pyBigWig.open(str(folder / "spread.bw")) as track:
        assert track.chroms() == SIZES
        assert track.header()["nBasesCovered"] == 0
        assert track.intervals("chr2") is None


def test_no_regions_give_valid_files_without_a_value(tmp_path):
    write_attributions(
        tmp_path / "x.h5",
        lambda part: None,
        region_ids=[],
        length=LENGTH,
        prediction=np.zeros(0),
        convergence_delta=np.zeros(0),
        map_scale=1.0,
        attributes={},
    )
    (tmp_path / "x.bed").write_text("")
    paths = {"mean_path": tmp_path / "mean.bw", "spread_path": tmp_path / "spread.bw"}
    write_bigwigs(tmp_path / "x.h5", tmp_path / "x.bed", chromosome_sizes=SIZES, **paths)
    for path in paths.values():
        with pyBigWig.open(str(path)) as track:
            assert track.chroms() == SIZES
            assert track.header()["nBasesCovered"] == 0
            assert track.intervals("chr2") is None


def test_an_empty_bed_of_maps_is_refused(region_files):
    folder, _ = region_files
    (folder / "x.bed").write_text("")
    paths = {"mean_path": folder / "mean.bw", "spread_path": folder / "spread.bw"}
    with pytest.raises(UserError, match="6 regions and 0 were expected"):
        write_bigwigs(folder / "x.h5", folder / "x.bed", chromosome_sizes=SIZES, **paths)


def test_other_regions_or_another_genome_are_refused(region_files):
    folder, rows = region_files
    paths = {"mean_path": folder / "mean.bw", "spread_path": folder / "spread.bw"}
    with pytest.raises(UserError, match=r"chr2:.*does not lie on the genome"):
        write_bigwigs(folder / "x.h5", folder / "x.bed", chromosome_sizes={"chr10": 500, "chr2": 120}, **paths)
    write_regions_bed(folder / "y.bed", rows.iloc[:5], length=LENGTH)
    with pytest.raises(UserError, match="6 regions and 5 were expected"):
        write_bigwigs(folder / "x.h5", folder / "y.bed", chromosome_sizes=SIZES, **paths)
    assert not (folder / "mean.bw").exists()
