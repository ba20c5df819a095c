import h5py
import numpy as np
import pandas as pd
import pytest

from lucidna.attribution.hdf5 import AttributionFile
from lucidna.errors import UserError
from lucidna.external.given import write_given
from lucidna.external.given_settings import check_given
from lucidna.files import sha256
from lucidna.genome import open_genome
from lucidna.motifs.maps import open_maps, read_regions
from lucidna.sequence import decode, encode, one_hot_numpy

N, LENGTH, EVERY = 30, 40, 23
SIZE = 1000


@pytest.fixture
def genome(tmp_path):
    codes = np.random.default_rng(0).integers(0, 4, (2, SIZE)).astype(np.uint8)
    codes[0, 60:63] = 4
    (tmp_path / "genome.fa").write_text("".join(f">chr{i + 1}\n{decode(row)}\n" for i, row in enumerate(codes)))
    return open_genome(tmp_path / "genome.fa")


@pytest.fixture
def given(tmp_path, genome):
    """Maps of windows on two chromosomes, as a narrowPeak file of other intervals places them."""
    chroms = ["chr2" if row % 3 else "chr1" for row in range(N)]
    starts = 20 + EVERY * np.arange(N)
    codes = np.stack([genome.codes(chrom)[start : start + LENGTH] for chrom, start in zip(chroms, starts, strict=True)])
    maps = np.random.default_rng(1).standard_normal((N, 4, LENGTH)).astype(np.float32)
    np.savez_compressed(tmp_path / "a.ohe.npz", one_hot_numpy(codes).astype(np.int8))
    np.savez_compressed(tmp_path / "a.attr.npz", maps)
    peaks = pd.DataFrame({"chrom": chroms, "start": starts + LENGTH // 2 - 7, "end": starts + LENGTH // 2 + 9})
    peaks = peaks.assign(name=[f"p{row}" for row in range(N)], score=0, strand=".", signal=0, p=-1, q=-1, summit=7)
    peaks.to_csv(tmp_path / "a.narrowPeak", sep="\t", header=False, index=False)
    return entry(tmp_path), codes, maps, (chroms, starts)


def entry(folder, **changes) -> dict:
    settings = {"maps": "a.attr.npz", "onehot": "a.ohe.npz", "regions": "a.narrowPeak", **changes}
    paths = ("maps", "onehot", "regions", "rows")
    settings |= {key: str(folder / settings[key]) for key in paths if settings.get(key)}
    if settings.get("shuffled"):
        settings["shuffled"] = {key: str(folder / path) for key, path in settings["shuffled"].items()}
    config = {"maps": {"a": settings}}
    check_given(config)
    return config["maps"]["a"]


def write(settings, folder, **arguments):
    return write_given("a", settings, folder / "x.attributions.h5", folder / "x.regions.bed", **arguments)


def rewrite(folder, maps):
    np.savez_compressed(folder / "a.attr.npz", maps)


def lines(folder, name="a.narrowPeak"):
    return (folder / name).read_text().splitlines()


def put(folder, text, name="a.narrowPeak"):
    (folder / name).write_text("\n".join(text) + "\n")


def changed(folder, name, *, scale=None, region_id=None) -> str:
    """Copy one of our files with another scale or other names; return the new file's name."""
    other = f"changed{len(list(folder.iterdir()))}.h5"
    (folder / other).write_bytes((folder / name).read_bytes())
    with h5py.File(folder / other, "r+") as file:
        if scale is not None:
            file.attrs["map_scale"] = scale
        if region_id is not None:
            del file["region_id"]
            file["region_id"] = region_id
    return other


def refused(settings, folder, genome=None, **arguments):
    with pytest.raises(UserError) as error:
        write(settings, folder, genome=genome, **arguments)
    assert not (folder / "x.attributions.h5").exists()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_maps_keep_their_numbers_and_get_their_places(given, genome, tmp_path):
    settings, codes, maps, (chroms, starts) = given
    summary = write(settings, tmp_path, genome=genome)
    with AttributionFile(tmp_path / "x.attributions.h5") as file:
        block = file.read()
        assert file.region_ids == [f"p{row}" for row in range(N)]
        assert file.attributes["method"] == "given"
        assert np.isnan(file.prediction).all()
    np.testing.assert_array_equal(block.onehot, one_hot_numpy(codes))
    np.testing.assert_allclose(block.maps, maps, rtol=1e-3, atol=1e-4)
    assert np.isnan(block.spread).all()
    regions = read_regions(tmp_path / "x.regions.bed", open_maps(tmp_path / "x.attributions.h5"))
    assert regions["chrom"].tolist() == chroms
    assert regions["start"].tolist() == starts.tolist()
    assert summary["genome_checked"]
    assert summary["notices"] == []
    assert summary["sources"][settings["maps"]] == sha256(settings["maps"])
    assert len(summary["sources"]) == 3


def test_every_layout_gives_the_same_file(given, genome, tmp_path):
    settings, codes, maps, _ = given
    write(settings, tmp_path, genome=genome)
    with AttributionFile(tmp_path / "x.attributions.h5") as file:
        expected = file.read()
    onehot = one_hot_numpy(codes).astype(np.int8)
    np.save(tmp_path / "a.npy", maps.transpose(0, 2, 1))
    with h5py.File(tmp_path / "chrombpnet.h5", "w") as file:
        file["raw/seq"], file["shap/seq"] = onehot, maps
    with h5py.File(tmp_path / "bpnet.h5", "w") as file:
        file["input_seqs"], file["hyp_scores"] = onehot.transpose(0, 2, 1), maps.transpose(0, 2, 1)
    for changes in ({"maps": "a.npy"}, {"maps": "chrombpnet.h5", "onehot": None}, {"maps": "bpnet.h5", "onehot": None}):
        write(entry(tmp_path, **changes), tmp_path, genome=genome)
        with AttributionFile(tmp_path / "x.attributions.h5") as file:
            for found, theirs in zip(file.read(), expected, strict=True):
                np.testing.assert_array_equal(found, theirs)


def test_projected_maps_stand_at_the_bases_that_are_there(given, tmp_path):
    _, codes, maps, _ = given
    onehot = one_hot_numpy(codes)
    np.save(tmp_path / "flat.npy", (maps * onehot).sum(axis=1))
    summary = write(entry(tmp_path, maps="flat.npy", contributions="projected"), tmp_path)
    with AttributionFile(tmp_path / "x.attributions.h5") as file:
        block = file.read()
    np.testing.assert_allclose(block.maps, maps * onehot, rtol=1e-3, atol=1e-4)
    assert ["projected" in notice for notice in summary["notices"]] == [True, False]
    assert "no genome.fasta was given" in summary["notices"][1]
    np.savez_compressed(tmp_path / "a.attr.npz", maps * onehot)
    (tmp_path / "x.attributions.h5").unlink()
    assert "they are projected: set contributions: projected" in refused(entry(tmp_path), tmp_path)


def test_windows_come_from_intervals_of_their_length_summits_or_midpoints(given, genome, tmp_path):
    _, _, _, (chroms, starts) = given
    windows = [f"{chrom}\t{start}\t{start + LENGTH}" for chrom, start in zip(chroms, starts, strict=True)]
    put(tmp_path, windows, "windows.bed")
    write(entry(tmp_path, regions="windows.bed"), tmp_path, genome=genome)
    assert lines(tmp_path, "x.regions.bed")[4].split("\t")[:4] == [*windows[4].split("\t"), "region_5"]
    # A window of the maps' length is the window, wherever its line says that the summit is.
    put(tmp_path, [f"{line}\tn\t0\t.\t0\t-1\t-1\t3" for line in windows], "summits.narrowPeak")
    write(entry(tmp_path, regions="summits.narrowPeak"), tmp_path, genome=genome)
    (tmp_path / "x.attributions.h5").unlink()
    message = refused(entry(tmp_path, regions="summits.narrowPeak", centre="summit"), tmp_path, genome)
    assert "leaves its chromosome" in message or "are not the genome's" in message
    wider = [f"{chrom}\t{start - 6}\t{start + LENGTH + 6}" for chrom, start in zip(chroms, starts, strict=True)]
    put(tmp_path, wider, "wider.bed")
    message = refused(entry(tmp_path, regions="wider.bed"), tmp_path, genome)
    assert "line 1 of" in message
    assert "52 bp wide and has no summit, and the maps are 40 bp" in message
    write(entry(tmp_path, regions="wider.bed", centre="midpoint"), tmp_path, genome=genome)


def test_a_mask_says_which_regions_have_maps(given, genome, tmp_path):
    _, _, maps, _ = given
    mask = np.arange(N) % 4 > 0
    with np.load(tmp_path / "a.ohe.npz") as file:
        np.savez_compressed(tmp_path / "a.ohe.npz", file["arr_0"][mask])
    rewrite(tmp_path, maps[mask])
    np.save(tmp_path / "idx.npy", mask)
    write(entry(tmp_path, rows="idx.npy"), tmp_path, genome=genome)
    with AttributionFile(tmp_path / "x.attributions.h5") as file:
        assert file.region_ids == [f"p{row}" for row in np.flatnonzero(mask)]
    (tmp_path / "x.attributions.h5").unlink()
    assert f"has {N} regions" in refused(entry(tmp_path), tmp_path)
    np.save(tmp_path / "short.npy", mask[1:])
    assert "is of 29 regions and" in refused(entry(tmp_path, rows="short.npy"), tmp_path)
    np.save(tmp_path / "short.npy", np.flatnonzero(mask))
    assert "no array of booleans" in refused(entry(tmp_path, rows="short.npy"), tmp_path)


def test_bad_maps(given, tmp_path):
    settings, _, maps, _ = given
    damaged = maps.copy()
    damaged[11, 2, 3] = np.nan
    rewrite(tmp_path, damaged)
    assert "maps.a': the map of region 'p11' (row 12) holds NaN" in refused(settings, tmp_path)
    rewrite(tmp_path, np.zeros_like(maps))
    assert "every map of" in refused(settings, tmp_path)
    rewrite(tmp_path, maps[:-1])
    assert "maps of 29 regions of 40 bp" in refused(settings, tmp_path)
    rewrite(tmp_path, maps[:, :, :-1])
    assert "of 39 bp" in refused(settings, tmp_path)
    rewrite(tmp_path, maps * np.where(np.arange(len(maps)) == 7, 1e9, 1)[:, None, None])
    assert "'p7' (row 8) reaches" in refused(settings, tmp_path)
    rewrite(tmp_path, maps.astype(complex))
    assert "holds complex128 and no numbers" in refused(settings, tmp_path)
    rewrite(tmp_path, maps.astype(str))
    assert "and no numbers: give real ones" in refused(settings, tmp_path)
    maps[3:5] = 0
    rewrite(tmp_path, maps)
    assert write(settings, tmp_path)["zero_maps"] == 2


def test_bad_regions(given, genome, tmp_path):
    settings, *_ = given
    good = lines(tmp_path)
    put(tmp_path, good[:-1])
    assert "has 29 regions and" in refused(settings, tmp_path, genome)
    put(tmp_path, [good[0].replace("chr1", "chrQ"), *good[1:]])
    assert "chromosome 'chrQ' is not in the genome" in refused(settings, tmp_path, genome)
    put(tmp_path, [*good[:-1], "chr2\t980\t998\tz\t0\t.\t0\t-1\t-1\t9"])
    message = refused(settings, tmp_path, genome)
    assert "the window chr2:969-1009 of line 30" in message
    assert "leaves its chromosome, which has 1000 bp" in message
    put(tmp_path, ["chr1\t1\t20\tz\t0\t.\t0\t-1\t-1\t9", *good[1:]])
    assert "the window chr1:-10-30 of line 1" in refused(settings, tmp_path)
    put(tmp_path, [*good[:-1], good[0]])
    assert "line 30: the region chr1:33-49 is there already (1 such repeats)" in refused(settings, tmp_path)
    put(tmp_path, [good[1], good[0], *good[2:]])
    message = refused(settings, tmp_path, genome)
    assert "the sequences of 2 of 30 maps are not the genome's, first that of row 1 at chr2:43-83" in message


def test_names_of_the_maps_own_file_must_be_in_the_order_of_the_regions(given, tmp_path):
    settings, *_ = given
    write(settings, tmp_path)
    (tmp_path / "x.attributions.h5").rename(tmp_path / "own.h5")
    own = entry(tmp_path, maps="own.h5", onehot=None)
    write(own, tmp_path)
    (tmp_path / "x.attributions.h5").unlink()
    good = lines(tmp_path)
    put(tmp_path, [good[1], good[0], *good[2:]])
    assert "in another order (2 of 30), first in row 1 ('p1' for 'p0')" in refused(own, tmp_path)
    put(tmp_path, [*good[1:], good[0].replace("p0", "p30")])
    assert "in another order (29 of 30), first in row 2 ('p2' for 'p1')" in refused(own, tmp_path)
    # Without names in the BED file regions are numbered, and numbers say nothing of those of another tool.
    names = [f"region_{row}" for row in range(N)]
    put(tmp_path, [line.replace(f"p{row}", ".") for row, line in enumerate(good)])
    write(entry(tmp_path, maps=changed(tmp_path, "own.h5", region_id=names), onehot=None), tmp_path)


def test_files_that_are_not_what_their_names_or_attributes_say(given, tmp_path):
    settings, *_ = given
    (tmp_path / "b.npy").write_bytes((tmp_path / "a.attr.npz").read_bytes())
    assert "b.npy cannot be read (it holds several arrays" in refused(entry(tmp_path, maps="b.npy"), tmp_path)
    np.save(tmp_path / "c.npy", np.zeros(3))
    (tmp_path / "c.npy").rename(tmp_path / "c.npz")
    assert "c.npz cannot be read (it holds one array" in refused(entry(tmp_path, maps="c.npz"), tmp_path)
    write(settings, tmp_path)
    (tmp_path / "x.attributions.h5").rename(tmp_path / "own.h5")
    for scale in ("large", [1.0, 2.0], -2.0, 0.0, np.nan):
        own = entry(tmp_path, maps=changed(tmp_path, "own.h5", scale=scale), onehot=None)
        assert "map_scale" in refused(own, tmp_path)
    for names in (np.arange(N), np.zeros((N, 2)), np.array([b"\xff"] * N)):
        own = entry(tmp_path, maps=changed(tmp_path, "own.h5", region_id=names), onehot=None)
        assert "region_id in" in refused(own, tmp_path)


def test_damaged_values_are_one_sentence(given, tmp_path):
    _, codes, maps, _ = given
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["raw/seq"] = one_hot_numpy(codes).astype(np.int8)
        stored = file.create_dataset("shap/seq", data=maps, chunks=(N, 4, LENGTH), compression="gzip")
        place = stored.id.get_chunk_info(0)
    with (tmp_path / "b.h5").open("r+b") as handle:
        handle.seek(place.byte_offset + 20)
        handle.write(b"\0" * 200)
    message = refused(entry(tmp_path, maps="b.h5", onehot=None), tmp_path)
    assert "the values of" in message
    assert "b.h5 cannot be read" in message


def test_maps_that_cannot_be_stored(given, tmp_path):
    settings, _, maps, _ = given
    rewrite(tmp_path, maps * np.float32(1e-38))
    assert "which cannot be stored" in refused(settings, tmp_path)


def test_regions_that_lie_nowhere_and_names_with_quotes(given, tmp_path):
    settings, *_ = given
    good = lines(tmp_path)
    put(tmp_path, [*good[:4], good[4].replace("p4", 'gene "4"'), *good[5:]])
    assert "line 5: a name has a double quote" in refused(settings, tmp_path)
    put(tmp_path, [*good[:6], ".\t" + good[6].split("\t", 1)[1], *good[7:]])
    assert "line 7: the chromosome is '.'" in refused(settings, tmp_path)


def test_shuffled_sequences_have_no_place_and_are_not_those_of_the_regions(given, tmp_path):
    _, codes, maps, _ = given
    drawn = np.random.default_rng(5).permuted(codes, axis=1)[:20]
    np.savez_compressed(tmp_path / "n.ohe.npz", one_hot_numpy(drawn).astype(np.int8))
    np.savez_compressed(tmp_path / "n.attr.npz", 0.3 * maps[:20])
    settings = entry(tmp_path, shuffled={"maps": "n.attr.npz", "onehot": "n.ohe.npz"})
    summary = write(settings, tmp_path, shuffled=True)
    assert summary["n_regions"] == 20
    assert summary["notices"] == []
    assert set(summary["sources"]) == set(settings["shuffled"].values()) - {None}
    with AttributionFile(tmp_path / "x.attributions.h5") as file:
        np.testing.assert_array_equal(file.read().onehot, one_hot_numpy(drawn))
        ids = file.region_ids
    regions = read_regions(tmp_path / "x.regions.bed", open_maps(tmp_path / "x.attributions.h5"))
    assert regions["chrom"].tolist() == ids
    (tmp_path / "x.attributions.h5").unlink()
    np.savez_compressed(tmp_path / "n.ohe.npz", one_hot_numpy(np.where(drawn == 3, 1, drawn)).astype(np.int8))
    (notice,) = write(settings, tmp_path, shuffled=True)["notices"]
    assert "the share of G and C is 0.2" in notice
    (tmp_path / "x.attributions.h5").unlink()
    drawn[[2, 7]] = codes[[2, 7]]
    np.savez_compressed(tmp_path / "n.ohe.npz", one_hot_numpy(drawn).astype(np.int8))
    message = refused(settings, tmp_path, shuffled=True)
    assert "maps.a.shuffled': 2 of 20 sequences are those of the regions" in message
    np.savez_compressed(tmp_path / "n.ohe.npz", one_hot_numpy(drawn[:, 1:]).astype(np.int8))
    np.savez_compressed(tmp_path / "n.attr.npz", maps[:20, :, 1:])
    assert "maps of 39 bp and" in refused(settings, tmp_path, shuffled=True)


def test_sequences_that_no_shuffle_changes_are_their_own_shuffles(given, tmp_path):
    _, codes, maps, _ = given
    # Of one base, of two in turn, unknown throughout, and a run that begins behind the end of a chromosome.
    fixed = [encode(word * LENGTH)[:LENGTH] for word in ("A", "AT", "N")]
    fixed.append(encode("N" * 15 + "C" * (LENGTH - 15)))
    own = np.concatenate([fixed, codes[4:]]).astype(np.uint8)
    drawn = np.concatenate([fixed, np.random.default_rng(5).permuted(codes[4:20], axis=1)]).astype(np.uint8)

    def put_shuffled(regions, shuffles):
        for name, rows in (("a", regions), ("n", shuffles)):
            np.savez_compressed(tmp_path / f"{name}.ohe.npz", one_hot_numpy(rows).astype(np.int8))
            np.savez_compressed(tmp_path / f"{name}.attr.npz", maps[: len(rows)])

    settings = entry(tmp_path, shuffled={"maps": "n.attr.npz", "onehot": "n.ohe.npz"})
    put_shuffled(own, drawn)
    assert write(settings, tmp_path, shuffled=True)["n_regions"] == 20
    (tmp_path / "x.attributions.h5").unlink()
    drawn[[9, 12, 15]] = own[[9, 12, 15]]
    put_shuffled(own, drawn)
    message = refused(settings, tmp_path, shuffled=True)
    assert "maps.a.shuffled': 3 of 20 sequences are those of the regions" in message
    # Where all are such, nothing is left to compare, and the maps are written all the same.
    put_shuffled(np.tile(fixed, (5, 1)), np.array(fixed))
    summary = write(settings, tmp_path, shuffled=True)
    assert (summary["n_regions"], summary["notices"]) == (4, [])
    with AttributionFile(tmp_path / "x.attributions.h5") as file:
        np.testing.assert_array_equal(file.read().onehot, one_hot_numpy(np.array(fixed)))
