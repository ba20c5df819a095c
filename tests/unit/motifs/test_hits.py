import h5py
import numpy as np
import pandas as pd
import pytest

from lucidna.errors import UserError
from lucidna.motifs import hits as hits_module
from lucidna.motifs.external import run_tool
from lucidna.motifs.hit_columns import COLUMNS, read_hits
from lucidna.motifs.hits import call_hits
from lucidna.motifs.maps import open_maps, read_regions
from lucidna.motifs.patterns import read_discovery

from .simulated import PLANTED, SCALE, simulate, write_maps


@pytest.fixture(scope="module")
def hits(stage):
    return read_hits(stage.folder / "out" / "hits.tsv")


def test_hits_lie_where_motifs_were_planted(stage, hits):
    place = stage.regions.iloc[stage.truth["row"]]
    names = hits["motif"].to_numpy()
    truth = set(
        zip(
            place["region_id"],
            place["chrom"],
            stage.truth["start"].to_numpy() + place["start"].to_numpy(),
            stage.truth["end"].to_numpy() + place["start"].to_numpy(),
            stage.truth["motif"],
            strict=True,
        )
    )
    called = hits[hits["q_value"] <= 0.1]
    found = set(zip(called["region_id"], called["chrom"], called["start"], called["end"], called["motif"], strict=True))
    assert len(found & truth) / len(truth) > 0.9
    assert len(found & truth) / len(called) > 0.9
    assert set(names) == {"alpha", "beta", "gamma"}


def test_columns_and_values(stage, hits):
    assert list(hits.columns) == COLUMNS
    assert hits["correlation"].between(0.7, 1.0001).all()
    assert (hits["score"] > 0).all()
    assert hits["q_value"].between(1 / len(hits), 1).all()
    with h5py.File(stage.folder / "real.h5") as handle:
        projected = handle["projected_shap/seq"][:].astype(np.float64).sum(axis=1) / 8
    starts = stage.regions.set_index("region_id")["start"]
    for hit in hits.iloc[::60].itertuples():
        row, offset = int(hit.region_id.split("_")[1]) - 1, starts[hit.region_id]
        expected = projected[row, hit.start - offset : hit.end - offset].sum()
        assert hit.contribution == pytest.approx(expected, abs=2e-3)
        absolute = np.abs(projected[row, hit.start - offset : hit.end - offset]).sum()
        assert hit.importance == pytest.approx(absolute, rel=0.02)


@pytest.mark.parametrize("length", [120, 121])
def test_instances_at_the_very_ends_of_a_map_are_found(stage, tmp_path, length):
    patterns = read_discovery(stage.folder / "modisco.h5").patterns
    assert max(pattern.cwm.shape[1] for pattern in patterns) > 25  # of which cores of 9 bp leave most
    ends = [0, 1, length // 2, length - 10, length - 9]
    placed = [(text, strand, start) for text in PLANTED.values() for strand in "+-" for start in ends]
    maps, regions = write_maps(tmp_path / "ends.h5", placed, length=length)
    hits = call_hits(maps, regions, [], patterns, names={}, labels={}).hits
    begin = regions["start"].to_numpy()[hits["row"]]
    found = set(zip(hits["row"], hits["start"] - begin, hits["end"] - begin, strict=True))
    expected = {(row, start, start + len(text)) for row, (text, _, start) in enumerate(placed)}
    assert found >= expected
    assert len(found) <= 1.1 * len(expected)
    # A pattern is its motif or the motif's reverse complement, and all of its hits say the same.
    along = hits["strand"].to_numpy() == np.array([strand for _, strand, _ in placed])[hits["row"]]
    assert set(pd.Series(along).groupby(hits["pattern"]).mean()) <= {0, 1}
    assert ((hits["start"] >= begin) & (hits["end"] <= begin + length)).all()
    assert (hits["start_untrimmed"] < begin).any()


def test_a_composite_is_not_called_on_one_of_its_motifs(composites):
    maps, regions, placed = composites.maps, composites.regions, composites.placed
    patterns = read_discovery(composites.modisco).patterns
    calls = call_hits(maps, regions, [], patterns, names={}, labels={})
    called = calls.hits[calls.hits["pattern"] == "pos_patterns.pattern_1"]
    assert sorted(called["row"]) == list(range(40))
    begin = regions["start"].to_numpy()[called["row"]]
    assert (called["start"] - begin).tolist() == [placed[row][2] for row in called["row"]]
    assert called["strand"].tolist() == [placed[row][1] for row in called["row"]]
    # Fi-NeMo itself calls the composite where its second motif stands alone, too.
    (notice,) = [notice for notice in calls.notices if "composite" in notice]
    assert int(notice.split()[0]) >= 20


def test_hits_are_those_of_fi_nemo_at_its_defaults(stage, hits, tmp_path):
    """Away from the ends; its defaults run until convergence, in batches of 2,000."""
    with h5py.File(stage.folder / "real.h5") as handle:
        sequences, projected = handle["raw/seq"][:], handle["projected_shap/seq"][:].sum(axis=1)
    np.savez(tmp_path / "regions.npz", sequences=sequences, contributions=projected)
    arguments = ["call-hits", "-r", f"{tmp_path}/regions.npz", "-m", f"{stage.folder}/modisco.h5", "-o", f"{tmp_path}"]
    run_tool("finemo", arguments, threads=1)
    theirs = pd.read_csv(tmp_path / "hits.tsv", sep="\t")
    begin = stage.regions["start"].to_numpy()[hits["row"]]
    whole = (hits["start_untrimmed"] >= begin) & (hits["end_untrimmed"] <= begin + sequences.shape[2])
    ours = hits.assign(start=hits["start"] - begin, end=hits["end"] - begin)[whole]
    ours = ours.rename(columns={"row": "peak_id", "pattern": "motif_name"})
    both = theirs.merge(ours, on=["peak_id", "start", "end", "strand", "motif_name"], how="outer", indicator=True)
    assert (both["_merge"] == "both").mean() > 0.99
    both = both[both["_merge"] == "both"]
    for name, own, scale in (
        ("hit_coefficient", "relative_score", 1),
        ("hit_coefficient_global", "score", SCALE**2),
        ("hit_similarity", "correlation", 1),
        ("hit_importance", "importance", SCALE),
    ):
        ratio = both[name] / both[own] / scale
        assert np.median(ratio) == pytest.approx(1, abs=0.01), name
        assert np.quantile(np.abs(ratio - 1), 0.9) < 0.1, name


def test_hits_compete_with_decoys_by_the_shape_of_the_map(stage, monkeypatch):
    maps, null = open_maps(stage.folder / "real.h5"), open_maps(stage.folder / "null.h5")
    n = 100
    # The best-shaped hits have the smallest coefficients; decoys are large and badly shaped.
    hits = pd.DataFrame({"row": np.arange(n), "score": np.linspace(1, 2, n), "correlation": np.linspace(1, 0.8, n)})
    decoys = pd.DataFrame({"row": maps.n_regions + np.arange(n), "score": 3.0, "correlation": 0.85})
    table = pd.concat([hits, decoys]).assign(
        start=10,
        end=20,
        start_untrimmed=8,
        end_untrimmed=22,
        strand="+",
        pattern="pos_patterns.pattern_0",
        contribution=1.0,
        importance=1.0,
        relative_score=1.0,
        least_part=1.0,
    )
    monkeypatch.setattr(hits_module, "run_finemo", lambda *_, **__: (table, []))
    patterns = read_discovery(stage.folder / "modisco.h5").patterns
    called = call_hits(maps, stage.regions, [null], patterns, names={}, labels={}).hits
    assert len(called) > 50
    assert ((called["q_value"] < 0.1) == (called["correlation"] > 0.85)).all()
    assert 0 < (called["q_value"] < 0.1).sum() < len(called)


def test_hits_are_in_genome_order(hits):
    assert hits["chrom"].drop_duplicates().tolist() == ["chr2", "NA"]
    for _, group in hits.groupby("chrom"):
        assert group["start"].is_monotonic_increasing


def test_chunks_and_overlapping_windows_change_nothing(tmp_path, stage, hits, monkeypatch):
    """Every region twice under another name, in several runs: the same hits, each listed once."""
    with h5py.File(stage.folder / "real.h5") as source, h5py.File(tmp_path / "twice.h5", "w") as twice:
        for name in ("raw/seq", "shap/seq"):
            twice[name] = np.repeat(source[name][:60], 2, axis=0)
        twice.attrs["map_scale"] = 8.0
    regions = stage.regions.iloc[np.repeat(np.arange(60), 2)].reset_index(drop=True)
    regions["region_id"] = [f"{name}_{i % 2}" for i, name in enumerate(regions["region_id"])]
    monkeypatch.setattr(hits_module, "_CHUNK", 80)
    found = read_discovery(stage.folder / "modisco.h5")
    maps = open_maps(tmp_path / "twice.h5")
    table, counts, notices, decoys = call_hits(maps, regions, [], found.patterns, names={}, labels={})
    expected = hits[hits["region_id"].isin(stage.regions["region_id"][:60])]
    same = ["chrom", "start", "end", "strand", "pattern"]
    pd.testing.assert_frame_equal(table[same], expected[same].reset_index(drop=True))
    np.testing.assert_allclose(table["score"], expected["score"], rtol=1e-3)
    assert counts["hits"].sum() == 2 * len(expected)
    assert table["q_value"].isna().all()
    assert notices == []
    assert decoys.empty


def test_no_patterns_no_hits(stage):
    maps = open_maps(stage.folder / "real.h5")
    regions = read_regions(stage.folder / "real.bed", maps)
    table, counts, notices, decoys = call_hits(maps, regions, [], [], names={}, labels={})
    assert table.empty
    assert counts.empty
    assert decoys.empty
    assert "no patterns" in notices[0]


def test_null_of_another_length_is_refused(tmp_path, stage):
    simulate(tmp_path / "short.h5", n=4, length=190, seed=1)
    maps = open_maps(stage.folder / "real.h5")
    with pytest.raises(UserError, match="190 bp"):
        call_hits(maps, stage.regions, [open_maps(tmp_path / "short.h5")], [], names={}, labels={})
