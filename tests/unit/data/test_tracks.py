import struct
from pathlib import Path

import numpy as np
import pyBigWig
import pytest

from lucidna.bigwig import open_bigwig, read_windows
from lucidna.errors import UserError
from lucidna.tracks import (
    Track,
    check_bigwig,
    check_track,
    controls_of,
    name_in_track,
    read_chromosome,
    signals_of,
)

SIZES = {"chr1": 150_000, "chr2": 70_000}


def write_bigwig(path, values, sizes=SIZES):
    """Write {chrom: (starts, values)} as single bases."""
    with pyBigWig.open(str(path), "w") as bigwig:
        bigwig.addHeader(list(sizes.items()))
        for chrom, (starts, numbers) in values.items():
            starts = np.asarray(starts)
            bigwig.addEntries(
                [chrom] * len(starts),
                starts.tolist(),
                ends=(starts + 1).tolist(),
                values=list(map(float, numbers)),
            )
    return str(path)


def random_values(seed=0, n=4000):
    rng = np.random.default_rng(seed)
    return {
        chrom: (np.sort(rng.choice(size, n, replace=False)), rng.integers(1, 9, n)) for chrom, size in SIZES.items()
    }


@pytest.fixture
def bigwig(tmp_path):
    return write_bigwig(tmp_path / "signal.bw", random_values())


class TestReading:
    def test_chromosome(self, bigwig):
        for chrom, (starts, numbers) in random_values().items():
            expected = np.zeros(SIZES[chrom], dtype=np.float32)
            expected[starts] = numbers
            values = read_chromosome(open_bigwig(bigwig), chrom, SIZES[chrom])
            assert values.dtype == np.float32
            assert np.array_equal(values, expected)

    def test_part_into_an_array_on_threads(self, bigwig):
        reader = open_bigwig(bigwig)
        whole = read_chromosome(reader, "chr1", SIZES["chr1"])
        out = np.full(70_001, 7, dtype=np.float32)
        assert read_chromosome(reader, "chr1", 70_001, start=123, out=out, threads=2) is out
        assert np.array_equal(out, whole[123 : 123 + 70_001])

    def test_is_what_pybigwig_reads(self, shared_data):
        for path in sorted(shared_data.glob("*/*.bw")):
            with pyBigWig.open(str(path)) as bigwig:
                chrom = next(iter(bigwig.chroms()))
                size = bigwig.chroms(chrom)
                expected = np.nan_to_num(bigwig.values(chrom, 0, size, numpy=True)).astype(np.float32)
            assert np.array_equal(read_chromosome(open_bigwig(path), chrom, size), expected), path
            assert expected.any()

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_value_that_is_no_number(self, tmp_path, bad):
        path = write_bigwig(tmp_path / "bad.bw", {"chr1": ([10, 90_000, 90_005], [1, bad, bad])})
        with pytest.raises(UserError, match=r"bad\.bw stores (nan|inf) at chr1:90000"):
            read_chromosome(open_bigwig(path), "chr1", SIZES["chr1"])

    def test_damaged_block(self, bigwig):
        with Path(bigwig).open("r+b") as handle:
            data = struct.unpack("<Q", handle.read(24)[16:])[0]
            handle.seek(data + 40)
            handle.write(b"\xff" * 60)
        with pytest.raises(UserError, match="cannot be read"):
            read_chromosome(open_bigwig(bigwig), "chr1", SIZES["chr1"])

    def test_windows_of_files_with_other_names(self, tmp_path, bigwig):
        renamed = {"1": random_values(1)["chr1"]}
        other = write_bigwig(tmp_path / "other.bw", renamed, {"1": SIZES["chr1"]})
        readers = [open_bigwig(bigwig), open_bigwig(other)]
        out = np.empty((2, 2, 300), dtype=np.float32)
        read_windows(readers, ["chr1", "1"], np.array([50_000, 100]), out=out)
        for channel, (reader, chrom) in enumerate(zip(readers, ["chr1", "1"], strict=True)):
            whole = read_chromosome(reader, chrom, SIZES["chr1"])
            assert np.array_equal(out[:, channel], np.stack([whole[50_000:50_300], whole[100:400]]))


class TestCheckBigwig:
    def test_whole_files(self, bigwig, shared_data):
        assert check_bigwig(bigwig) == SIZES
        for path in sorted(shared_data.glob("*/*.bw")):
            with pyBigWig.open(str(path)) as expected:
                assert check_bigwig(path) == expected.chroms()

    @pytest.mark.parametrize("share", [0.001, 0.01, 0.2, 0.5, 0.9, 0.999])
    def test_cut_anywhere(self, tmp_path, bigwig, share):
        data = Path(bigwig).read_bytes()
        path = tmp_path / "cut.bw"
        path.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(UserError, match=rf"cut\.bw is truncated: it has {int(len(data) * share)} bytes"):
            check_bigwig(path)

    @pytest.mark.parametrize("lost", [1, 2, 3, 5, 50, 300])
    @pytest.mark.parametrize(
        "name", ["yeast_atac/atac_SRR1822137_insertions.bw", "dm6_chr4_proseq/PROseq_dm6_chr4_plus.bw"]
    )
    def test_real_files_without_their_last_bytes(self, tmp_path, shared_data, name, lost):
        path = tmp_path / "cut.bw"
        path.write_bytes((shared_data / name).read_bytes()[:-lost])
        with pytest.raises(UserError, match="truncated"):
            check_bigwig(path)

    def test_every_cut_is_refused_or_harmless(self, tmp_path):
        data = Path(write_bigwig(tmp_path / "small.bw", {"chr1": ([1, 5, 70_000], [1, 2, 3])})).read_bytes()
        path = tmp_path / "cut.bw"
        for keep in range(len(data)):
            path.write_bytes(data[:keep])
            if keep == len(data) - 4:  # only the closing number, which some writers leave out
                check_bigwig(path)
                assert read_chromosome(open_bigwig(path), "chr1", SIZES["chr1"]).sum() == 6
                continue
            with pytest.raises(UserError, match=r"truncated|empty|not a bigWig"):
                check_bigwig(path)

    @pytest.mark.parametrize(
        ("content", "match"),
        [
            (b"", "is empty"),
            (b"chr1\t0\t10\t1.5\n" * 20, "not a bigWig but a text file"),
            (b"\x1f\x8b\x08\0" + b"\1" * 90, "not a bigWig but a gzip file"),
            (b"BAM\1" + b"\0" * 90, "not a bigWig but a BAM file"),
            (bytes(range(200, 256)) * 2, "not a bigWig: convert"),
            (struct.pack("<I", 0x8789F2EB) + b"\0" * 90, "bigBed"),
            (struct.pack(">I", 0x8789F2EB) + b"\0" * 90, "bigBed"),
            (struct.pack(">I", 0x888FFC26) + b"\0" * 90, "byte order"),
            (struct.pack("<I", 0x888FFC26) + b"\0" * 20, "truncated"),
            (struct.pack("<I", 0x888FFC26) + b"\0" * 90, "damaged"),
        ],
    )
    def test_other_files(self, tmp_path, content, match):
        path = tmp_path / "other.bw"
        path.write_bytes(content)
        with pytest.raises(UserError, match=match):
            check_bigwig(path)

    def test_missing(self, tmp_path):
        with pytest.raises(UserError, match="cannot be read"):
            check_bigwig(tmp_path / "none.bw")


def test_channels_and_controls():
    tracks = [
        Track("x", "a", "b", "in"),
        Track("y", "c"),
        Track("z", "d", None, "in"),
        Track("w", "e", "f", "k"),
    ]
    paths, channels, is_minus = signals_of(tracks)
    assert paths == ["a", "b", "c", "d", "e", "f"]
    assert channels == [[0, 1], [2], [3], [4, 5]]
    assert is_minus == [False, True, False, False, False, True]
    assert controls_of(tracks) == (["in", "k"], [[0], [], [0], [1]])
    assert signals_of([]) == ([], [], [])


class TestCheckTrack:
    def test_summary(self, bigwig):
        summary, notices = check_track(Track("x", bigwig), SIZES, ["chr1"])
        numbers = random_values()["chr1"][1]
        assert notices == []
        assert summary["name"] == "x"
        assert summary["bigwig"]["sum"] == numbers.sum()
        assert summary["bigwig"]["mean"] == pytest.approx(numbers.sum() / SIZES["chr1"])
        assert (summary["bigwig"]["minimum"], summary["bigwig"]["maximum"]) == (0, numbers.max())
        assert summary["bigwig"]["nonzero"] == pytest.approx(4000 / SIZES["chr1"])
        assert summary["bigwig"]["integers"]

    def test_pieces_do_not_change_the_summary(self, bigwig, monkeypatch):
        whole = check_track(Track("x", bigwig), SIZES, list(SIZES))
        monkeypatch.setattr("lucidna.tracks._SPAN", 33_333)
        assert check_track(Track("x", bigwig), SIZES, list(SIZES)) == whole

    def test_fractions(self, tmp_path):
        path = write_bigwig(tmp_path / "f.bw", {"chr1": ([5], [0.5])})
        assert not check_track(Track("x", path), SIZES, ["chr1"])[0]["bigwig"]["integers"]

    def test_negative_minus_strand(self, tmp_path, bigwig):
        minus = write_bigwig(tmp_path / "minus.bw", {"chr1": ([5, 9], [-2, -1])})
        summary, notices = check_track(Track("x", bigwig, minus), SIZES, ["chr1"])
        assert len(notices) == 1
        assert "minus.bw" in notices[0]
        assert summary["minus_bigwig"]["sum"] == -3

    def test_negative_where_it_makes_no_sense(self, tmp_path, bigwig):
        minus = write_bigwig(tmp_path / "minus.bw", {"chr1": ([5, 9], [-2, -1])})
        for track in (Track("x", minus), Track("x", bigwig, None, minus)):
            with pytest.raises(UserError, match="negative values only"):
                check_track(track, SIZES, ["chr1"])
        mixed = write_bigwig(tmp_path / "mixed.bw", {"chr1": ([5], [-2]), "chr2": ([5], [1])})
        for track in (Track("x", mixed), Track("x", bigwig, mixed)):
            with pytest.raises(UserError, match=r"mixed\.bw has values of both signs"):
                check_track(track, SIZES, list(SIZES))

    def test_real_minus_strands(self, shared_data):
        folder = shared_data / "dm6_chr4_proseq"
        tracks = [
            Track("x", str(folder / "PROseq_dm6_chr4_plus.bw"), str(folder / f"PROseq_dm6_chr4_{name}.bw"))
            for name in ("minus", "minus_negative_valued")
        ]
        sizes = check_bigwig(tracks[0].bigwig)
        assert check_track(tracks[0], sizes, ["chr4"])[1] == []
        summary, notices = check_track(tracks[1], sizes, ["chr4"])
        assert "sign is dropped" in notices[0]
        assert summary["minus_bigwig"]["maximum"] == 0 > summary["minus_bigwig"]["minimum"]

    def test_zero_where_the_regions_are(self, tmp_path):
        path = write_bigwig(tmp_path / "zero.bw", {"chr1": ([5], [3]), "chr2": ([5], [0])})
        check_track(Track("x", path), SIZES, ["chr1"])
        with pytest.raises(UserError, match=r"zero\.bw is zero throughout chr2"):
            check_track(Track("x", path), SIZES, ["chr2"])

    def test_nan(self, tmp_path):
        path = write_bigwig(tmp_path / "nan.bw", {"chr1": ([5, 77], [3, np.nan])})
        with pytest.raises(UserError, match=r"nan\.bw stores nan at chr1:77"):
            check_track(Track("x", path), SIZES, ["chr1"])

    @pytest.mark.parametrize("length", [SIZES["chr1"] - 1, SIZES["chr1"] + 1])
    def test_other_length(self, tmp_path, length):
        path = write_bigwig(tmp_path / "other.bw", {"chr1": ([5], [3])}, {"chr1": length})
        with pytest.raises(UserError, match=rf"chr1 {length} bp, the genome {SIZES['chr1']} bp"):
            check_track(Track("x", path), SIZES, ["chr1"])

    def test_chromosome_missing(self, tmp_path):
        path = write_bigwig(tmp_path / "one.bw", {"1": ([5], [3])}, {"1": SIZES["chr1"]})
        with pytest.raises(UserError, match=r"no chromosome 'chr1'.*genome.aliases: \{'1': 'chr1'\}"):
            check_track(Track("x", path), SIZES, ["chr1"])
        with pytest.raises(UserError, match=r"no chromosome 'chr2'.*it has 1"):
            check_track(Track("x", path), SIZES, ["chr2"])
        assert check_track(Track("x", path), SIZES, ["chr1"], aliases={1: "chr1"})[0]["bigwig"]["sum"] == 3

    def test_alias_and_own_name(self, tmp_path, bigwig):
        reader = open_bigwig(bigwig)
        assert name_in_track(reader, "chr1", SIZES["chr1"], aliases={"1": "chr1"}) == "chr1"

    def test_truncated(self, tmp_path, bigwig):
        data = Path(bigwig).read_bytes()
        path = tmp_path / "cut.bw"
        path.write_bytes(data[: len(data) // 2])
        with pytest.raises(UserError, match="truncated"):
            check_track(Track("x", str(path)), SIZES, ["chr1"])
