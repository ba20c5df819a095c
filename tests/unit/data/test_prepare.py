import numpy as np
import pandas as pd
import pyBigWig
import pytest

from lucidna.errors import UserError
from lucidna.genome import open_genome
from lucidna.prepare import no_dropped, prepare_regions, regions_table
from lucidna.tracks import Track

WINDOW = {"input": 200, "output": 100, "jitter": 10}
NEGATIVES = {"ratio": 1.0, "gc_bin": 0.02, "max_n": 0.1, "seed": 0}
ROWS = ["region_id", "chrom", "start", "end", "summit", "strand", "role", "name", "gc", "source_line"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three chromosomes, c2 before c1; a track of ones with one high peak; ten peaks, four of them usable."""
    folder = tmp_path_factory.mktemp("prepare")
    rng = np.random.default_rng(0)
    letters = {name: rng.choice(list("ACGT"), size=size) for name, size in (("c2", 9000), ("c1", 8000), ("m", 900))}
    letters["c1"][3000:3100] = "N"
    text = "".join(f">{name}\n{''.join(value)}\n" for name, value in letters.items())
    (folder / "genome.fa").write_text(text)
    with pyBigWig.open(str(folder / "t.bw"), "w") as track:
        track.addHeader([("c2", 9000), ("c1", 8000), ("m", 900)])
        for name, size in (("c2", 9000), ("c1", 8000), ("m", 900)):
            values = np.ones(size)
            if name == "c1":
                values[2000:2010] = 100
            track.addEntries(name, 0, values=values, span=1, step=1)
    lines = [
        ("c1", 900, 1100, "second", 100),
        ("c1", 480, 520, "first", 20),
        ("c1", 50, 150, "edge", 50),
        ("c1", 1950, 2050, "outlier", 55),
        ("c1", 2950, 3050, "n", 70),
        ("c1", 7000, 7100, "listed", 50),
        ("m", 400, 500, "mito", 50),
        ("c2", 4000, 4200, "third", 10),
        ("c2", 4000, 4200, "fourth", 150),
        ("c2", 8800, 8950, "end", 95),
    ]
    peaks = "".join(f"{c}\t{s}\t{e}\t{n}\t1\t.\t1\t1\t1\t{p}\n" for c, s, e, n, p in lines)
    (folder / "peaks.narrowPeak").write_text("track name=p\n" + peaks)
    (folder / "black.bed").write_text("c1\t7160\t7170\n")
    return folder


def prepare(folder, **changes):
    settings = {
        "window": WINDOW,
        "peaks": str(folder / "peaks.narrowPeak"),
        "exclude_chromosomes": ["m"],
        "blacklist": str(folder / "black.bed"),
        "negatives": NEGATIVES,
        "outliers": {"quantile": 0.9, "factor": 1.5},
        **changes,
    }
    tracks = settings.pop("tracks", [Track("t", str(folder / "t.bw"))])
    return prepare_regions(open_genome(folder / "genome.fa"), tracks, **settings)


def test_rows_are_in_genome_order_with_ids_in_that_order(folder):
    rows, _, _ = prepare(folder)
    assert list(rows) == ROWS
    peaks = rows.loc[rows["role"] == "peak"]
    assert peaks["name"].tolist() == ["third", "fourth", "first", "second"]
    assert peaks["region_id"].tolist() == ["peak_1", "peak_2", "peak_3", "peak_4"]
    assert peaks["summit"].tolist() == [4010, 4150, 500, 1000]
    assert peaks["source_line"].tolist() == [9, 10, 3, 2]
    assert peaks[["start", "end"]].iloc[2].tolist() == [480, 520]
    negatives = rows.loc[rows["role"] == "negative"]
    assert negatives["region_id"].tolist() == ["negative_1", "negative_2", "negative_3", "negative_4"]
    assert negatives["chrom"].tolist() == ["c2", "c2", "c1", "c1"]
    assert (negatives["end"] - negatives["start"] == 200).all()
    assert (negatives["summit"] == negatives["start"] + 100).all()
    for _, one in rows.groupby("chrom"):
        assert one["summit"].is_monotonic_increasing
    assert rows.loc[:, ["start", "end", "summit", "source_line"]].dtypes.eq(np.int64).all()


def test_gc_is_that_of_the_input_window(folder):
    rows, _, _ = prepare(folder)
    genome = open_genome(folder / "genome.fa")
    for row in rows.itertuples():
        window = genome.codes(row.chrom)[row.summit - 100 : row.summit + 100]
        assert row.gc == pytest.approx(np.isin(window, [1, 2]).mean(), abs=6e-5)


def test_everything_dropped_is_listed_with_its_reason(folder):
    _, dropped, notices = prepare(folder)
    assert list(dropped) == ["name", "chrom", "start", "end", "role", "reason", "detail", "source_line"]
    assert dict(zip(dropped["name"], dropped["reason"], strict=True)) == {
        "edge": "edge",
        "outlier": "outlier",
        "n": "n_content",
        "listed": "blacklist",
        "mito": "excluded chromosome",
        "end": "edge",
    }
    detail = dropped.set_index("name")["detail"]
    assert "above 0.1" in detail["n"]
    assert "signal 1090 of track t" in detail["outlier"]
    assert "8785-9005" in detail["end"]
    assert dropped.set_index("name")["source_line"]["mito"] == 8
    assert any("4 of 10 kept" in notice and "2 edge" in notice for notice in notices)


def test_nothing_is_lost_between_rows_and_dropped(folder):
    rows, dropped, _ = prepare(folder)
    names = rows.loc[rows["role"] == "peak", "name"].tolist() + dropped["name"].tolist()
    assert len(names) == len(set(names)) == 10


def test_the_default_slop_is_half_of_the_window(folder):
    def reasons(**changes):
        return set(prepare(folder, **changes)[1]["reason"])

    assert "blacklist" in reasons(blacklist_slop=11)
    assert "blacklist" not in reasons(blacklist_slop=10)
    assert "blacklist" in reasons(blacklist_slop=None)
    assert "blacklist" not in reasons(blacklist=None)


def test_filters_that_are_off_drop_nothing(folder):
    rows, dropped, _ = prepare(folder, outliers=None, blacklist=None, exclude_chromosomes=[], max_n=1.0)
    assert set(dropped["reason"]) == {"edge"}
    assert (rows["role"] == "peak").sum() == 8
    without_track, _, _ = prepare(folder, tracks=[])
    assert "outlier" in set(without_track["name"])


def test_negatives_follow_their_seed_and_can_be_left_out(folder):
    first, again = prepare(folder)[0], prepare(folder)[0]
    pd.testing.assert_frame_equal(first, again)
    other = prepare(folder, negatives={**NEGATIVES, "seed": 1})[0]
    assert set(first["summit"]) != set(other["summit"])
    for none in (None, {**NEGATIVES, "ratio": 0}):
        assert set(prepare(folder, negatives=none)[0]["role"]) == {"peak"}


def test_negatives_keep_clear_of_dropped_peaks_too(folder):
    rows, _, _ = prepare(folder, negatives={**NEGATIVES, "ratio": 6.0})
    negatives = rows.loc[(rows["role"] == "negative") & (rows["chrom"] == "c1")]
    assert len(negatives) == 12
    for summit in (500, 1000, 2005, 3020, 7050):
        assert (np.abs(negatives["summit"] - summit) >= 200).all()
    assert not ((negatives["start"] < 7270) & (negatives["end"] > 7060)).any()


def test_no_usable_peak_is_an_error_with_the_counts(folder):
    with pytest.raises(UserError, match=r"none of the 10 peaks .*10 excluded chromosome"):
        prepare(folder, exclude_chromosomes=["c1", "c2", "m"])


def test_the_empty_table_has_the_columns_of_a_full_one(folder):
    assert list(no_dropped()) == list(prepare(folder)[1])
    assert len(no_dropped()) == 0


def test_regions_table_adds_a_column_per_fold(folder):
    rows, _, _ = prepare(folder)
    splits = {
        fold: pd.DataFrame({"region_id": rows["region_id"], "split": np.roll(["train", "test"] * 4, shift)})
        for fold, shift in (("a", 0), ("b", 1))
    }
    table = regions_table(rows, splits)
    assert list(table) == [*ROWS, "fold_a", "fold_b"]
    assert table["fold_a"].tolist() == ["train", "test"] * 4
    assert table["fold_b"].tolist() == ["test", "train"] * 4
    assert list(rows) == ROWS
    with pytest.raises(UserError, match="fold 'a' lists 7 regions and the data set has 8"):
        regions_table(rows, {"a": splits["a"].iloc[1:]})
    with pytest.raises(UserError, match="order differs"):
        regions_table(rows, {"a": splits["a"].iloc[::-1]})


def test_yeast(shared_data):
    atac = shared_data / "yeast_atac"
    rows, dropped, notices = prepare_regions(
        open_genome(shared_data / "genome" / "sacCer3.2bit"),
        [Track("atac", str(atac / "atac_SRR1822137_insertions.bw"))],
        window={"input": 500, "output": 200, "jitter": 32},
        peaks=str(atac / "macs3_cuts_peaks.narrowPeak"),
        centre="summit",
        exclude_chromosomes=["chrM"],
        negatives={"ratio": 2.0, "gc_bin": 0.02, "max_n": 0.1, "seed": 0},
        outliers={"quantile": 0.9999, "factor": 1.0},
    )
    assert dropped["reason"].value_counts().to_dict() == {"excluded chromosome": 71, "edge": 28, "outlier": 1}
    assert dropped.iloc[0][["name", "reason"]].tolist() == ["macs3_cuts_peak_1", "edge"]
    n_peaks = (rows["role"] == "peak").sum()
    assert n_peaks == 2510 - 100
    assert (rows["role"] == "negative").sum() == 2 * n_peaks
    by_role = rows.groupby(["chrom", "role"]).size().unstack()
    assert (by_role["negative"] == 2 * by_role["peak"]).all()
    gc = rows.groupby("role")["gc"].mean()
    assert abs(gc["peak"] - gc["negative"]) < 0.005
    assert "chrM" not in set(rows["chrom"])
    assert any("7 intervals reach past the end" in notice for notice in notices)


def test_a_contig_that_the_genome_lacks_can_be_excluded(folder, tmp_path):
    text = (folder / "peaks.narrowPeak").read_text()
    (tmp_path / "more.narrowPeak").write_text(text + "c9_random\t100\t300\talien\t1\t.\t1\t1\t1\t100\n")
    changes = {"peaks": str(tmp_path / "more.narrowPeak")}
    with pytest.raises(UserError, match="c9_random"):
        prepare(folder, **changes)
    with_it = prepare(folder, exclude_chromosomes=["m", "c9_random"], **changes)
    without = prepare(folder)
    pd.testing.assert_frame_equal(with_it[0].drop(columns="source_line"), without[0].drop(columns="source_line"))
    assert "alien" in set(with_it[1]["name"])
