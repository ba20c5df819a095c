import h5py
import numpy as np
import pandas as pd
import pytest

from lucidna.errors import UserError
from lucidna.motifs import hits as hits_module
from lucidna.motifs.hit_columns import COLUMNS, read_hits
from lucidna.motifs.hits import call_hits
from lucidna.motifs.maps import open_maps, read_regions
from lucidna.motifs.patterns import read_discovery

from .simulated import simulate


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
    )
    monkeypatch.setattr(hits_module, "_run_finemo", lambda *_, **__: (table, []))
    patterns = read_discovery(stage.folder / "modisco.h5").patterns
    called = call_hits(maps, stage.regions, [null], stage.folder / "modisco.h5", patterns, names={}, labels={}).hits
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
    table, counts, notices, decoys = call_hits(
        maps, regions, [], stage.folder / "modisco.h5", found.patterns, names={}, labels={}
    )
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
    table, counts, notices, decoys = call_hits(maps, regions, [], stage.folder / "modisco.h5", [], names={}, labels={})
    assert table.empty
    assert counts.empty
    assert decoys.empty
    assert "no patterns" in notices[0]


def test_null_of_another_length_is_refused(tmp_path, stage):
    simulate(tmp_path / "short.h5", n=4, length=190, seed=1)
    maps = open_maps(stage.folder / "real.h5")
    with pytest.raises(UserError, match="190 bp"):
        call_hits(maps, stage.regions, [open_maps(tmp_path / "short.h5")], "m.h5", [], names={}, labels={})
