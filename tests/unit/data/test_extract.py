import errno
import logging
import os
from pathlib import Path

import numpy as np
import pyBigWig
import pytest

from lucidna import extract as module
from lucidna import track_source
from lucidna.bigwig import open_bigwig, read_chromosome
from lucidna.errors import UserError
from lucidna.extract import extract, window_sums
from lucidna.genome import open_genome
from lucidna.sequence import decode
from lucidna.tracks import Track

SIZES = {"chr2": 9000, "chr1": 12_000, "chr3": 400}
WINDOW = {"input_length": 51, "output_length": 20, "jitter": 7}


def write_bigwig(path, values, sizes=SIZES):
    with pyBigWig.open(str(path), "w") as bigwig:
        bigwig.addHeader(list(sizes.items()))
        for chrom, (starts, ends, numbers) in values.items():
            bigwig.addEntries([chrom] * len(starts), list(starts), ends=list(ends), values=list(map(float, numbers)))
    return str(path)


def random_track(path, seed, *, sign=1):
    rng = np.random.default_rng(seed)
    values = {}
    for chrom, size in SIZES.items():
        edges = np.sort(rng.choice(size, size // 6, replace=False)).tolist()
        edges = edges[: len(edges) // 2 * 2]
        values[chrom] = edges[::2], edges[1::2], sign * rng.integers(1, 6, len(edges) // 2)
    return write_bigwig(path, values)


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    text = "".join(f">{chrom}\n{decode(rng.integers(0, 5, size))}\n" for chrom, size in SIZES.items())
    (tmp_path / "g.fa").write_text(text)
    paths = {name: random_track(tmp_path / f"{name}.bw", seed) for seed, name in enumerate(("a", "b", "input"))}
    paths["minus"] = random_track(tmp_path / "minus.bw", 9, sign=-1)
    tracks = [
        Track("stranded", paths["a"], paths["minus"], paths["input"]),
        Track("plain", paths["b"], None, paths["input"], scale=0.5),
    ]
    return open_genome(tmp_path / "g.fa"), tracks


def places(n, *, seed=0, order="genome"):
    """Return (chrom, centre) of n windows that stay on their chromosomes."""
    rng = np.random.default_rng(seed)
    chrom = np.array(list(SIZES), dtype=object)[rng.integers(0, len(SIZES), n)]
    centre = np.array([rng.integers(32, SIZES[name] - 33) for name in chrom])
    if order == "genome":
        ranked = np.lexsort((centre, [list(SIZES).index(name) for name in chrom]))
        chrom, centre = chrom[ranked], centre[ranked]
    return chrom, centre


def expected_arrays(genome, tracks, chrom, centre, *, input_length, output_length, jitter):
    """Cut every window by itself from whole chromosomes."""

    def values(path, name):
        return np.abs(read_chromosome(open_bigwig(path), name, SIZES[name]))

    sequences, signals, controls = [], [], []
    for name, at in zip(chrom, centre, strict=True):
        start = at - input_length // 2 - jitter
        sequences.append(genome.codes(name)[start : start + input_length + 2 * jitter])
        start = at - output_length // 2 - jitter
        cut = slice(start, start + output_length + 2 * jitter)
        files = [(path, t.scale) for t in tracks for path in (t.bigwig, t.minus_bigwig) if path]
        signals.append([values(path, name)[cut] * scale for path, scale in files])
        controls.append([values(tracks[0].control, name)[cut]])
    return np.array(sequences), np.array(signals), np.array(controls)


class TestExtract:
    @pytest.mark.parametrize("order", ["genome", "random"])
    @pytest.mark.parametrize("batch", [1, 3000, 1 << 25])
    def test_is_what_single_windows_hold(self, data, tmp_path, monkeypatch, order, batch):
        monkeypatch.setattr(module, "_BATCH_BYTES", batch)
        genome, tracks = data
        chrom, centre = places(60, order=order)
        sums = extract(genome, tracks, chrom, centre, **WINDOW, directory=tmp_path / "out", threads=2)
        sequences, signals, controls = expected_arrays(genome, tracks, chrom, centre, **WINDOW)
        stored = [
            np.load(tmp_path / "out" / f"{name}.npy", mmap_mode="r") for name in ("sequences", "signals", "controls")
        ]
        assert [array.dtype for array in stored] == [np.uint8, np.float32, np.float32]
        assert np.array_equal(stored[0], sequences)
        assert np.array_equal(stored[1], signals.astype(np.float32))
        assert np.array_equal(stored[2], controls)
        core = signals[:, :, 7:27].sum(axis=2)
        assert np.allclose(sums, np.stack([core[:, 0] + core[:, 1], core[:, 2]], axis=1))
        assert sums.min() >= 0 < sums.max()

    @pytest.mark.parametrize(("input_length", "output_length", "jitter"), [(10, 10, 0), (11, 3, 2), (4, 9, 1)])
    def test_odd_and_even_windows(self, data, tmp_path, input_length, output_length, jitter):
        genome, tracks = data
        chrom, centre = places(8)
        window = {"input_length": input_length, "output_length": output_length, "jitter": jitter}
        extract(genome, tracks, chrom, centre, **window, directory=tmp_path)
        sequences, signals, _ = expected_arrays(genome, tracks, chrom, centre, **window)
        assert np.array_equal(np.load(tmp_path / "sequences.npy"), sequences)
        assert np.array_equal(np.load(tmp_path / "signals.npy"), signals.astype(np.float32))

    def test_without_tracks(self, data, tmp_path):
        genome, _ = data
        sums = extract(genome, [], *places(5), **WINDOW, directory=tmp_path / "out")
        assert sums.shape == (5, 0)
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["sequences.npy"]

    def test_windows_that_touch_the_ends(self, data, tmp_path):
        genome, tracks = data
        chrom = np.array(["chr3", "chr3"], dtype=object)
        extract(genome, tracks, chrom, [25 + 7, 400 - 26 - 7], **WINDOW, directory=tmp_path)
        stored = np.load(tmp_path / "sequences.npy")
        assert np.array_equal(stored[0], genome.codes("chr3")[:65])
        assert np.array_equal(stored[1], genome.codes("chr3")[-65:])

    @pytest.mark.parametrize("centre", [-5, 31, 400 - 32, 10**9])
    def test_windows_beyond_the_ends(self, data, tmp_path, centre):
        genome, tracks = data
        with pytest.raises(UserError, match=r"1 windows leave .* at chr3:.*400 bp"):
            extract(genome, tracks, ["chr3", "chr3"], [100, centre], **WINDOW, directory=tmp_path / "out")
        assert not (tmp_path / "out").exists()

    def test_signal_window_beyond_the_end(self, data, tmp_path):
        genome, tracks = data
        window = {"input_length": 4, "output_length": 50, "jitter": 0}
        with pytest.raises(UserError, match="leave"):
            extract(genome, tracks, ["chr3"], [10], **window, directory=tmp_path)

    def test_unknown_chromosome(self, data, tmp_path):
        with pytest.raises(UserError, match="'chrX'"):
            extract(*data, ["chrX"], [100], **WINDOW, directory=tmp_path)

    def test_alias_of_the_tracks(self, data, tmp_path):
        genome, tracks = data
        path = write_bigwig(tmp_path / "alias.bw", {"one": ([90], [95], [2])}, {"one": SIZES["chr1"]})
        renamed = open_genome(genome.path, aliases={"one": "chr1"})
        other = Track("alias", path)
        sums = extract(renamed, [*tracks, other], ["chr1"], [92], **WINDOW, directory=tmp_path)
        assert sums[0, 2] == 10
        assert np.load(tmp_path / "signals.npy")[0, 3, 7 + 10 - 2] == 2
        with pytest.raises(UserError, match="no chromosome 'chr1'"):
            extract(genome, [other], ["chr1"], [92], **WINDOW, directory=tmp_path)

    def test_nan_within_a_window(self, data, tmp_path):
        genome, _ = data
        path = write_bigwig(tmp_path / "nan.bw", {"chr1": ([90, 500], [95, 501], [2, np.nan])})
        extract(genome, [Track("x", path)], ["chr1"], [92], **WINDOW, directory=tmp_path)
        with pytest.raises(UserError, match=r"nan\.bw stores nan at chr1:500"):
            extract(genome, [Track("x", path)], ["chr1", "chr1"], [92, 512], **WINDOW, directory=tmp_path)

    def test_signs(self, data, tmp_path):
        genome, tracks = data
        mixed = write_bigwig(tmp_path / "mixed.bw", {"chr1": ([90, 600], [95, 601], [2, -1])})
        cases = [
            (Track("x", tracks[0].minus_bigwig), "negative values"),
            (Track("x", tracks[0].bigwig, None, tracks[0].minus_bigwig), "negative values"),
            (Track("x", tracks[0].bigwig, mixed), "both signs"),
        ]
        for track, match in cases:
            with pytest.raises(UserError, match=match):
                extract(genome, [track], ["chr1", "chr1"], [92, 600], **WINDOW, directory=tmp_path)

    def test_failure_leaves_no_array(self, data, tmp_path):
        genome, _ = data
        missing = write_bigwig(tmp_path / "part.bw", {"chr1": ([90], [95], [2])}, {"chr1": SIZES["chr1"]})
        with pytest.raises(UserError, match="no chromosome"):
            extract(genome, [Track("x", missing)], *places(20), **WINDOW, directory=tmp_path / "out")
        assert list((tmp_path / "out").iterdir()) == []

    def test_full_disk(self, data, tmp_path, monkeypatch):
        def full(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "pwrite", full)
        with pytest.raises(UserError, match="disk is full"):
            extract(*data, *places(5), **WINDOW, directory=tmp_path / "out")

    def test_writes_in_pieces(self, data, tmp_path, monkeypatch):
        extract(*data, *places(9), **WINDOW, directory=tmp_path / "whole")
        whole, write = os.pwrite, os.pwrite
        monkeypatch.setattr(os, "pwrite", lambda file, piece, offset: write(file, piece[:100], offset))
        extract(*data, *places(9), **WINDOW, directory=tmp_path / "pieces")
        monkeypatch.setattr(os, "pwrite", whole)
        for path in (tmp_path / "whole").iterdir():
            assert path.read_bytes() == (tmp_path / "pieces" / path.name).read_bytes()

    def test_progress(self, data, tmp_path, monkeypatch, caplog):
        monkeypatch.setattr(module, "_BATCH_BYTES", 1)
        clock = iter(range(0, 10_000, 2))
        monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
        with caplog.at_level(logging.INFO, logger="lucidna"):
            extract(*data, *places(12), **WINDOW, directory=tmp_path)
        assert 2 <= len(caplog.messages) <= 6
        assert "of 12 windows" in caplog.text

    def test_real_track(self, shared_data, tmp_path):
        genome = open_genome(shared_data / "genome" / "sacCer3.2bit")
        path = shared_data / "yeast_atac" / "atac_SRR1822137_insertions.bw"
        rng = np.random.default_rng(0)
        chrom = np.array(["chrIV", "chrXII", "chrI"], dtype=object)[rng.integers(0, 3, 50)]
        centre = rng.integers(2000, 200_000, 50)
        window = {"input_length": 2114, "output_length": 1000, "jitter": 50}
        sums = extract(genome, [Track("atac", str(path))], chrom, centre, **window, directory=tmp_path)
        signals = np.load(tmp_path / "signals.npy")
        with pyBigWig.open(str(path)) as bigwig:
            for row, (name, at) in enumerate(zip(chrom, centre.tolist(), strict=True)):
                expected = np.nan_to_num(bigwig.values(name, at - 550, at + 550, numpy=True))
                assert np.array_equal(signals[row, 0], expected)
                assert sums[row, 0] == pytest.approx(expected[50:-50].sum())
        assert sums.sum() > 0


class TestWindowSums:
    def test_is_what_extraction_sums(self, data, tmp_path, monkeypatch):
        genome, tracks = data
        chrom, centre = places(40, order="random")
        sums = extract(genome, tracks, chrom, centre, **WINDOW, directory=tmp_path)
        assert sums.shape == (40, 2)
        assert np.array_equal(window_sums(tracks, chrom, centre, length=20), sums)
        monkeypatch.setattr(module, "_BATCH_BYTES", 200)
        assert np.array_equal(window_sums(tracks, chrom, centre, length=20, threads=2), sums)

    def test_outside_of_the_chromosome_counts_nothing(self, data):
        _, tracks = data
        for track in tracks:
            paths = [path for path in (track.bigwig, track.minus_bigwig) if path]
            whole = sum(np.abs(read_chromosome(open_bigwig(path), "chr3", 400)) for path in paths) * track.scale
            centre = np.array([5, 390, 200, -100, 2000])
            sums = window_sums([track], ["chr3"] * 5, centre, length=30)[:, 0]
            assert sums.tolist() == [whole[:20].sum(), whole[375:].sum(), whole[185:215].sum(), 0, 0]

    def test_nothing_to_sum(self, data):
        _, tracks = data
        assert window_sums(tracks, [], [], length=10).shape == (0, 2)
        assert window_sums([], ["chr1"], [50], length=10).shape == (1, 0)

    def test_aliases(self, tmp_path):
        path = write_bigwig(tmp_path / "alias.bw", {"one": ([90], [95], [2])}, {"one": 200})
        sums = window_sums([Track("x", path)], ["chr1"], [92], length=50, aliases={"one": "chr1"})
        assert sums.tolist() == [[10]]


def test_memory_does_not_grow_with_the_windows(data, tmp_path, monkeypatch):
    """The largest buffer that is read is that of one batch."""
    genome, tracks = data
    monkeypatch.setattr(module, "_BATCH_BYTES", 20_000)
    read = []
    original = track_source.read_windows
    monkeypatch.setattr(
        track_source, "read_windows", lambda *a, out, **k: (read.append(out.nbytes), original(*a, out=out, **k))
    )
    extract(genome, tracks, *places(500), **WINDOW, directory=tmp_path)
    assert sum(read) > 100_000
    assert max(read) <= 20_000
    assert Path(tmp_path / "signals.npy").stat().st_size > 200_000
