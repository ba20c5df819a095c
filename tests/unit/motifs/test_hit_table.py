import h5py
import numpy as np
import pandas as pd
import pysam
import pytest

from lucidna.files import read_tsv
from lucidna.motifs.hit_columns import COLUMNS, DECOY_COLUMNS, FINEMO_NAMES, own_names, read_hits, write_hits
from lucidna.motifs.hit_table import in_every_window, region_table, sign_agreement, write_hits_bed
from lucidna.motifs.hits import call_hits
from lucidna.motifs.maps import open_maps
from lucidna.motifs.patterns import read_discovery

EMPTY = pd.DataFrame({name: pd.Series(dtype=float) for name in COLUMNS})


@pytest.fixture(scope="module")
def hits(stage):
    return read_hits(stage.folder / "out" / "hits.tsv")


def write_maps(path, projected, agreement=None, spread=None):
    """Write maps whose contribution is that of an A everywhere."""
    n, length = projected.shape
    one_hot = np.zeros((n, 4, length), dtype=np.int8)
    one_hot[:, 0] = 1
    with h5py.File(path, "w") as handle:
        handle["raw/seq"] = one_hot
        handle["shap/seq"] = (one_hot * projected[:, None]).astype(np.float16)
        if agreement is not None:
            handle["sign_agreement"], handle["spread"] = agreement, spread
    return open_maps(path)


def test_columns_have_the_names_of_finemo(stage, tmp_path, hits):
    from finemo.data_io import HITS_DTYPES

    table = read_tsv(stage.folder / "out" / "hits.tsv")
    assert set(FINEMO_NAMES.values()) - {"match_name"} <= set(HITS_DTYPES)
    assert [name for name in HITS_DTYPES if name in table] == [name for name in table if name in HITS_DTYPES]
    assert (table["end_untrimmed"] - table["start_untrimmed"]).nunique() == 1
    assert (table["start_untrimmed"] <= table["start"]).all()
    assert (table["end"] <= table["end_untrimmed"]).all()
    assert (stage.regions["region_id"].iloc[table["peak_id"]].to_numpy() == table["peak_name"]).all()
    write_hits(tmp_path / "again.tsv", hits)
    pd.testing.assert_frame_equal(read_tsv(tmp_path / "again.tsv"), table)
    pd.testing.assert_frame_equal(own_names(own_names(table)), hits)


def test_bed_holds_the_credible_hits(tmp_path, stage, hits):
    lines = [line.split("\t") for line in (stage.folder / "out" / "hits.bed").read_text().splitlines()]
    called = hits[hits["q_value"] <= 0.1]
    assert len(lines) == called["best"].sum() == stage.summary["hits"]["instances_at_fdr"]
    assert len(called) == stage.summary["hits"]["at_fdr"]
    assert {len(line) for line in lines} == {6}
    assert all(0 <= int(line[1]) < int(line[2]) and 0 <= int(line[4]) <= 1000 for line in lines)
    table = hits.head(4).assign(q_value=[0.001, 0.5, 0.1, 0.1], motif=["a b", "", "", ""], best=[1, 1, 1, 0])
    assert write_hits_bed(tmp_path / "a.bed", table, fdr=0.2) == 2
    first, second = (line.split("\t") for line in (tmp_path / "a.bed").read_text().splitlines())
    assert (first[3].split("|")[1], first[4], second[4]) == ("a_b", "1000", "333")


def test_tabix_finds_the_hits_of_a_place(stage, hits):
    called = hits[(hits["q_value"] <= 0.1) & (hits["best"] == 1)]
    start, end = called["start"].quantile(0.2), called["end"].quantile(0.4)
    with pysam.TabixFile(str(stage.folder / "out" / "hits.bed.gz")) as bed:
        assert bed.contigs == ["chr2", "NA"]
        found = [line.split("\t")[:3] for line in bed.fetch("NA", int(start), int(end))]
        everything = sum(1 for contig in bed.contigs for _ in bed.fetch(contig))
    here = called[(called["chrom"] == "NA") & (called["end"] > int(start)) & (called["start"] < int(end))]
    assert 10 < len(here) < len(called)
    assert found == here[["chrom", "start", "end"]].astype(str).to_numpy().tolist()
    assert everything == len(called)


def test_no_hits_give_files_that_open(tmp_path):
    assert write_hits_bed(tmp_path / "a.bed", EMPTY, fdr=0.1) == 0
    with pysam.TabixFile(str(tmp_path / "a.bed.gz")) as bed:
        assert bed.contigs == []
    write_hits(tmp_path / "hits.tsv", EMPTY)
    assert list(read_hits(tmp_path / "hits.tsv").columns) == COLUMNS


def test_agreement_is_weighted_by_the_contribution(tmp_path):
    projected = np.tile([1.0, 3.0, 0.0, -4.0], (3, 1))
    agreement = np.tile([1.0, 0.5, 0.0, 0.25], (3, 1))
    spread = np.ones((3, 4))
    spread[1] = np.nan  # one network
    maps = write_maps(tmp_path / "m.h5", projected, agreement, spread)
    hits = pd.DataFrame({"row": [0, 0, 1, 2, 2], "start": [0, 2, 0, 1, 2], "end": [2, 4, 2, 4, 3]})
    shares = sign_agreement(maps, hits.iloc[::-1])[::-1]
    np.testing.assert_allclose(shares, [2.5 / 4, 0.25, np.nan, 2.5 / 7, np.nan])
    assert np.isnan(sign_agreement(write_maps(tmp_path / "n.h5", projected), hits)).all()


def test_region_table_counts_hits_and_their_share(tmp_path):
    projected = np.zeros((4, 10))
    projected[0, 2:4], projected[0, 8], projected[1, 0], projected[2, 5] = -2.0, 4.0, 1.0, 1.0
    maps = write_maps(tmp_path / "m.h5", projected)
    regions = pd.DataFrame(
        {"chrom": ["b", "b", "a", "a"], "start": [100, 103, 0, 50], "region_id": ["r0", "r1", "r2", "r3"]}
    )
    regions["end"] = regions["start"] + 10
    hits = pd.DataFrame(
        [
            ("b", 102, 104, "x", 0.01, 1),
            ("b", 102, 104, "y", 0.01, 1),  # the same bases count once
            ("b", 103, 106, "y", 0.05, 2),  # in both windows of b
            ("b", 108, 109, "x", 0.5, 3),  # not credible
            ("a", 8, 12, "x", 0.01, 4),  # reaches beyond every window
            ("c", 1, 3, "x", 0.01, 5),  # on another chromosome
        ],
        columns=["chrom", "start", "end", "pattern", "q_value", "instance"],
    ).assign(strand="-")
    placed = in_every_window(hits, regions)
    found = placed.sort_values(["row", "start", "pattern"])[["row", "start", "end", "strand", "pattern", "instance"]]
    assert found.to_numpy().tolist() == [
        [0, 2, 4, "-", "x", 1],
        [0, 2, 4, "-", "y", 1],
        [0, 3, 6, "-", "y", 2],
        [0, 8, 9, "-", "x", 3],
        [1, 0, 3, "-", "y", 2],
        [1, 5, 6, "-", "x", 3],
    ]
    table = region_table(maps, regions, hits, ["x", "y", "z"], fdr=0.1)
    assert table[["x", "y", "z"]].to_numpy().tolist() == [[1, 2, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert table["hits"].tolist() == [3, 1, 0, 0]
    assert table["instances"].tolist() == [2, 1, 0, 0]
    np.testing.assert_allclose(table["share_in_hits"], [0.5, 1.0, 0.0, np.nan])
    nothing = region_table(maps, regions, hits.assign(q_value=np.nan), ["x"], fdr=0.1)
    assert nothing["hits"].sum() == 0
    assert region_table(maps, regions, EMPTY, [], fdr=0.1)["share_in_hits"].iloc[:3].tolist() == [0.0, 0.0, 0.0]


def test_decoys_are_kept_with_their_scores(stage):
    decoys = own_names(read_tsv(stage.folder / "out" / "decoys.tsv"))
    assert list(decoys.columns) == DECOY_COLUMNS
    assert len(decoys) == stage.summary["hits"]["decoys"]


def test_decoys_are_those_of_their_draw(stage):
    """Real maps stand in for those of shuffled sequences: their hits are found again as decoys of either draw."""
    maps = open_maps(stage.folder / "real.h5")
    patterns = read_discovery(stage.folder / "modisco.h5").patterns
    calls = call_hits(maps, stage.regions, [maps, maps], patterns, names={}, labels={})
    assert calls.decoys["draw"].unique().tolist() == [0, 1]
    assert calls.hits["q_value"].median() > 0.95
    # Copies may differ by rounding: of the best hit alone both may lie just below it, (1 + 0) / 2 draws.
    assert calls.hits["q_value"].min() >= 0.5
    assert (calls.hits["q_value"] == 0.5).sum() <= len(patterns)
    called = calls.counts.set_index("pattern")["hits"]
    for _, group in calls.decoys.groupby("draw"):
        found = group["pattern"].value_counts().reindex(called.index)
        assert (found - called).abs().max() <= 0.01 * called.min()
        assert set(group["row"]) <= set(range(maps.n_regions))


def test_every_region_of_the_stage_has_a_line(stage, hits):
    table = read_tsv(stage.folder / "out" / "regions.tsv")
    assert table["region_id"].tolist() == stage.regions["region_id"].tolist()
    called = hits[hits["q_value"] <= 0.1]
    for row in table.iloc[::40].itertuples():
        here = called[(called["chrom"] == row.chrom) & (called["start"] >= row.start) & (called["end"] <= row.end)]
        assert row.hits == len(here)
    patterns = [name for name in table if "pattern" in name]
    assert (table[patterns].sum(axis=1) == table["hits"]).all()
    # Windows overlap: a region's own hits are some of those that its window holds.
    own = called["region_id"].value_counts().reindex(table["region_id"], fill_value=0).to_numpy()
    assert (table["hits"] >= own).all()
    assert table["share_in_hits"][table["hits"] > 1].median() > 0.4
    assert (table["share_in_hits"][table["hits"] == 0] == 0).all()
