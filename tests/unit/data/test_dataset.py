import json

import numpy as np
import pandas as pd
import pyBigWig
import pytest

from lucidna.dataset import COLUMNS, Dataset
from lucidna.dataset_files import digest, write_dataset
from lucidna.errors import UserError
from lucidna.files import read_tsv, write_tsv
from lucidna.genome import open_genome
from lucidna.sequence import decode, encode
from lucidna.tracks import Track

WINDOW = {"input": 20, "output": 10, "jitter": 3}
SIZES = {"chr1": 3000, "2": 2000}


@pytest.fixture
def genome(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "g.fa").write_text("".join(f">{c}\n{decode(rng.integers(0, 4, n))}\n" for c, n in SIZES.items()))
    return open_genome(tmp_path / "g.fa")


@pytest.fixture
def tracks(tmp_path):
    rng = np.random.default_rng(1)
    for name in ("plus", "minus", "plain", "input"):
        with pyBigWig.open(str(tmp_path / f"{name}.bw"), "w") as bigwig:
            bigwig.addHeader(list(SIZES.items()))
            for chrom, size in SIZES.items():
                starts = np.sort(rng.choice(size, size // 3, replace=False)).tolist()
                numbers = rng.integers(1, 5, len(starts)).astype(float).tolist()
                bigwig.addEntries([chrom] * len(starts), starts, ends=[s + 1 for s in starts], values=numbers)
    path = {name: str(tmp_path / f"{name}.bw") for name in ("plus", "minus", "plain", "input")}
    return [
        Track("stranded", path["plus"], path["minus"]),
        Track("plain", path["plain"], None, path["input"], scale=2.0),
    ]


def make_rows(n=12):
    rng = np.random.default_rng(2)
    chrom = np.repeat(["chr1", "2"], [n - n // 3, n // 3])
    summit = rng.integers(50, 1900, n)
    role = np.where(np.arange(n) % 3 == 0, "negative", "peak")
    return pd.DataFrame(
        {
            "region_id": [f"{kind}_{k:03d}" for k, kind in enumerate(role)],
            "chrom": chrom,
            "start": summit - 7,
            "end": summit + 9,
            "summit": summit,
            "strand": ".",
            "role": role,
            "name": [f"{k:03d}" if k else "NA" for k in range(n)],
            "gc": 0.5,
            "source_line": np.arange(n) + 1,
        }
    )


def write(directory, genome, tracks, **settings):
    settings = {"rows": make_rows(), "window": WINDOW, "target": "counts"} | settings
    return write_dataset(directory, genome=genome, tracks=tracks, **settings)


@pytest.fixture
def folder(tmp_path, genome, tracks):
    write(tmp_path / "data", genome, tracks)
    return tmp_path / "data"


class TestWrite:
    def test_description(self, folder):
        info = json.loads((folder / "dataset.json").read_text())
        assert info["kind"] == "genome"
        assert info["target"] == "counts"
        assert info["n_regions"] == 12
        assert info["window"] == WINDOW
        assert info["tasks"] == ["stranded", "plain"]
        assert info["tracks"] == [
            {"name": "stranded", "channels": [0, 1], "control": [], "scale": 1.0},
            {"name": "plain", "channels": [2], "control": [0], "scale": 2.0},
        ]
        assert info["n_controls"] == 1
        assert info["digest"] == digest(folder)
        assert len(info["digest"]) == 64

    def test_arrays(self, folder):
        data = Dataset.open(folder)
        assert data.sequences.shape == (12, 26)
        assert data.signals.shape == (12, 3, 16)
        assert data.controls.shape == (12, 1, 16)
        assert all(isinstance(array, np.memmap) for array in (data.sequences, data.signals, data.controls))
        core = data.signals[:, :, 3:13].sum(axis=2)
        expected = np.log1p(np.stack([core[:, 0] + core[:, 1], core[:, 2]], axis=1))
        assert data.targets.dtype == np.float32
        assert np.allclose(data.targets, expected)
        assert data.targets.std() > 0

    def test_profile_has_the_arrays_of_counts(self, folder, tmp_path, genome, tracks):
        info = write(tmp_path / "profile", genome, tracks, target="profile")
        assert info["target"] == "profile"
        assert info["digest"] == Dataset.open(folder).info["digest"]

    def test_binary(self, tmp_path, genome):
        info = write(tmp_path / "binary", genome, [], target="binary")
        data = Dataset.open(tmp_path / "binary")
        assert info["tasks"] == ["peak"]
        assert info["tracks"] == []
        assert (data.signals, data.controls) == (None, None)
        assert data.targets[:, 0].tolist() == [0, 1, 1] * 4

    def test_arrays_of_an_earlier_dataset_go(self, folder, genome):
        before = Dataset.open(folder).info["digest"]
        write(folder, genome, [], target="binary")
        assert not (folder / "signals.npy").exists()
        assert not (folder / "controls.npy").exists()
        assert Dataset.open(folder).info["digest"] not in (None, before)

    def test_rows_keep_their_names_and_order(self, folder):
        rows = Dataset.open(folder).rows
        assert list(rows) == list(COLUMNS)
        pd.testing.assert_frame_equal(rows, make_rows(), check_dtype=False)
        assert rows["name"].tolist()[:3] == ["NA", "001", "002"]
        assert set(rows["chrom"]) == {"chr1", "2"}

    def test_gc_is_computed_where_absent(self, tmp_path, genome, tracks):
        write(tmp_path / "data", genome, tracks, rows=make_rows().drop(columns="gc"))
        data = Dataset.open(tmp_path / "data")
        for row in range(len(data)):
            text = decode(data.codes([row])[0])
            assert data.rows["gc"][row] == pytest.approx((text.count("G") + text.count("C")) / 20)

    def test_same_bytes_again(self, folder, tmp_path, genome, tracks):
        write(tmp_path / "again", genome, tracks)
        for path in folder.iterdir():
            assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()

    def test_digest_follows_arrays_and_rows(self, folder, tmp_path, genome, tracks):
        rows = make_rows()
        rows.loc[0, "name"] = "other"
        digests = {
            Dataset.open(folder).info["digest"],
            write(tmp_path / "a", genome, tracks, rows=rows)["digest"],
            write(tmp_path / "b", genome, tracks[:1])["digest"],
            write(tmp_path / "c", genome, tracks, window={**WINDOW, "output": 8})["digest"],
        }
        assert len(digests) == 4

    @pytest.mark.parametrize(
        ("change", "settings", "match"),
        [
            ({"region_id": "same"}, {}, "'same' appears twice"),
            ({"role": "control"}, {}, "'control'"),
            ({"summit": 3}, {}, "12 windows leave"),
            ({"summit": 10**6}, {}, "12 windows leave"),
            ({"chrom": "chr9"}, {}, "'chr9'"),
            ({}, {"target": "count"}, "'count' is not one of"),
            ({}, {"tracks": []}, "needs tracks"),
            ({}, {"rows": make_rows().drop(columns="summit")}, "no column 'summit'"),
            ({}, {"rows": make_rows().iloc[:0]}, "no region is left"),
        ],
    )
    def test_refused(self, tmp_path, genome, tracks, change, settings, match):
        settings = {"rows": make_rows().assign(**change), "tracks": tracks} | settings
        with pytest.raises(UserError, match=match):
            write(tmp_path / "data", genome, **settings)
        assert not (tmp_path / "data" / "dataset.json").exists()


class TestOpen:
    @pytest.fixture
    def fold(self, folder):
        split = ["train"] * 6 + ["valid"] * 2 + ["test"] * 4
        table = pd.DataFrame({"region_id": make_rows()["region_id"], "split": split})
        (folder / "folds").mkdir()
        write_tsv(folder / "folds" / "fold0.tsv", table)
        return table

    def test_rows_of(self, folder, fold):
        data = Dataset.open(folder, fold="fold0")
        assert data.rows_of("valid").tolist() == [6, 7]
        assert data.rows_of("train", "negative").tolist() == [0, 3]
        assert data.rows_of("test", role="peak").tolist() == [8, 10, 11]
        assert data.rows_of(None).tolist() == list(range(12))
        assert data.rows_of("train").dtype == np.int64
        assert data.split.tolist() == fold["split"].tolist()

    def test_without_a_fold(self, folder):
        data = Dataset.open(folder)
        assert data.split is None
        with pytest.raises(UserError, match="without a fold"):
            data.rows_of("train")

    def test_codes_are_the_shifted_centre(self, folder, genome):
        data = Dataset.open(folder)
        for shift in (-3, 0, 2):
            codes = data.codes(np.array([4, 1]), shift=shift)
            assert codes.shape == (2, 20)
            for row, own in zip((4, 1), codes, strict=True):
                start = data.rows["summit"][row] - 10 + shift
                assert np.array_equal(own, genome.codes(data.rows["chrom"][row])[start : start + 20])
        with pytest.raises(UserError, match="shift 4"):
            data.codes([0], shift=4)

    def test_check(self, folder):
        data = Dataset.open(folder)
        ids = make_rows()["region_id"].tolist()
        data.check(ids)
        with pytest.raises(UserError, match=r"has 12 regions, the other file 11.*11 ids are in both"):
            data.check(ids[1:])
        with pytest.raises(UserError, match="row 0 is 'negative_000' here and 'peak_001' there"):
            data.check([ids[1], ids[0], *ids[2:]])

    def test_fold_of_other_rows(self, folder, fold):
        write_tsv(folder / "folds" / "fold0.tsv", fold.iloc[::-1])
        with pytest.raises(UserError, match="they differ"):
            Dataset.open(folder, fold="fold0")

    def test_unknown_fold(self, folder, fold):
        with pytest.raises(UserError, match="no fold 'fold1': did you mean 'fold0'"):
            Dataset.open(folder, fold="fold1")

    def test_not_whole(self, folder):
        (folder / "signals.npy").unlink()
        with pytest.raises(UserError, match=r"no signals\.npy"):
            Dataset.open(folder)
        (folder / "dataset.json").unlink()
        with pytest.raises(UserError, match="not a dataset"):
            Dataset.open(folder)

    def test_arrays_of_other_rows(self, folder):
        write_tsv(folder / "rows.tsv", read_tsv(folder / "rows.tsv").iloc[1:])
        with pytest.raises(UserError, match=r"12 rows, rows\.tsv 11"):
            Dataset.open(folder)


def test_real_data(shared_data, tmp_path):
    genome = open_genome(shared_data / "ecoli_chipseq" / "NC_000913.3.2bit")
    tracks = [Track("rep1", str(shared_data / "ecoli_chipseq" / "ERR475428.bw"))]
    rows = make_rows().assign(chrom="NC_000913.3", summit=np.arange(12) * 300_000 + 5000)
    window = {"input": 2114, "output": 1000, "jitter": 100}
    write(tmp_path, genome, tracks, rows=rows, window=window)
    data = Dataset.open(tmp_path)
    assert np.array_equal(data.codes([3])[0], genome.codes("NC_000913.3")[905_000 - 1057 : 905_000 + 1057])
    assert data.targets.min() > 0
    assert set(np.unique(data.sequences)) <= set(encode("ACGT"))
