import h5py
import numpy as np
import pytest

from lucidna.errors import UserError
from lucidna.motifs.maps import map_blocks, open_maps, project, read_regions

from .simulated import LENGTH, simulate


@pytest.fixture
def small(tmp_path):
    simulate(tmp_path / "a.h5", n=6, seed=1)
    return tmp_path / "a.h5"


def test_reads_what_was_written(small):
    maps = open_maps(small)
    assert (maps.n_regions, maps.length, maps.scale) == (6, LENGTH, 8.0)
    ((first, one_hot, hypothetical),) = map_blocks(maps, start=2, stop=5)
    assert first == 2
    with h5py.File(small) as handle:
        expected = handle["projected_shap/seq"][2:5].astype(np.float32).sum(axis=1)
    np.testing.assert_allclose(project(one_hot, hypothetical), expected)
    assert np.abs(expected).max() > 1


def test_regions_belong_to_the_maps(small):
    regions = read_regions(small.with_suffix(".bed"), open_maps(small))
    assert regions["region_id"].tolist() == [f"peak_{i}" for i in range(1, 7)]
    assert regions["chrom"].tolist() == ["chr2"] * 3 + ["NA"] * 3


def test_sequences_without_a_place_are_named_by_their_id(small):
    bed = small.with_suffix(".bed")
    bed.write_text("".join(f".\t0\t{LENGTH}\tpeak_{i}\n" for i in range(1, 7)))
    assert read_regions(bed, open_maps(small))["chrom"].tolist() == [f"peak_{i}" for i in range(1, 7)]


def test_wrong_regions_are_refused(small):
    maps, bed = open_maps(small), small.with_suffix(".bed")
    lines = bed.read_text().splitlines(keepends=True)
    bed.write_text("".join(lines[:-1]))
    with pytest.raises(UserError, match=r"5 lines but .* 6 maps"):
        read_regions(bed, maps)
    bed.write_text("".join([lines[1], lines[0], *lines[2:]]))
    with pytest.raises(UserError, match=r"line 1: region 'peak_2'.*'peak_1'"):
        read_regions(bed, maps)
    bed.write_text("".join(lines[:4]) + "chr1\t5\n")
    with pytest.raises(UserError, match="line 5: not a narrowPeak"):
        read_regions(bed, maps)
    bed.write_text("".join(lines[:5]) + f"chr1\t5\t{LENGTH}\tpeak_6\n")
    with pytest.raises(UserError, match=r"line 6: 195 bp wide"):
        read_regions(bed, maps)


def test_unreadable_files_are_refused(tmp_path, small):
    with pytest.raises(UserError, match="no attribution file"):
        open_maps(tmp_path / "absent.h5")
    (tmp_path / "text.h5").write_text("no")
    with pytest.raises(UserError, match="not a readable HDF5"):
        open_maps(tmp_path / "text.h5")
    with h5py.File(small, "r+") as handle:
        del handle["shap/seq"]
    with pytest.raises(UserError, match="'/shap/seq'"):
        open_maps(small)
