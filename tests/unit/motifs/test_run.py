import shutil

import h5py
import numpy as np
import pytest

from lucidna.attribution.hdf5 import write_attributions
from lucidna.errors import UserError
from lucidna.files import read_json, read_tsv
from lucidna.motifs.hit_columns import of_credible, own_names, read_hits
from lucidna.motifs.patterns import read_discovery
from lucidna.motifs.run import NO_DECOYS, annotate, discover

from .simulated import simulate, write_database


def test_every_file_is_written(stage):
    out = stage.folder / "out"
    names = {
        "patterns.tsv",
        "patterns.meme",
        "matches.tsv",
        "expected.tsv",
        "reproducibility.tsv",
        "saturation.tsv",
        "seqlets.bed",
        "hits.tsv",
        "decoys.tsv",
        "hits.bed",
        "hits.bed.gz",
        "hits.bed.gz.tbi",
        "regions.tsv",
        "summary.json",
    }
    assert {path.name for path in out.iterdir()} == names
    assert read_json(out / "summary.json") == stage.summary


def test_patterns_are_supported_and_named(stage):
    table = read_tsv(stage.folder / "out" / "patterns.tsv")
    assert (table["label"].str.startswith("supported")).all()
    assert set(table["match_name"]) == {"alpha", "beta", "gamma"}
    assert (table["hits_at_fdr"] > 100).all()
    assert (table["decoy_hits"] < 5).all()
    assert stage.summary["patterns"]["supported"] == len(table) == stage.summary["patterns"]["pos"]
    assert (table[["composite_of", "half_of"]].isna()).all().all()
    assert any("shuffled sequences" in notice for notice in stage.summary["notices"])


def test_patterns_are_found_in_the_candidates_that_learned_them(stage):
    """Of three candidates one has the maps of all motifs, one noise, one too few regions."""
    table = read_tsv(stage.folder / "out" / "patterns.tsv")
    assert (table["candidates"] == 1).all()
    assert (table["n_candidates"] == 3).all()
    assert table[["folds", "n_folds", "seeds", "n_seeds"]].drop_duplicates().to_numpy().tolist() == [[1, 2, 1, 3]]
    assert (table[["methods", "n_methods"]] == (0, 0)).all().all()
    assert (table["nulls"] == 0).all()
    assert (table["n_nulls"] == 2).all()
    runs = read_tsv(stage.folder / "out" / "reproducibility.tsv")
    assert set(runs["run"]) == {"learned", "blind", "few", "ism", "shuffled 0", "permuted 0"}
    assert set(runs.loc[runs["run"].isin(["few", "ism"]), "found"]) == {"too few seqlets"}
    assert set(runs.loc[runs["run"] == "learned", "found"]) == {"yes"}
    assert stage.summary["only_in_candidates"]["learned"] == []
    assert list(stage.summary["runs"]) == ["candidate", "method", "output", "null maps"]


def test_fewer_seqlets_give_no_more_patterns(stage):
    table = read_tsv(stage.folder / "out" / "saturation.tsv")
    assert table["patterns"].is_monotonic_increasing
    assert table["patterns"].iloc[-1] == table["supported"].iloc[-1] == stage.summary["patterns"]["total"]


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """Noise, and as its null other noise: TF-MoDISco finds patterns in both."""
    folder = tmp_path_factory.mktemp("noise")
    for name, seed in (("real", 5), ("null", 6)):
        simulate(folder / f"{name}.h5", plant=False, seed=seed, n=400, length=300)
        discover(folder / f"{name}.h5", folder / f"{name}.modisco.h5", seqlets=2000, window=300)
    return folder


def test_patterns_of_noise_are_not_supported(noise):
    found = read_discovery(noise / "real.modisco.h5")
    assert len(found.patterns) >= 2
    summary = annotate(
        noise / "real.h5",
        noise / "real.bed",
        noise / "real.modisco.h5",
        noise / "out",
        null_attributions=[noise / "null.h5"],
        null_modisco=[noise / "null.modisco.h5"],
    )
    assert summary["patterns"]["total"] == len(found.patterns)
    assert summary["patterns"]["supported"] == 0
    assert summary["hits"]["at_fdr"] == 0
    assert (noise / "out" / "hits.bed").read_text() == ""
    assert summary["hits"]["at_fdr_not_supported"] <= 0.02 * max(summary["hits"]["total"], 50)
    assert any("motifs.database is null" in notice for notice in summary["notices"])


def test_without_decoys_no_hit_has_a_q_value_and_the_tables_say_why(tmp_path, stage):
    folder = stage.folder
    summary = annotate(
        folder / "real.h5",
        folder / "real.bed",
        folder / "modisco.h5",
        tmp_path / "out",
        permuted_modisco=[folder / "permuted.modisco.h5"],
        database=folder / "database.meme",
    )
    hits, full = (own_names(read_tsv(out / "hits.tsv")) for out in (tmp_path / "out", folder / "out"))
    assert hits["q_value"].isna().all()
    assert set(hits["q_value_note"]) == {NO_DECOYS}
    assert "q_value_note" not in full
    places = ["chrom", "start", "end", "pattern", "strand"]
    assert hits[places].equals(full[places])
    patterns, regions = read_tsv(tmp_path / "out" / "patterns.tsv"), read_tsv(tmp_path / "out" / "regions.tsv")
    assert (patterns["hits"] > 100).all()
    assert patterns["hits_at_fdr"].isna().all()
    assert (patterns["label"] == "weak").all()  # permuted maps do not show what smooth noise gives
    assert (patterns["ratio"] > 2).all()
    assert regions.drop(columns=["region_id", "chrom", "start", "end"]).isna().all(axis=None)
    assert (tmp_path / "out" / "hits.bed").read_text() == ""
    notice = f"{NO_DECOYS}: no hit has a q-value, and patterns are compared with those of permuted maps only"
    assert notice in summary["notices"]


def test_hits_of_patterns_like_the_null_count_nowhere_but_in_their_table(tmp_path, stage):
    """With the real maps' own patterns as the null no pattern is supported, however credible its hits are."""
    summary = annotate(
        stage.folder / "real.h5",
        stage.folder / "real.bed",
        stage.folder / "modisco.h5",
        tmp_path,
        null_attributions=[stage.folder / "null.h5", stage.folder / "real.h5"],
        null_modisco=[stage.folder / "null.modisco.h5", stage.folder / "modisco.h5"],
    )
    assert summary["patterns"]["supported"] == 0
    hits = read_hits(tmp_path / "hits.tsv")
    labels = read_tsv(tmp_path / "patterns.tsv").set_index("pattern")["label"]
    assert (hits["label"] == hits["pattern"].map(labels)).all()
    assert set(hits["label"]) <= {"weak", "as in the null"}
    only = annotate(
        stage.folder / "real.h5",
        stage.folder / "real.bed",
        stage.folder / "modisco.h5",
        tmp_path / "plain",
        null_attributions=[stage.folder / "null.h5"],
        null_modisco=[stage.folder / "null.modisco.h5"],
    )
    assert only["hits"]["at_fdr"] > 100
    assert only["hits"]["at_fdr_not_supported"] == 0
    hits["q_value"] = read_hits(tmp_path / "plain" / "hits.tsv")["q_value"]
    assert of_credible(hits).empty
    assert len(of_credible(hits.assign(label="not tested"))) == len(hits)
    assert (tmp_path / "hits.bed").read_text() == ""
    regions = read_tsv(tmp_path / "regions.tsv")
    assert regions["hits"].sum() == 0
    assert not [name for name in regions if "pattern" in name]


def test_without_a_null_all_patterns_count_and_that_is_said(tmp_path, stage):
    paths = [stage.folder / name for name in ("real.h5", "real.bed", "modisco.h5")]
    summary = annotate(*paths, tmp_path)
    assert set(read_hits(tmp_path / "hits.tsv")["label"]) == {"not tested"}
    assert any("no pattern is tested, and all count as supported" in notice for notice in summary["notices"])
    assert sum("pattern" in name for name in read_tsv(tmp_path / "regions.tsv")) == summary["patterns"]["total"]
    assert summary["hits"]["at_fdr"] == 0


def test_maps_of_zeros_are_no_null_and_have_no_patterns(tmp_path, stage):
    for name in ("real.h5", "null.h5"):
        shutil.copy(stage.folder / name, tmp_path / name)
        with h5py.File(tmp_path / name, "r+") as handle:
            handle["shap/seq"][...] = 0
    discover(tmp_path / "null.h5", tmp_path / "null.modisco.h5", window=160)
    bed, patterns = stage.folder / "real.bed", stage.folder / "modisco.h5"
    nulls = {"null_attributions": [tmp_path / "null.h5"], "null_modisco": [tmp_path / "null.modisco.h5"]}
    summary = annotate(stage.folder / "real.h5", bed, patterns, tmp_path / "out", **nulls)
    assert any("1 of 1 sets of maps of shuffled sequences are 0" in notice for notice in summary["notices"])
    assert summary["labels"]["not tested"] == summary["patterns"]["total"]
    assert read_hits(tmp_path / "out" / "hits.tsv")["q_value"].isna().all()
    with pytest.raises(UserError, match=r"real.h5: every contribution is 0, but .*modisco.h5 holds 3 patterns"):
        annotate(tmp_path / "real.h5", bed, patterns, tmp_path / "none", **nulls)


def test_nothing_found_is_said(tmp_path):
    simulate(tmp_path / "few.h5", n=4, seed=1)
    discover(tmp_path / "few.h5", tmp_path / "m.h5", window=100)
    summary = annotate(tmp_path / "few.h5", tmp_path / "few.bed", tmp_path / "m.h5", tmp_path / "out")
    assert summary["patterns"]["total"] == summary["hits"]["total"] == 0
    assert any("no patterns to look for" in notice for notice in summary["notices"])
    for name in ("patterns.tsv", "matches.tsv", "hits.tsv"):
        table = own_names(read_tsv(tmp_path / "out" / name))
        assert table.empty
        assert "pattern" in table.columns
    assert (tmp_path / "out" / "hits.bed").read_text() == (tmp_path / "out" / "seqlets.bed").read_text() == ""


def test_no_maps_give_whole_files_without_a_line(tmp_path):
    for name in ("real", "null"):
        write_attributions(
            tmp_path / f"{name}.h5",
            lambda part: None,
            region_ids=[],
            length=160,
            prediction=np.zeros(0),
            convergence_delta=np.zeros(0),
            map_scale=1.0,
            attributes={"candidates": [], "note": "nobody"},
        )
        discover(tmp_path / f"{name}.h5", tmp_path / f"{name}.modisco.h5", window=120)
    (tmp_path / "real.bed").write_text("")
    write_database(tmp_path / "database.meme")
    summary = annotate(
        tmp_path / "real.h5",
        tmp_path / "real.bed",
        tmp_path / "real.modisco.h5",
        tmp_path / "out",
        null_attributions=[tmp_path / "null.h5"],
        null_modisco=[tmp_path / "null.modisco.h5"],
        database=tmp_path / "database.meme",
    )
    assert summary == read_json(tmp_path / "out" / "summary.json")
    assert (summary["discovery"]["n_regions"], summary["nulls"][0]["n_regions"]) == (0, 0)
    assert (summary["patterns"]["total"], summary["hits"]["total"]) == (0, 0)
    assert "there are no maps: no patterns can be found" in summary["notices"]
    for name in ("patterns.tsv", "matches.tsv", "hits.tsv"):
        assert read_tsv(tmp_path / "out" / name).empty
    motifs = (tmp_path / "out" / "patterns.meme").read_text()
    assert motifs.startswith("MEME version")
    assert "MOTIF" not in motifs
    for name in ("hits.bed", "seqlets.bed"):
        assert (tmp_path / "out" / name).read_text() == ""


def test_files_that_do_not_belong_together(tmp_path, stage):
    simulate(tmp_path / "other.h5", n=7, seed=1)
    with pytest.raises(UserError, match=r"7 lines but .* 400 maps"):
        annotate(stage.folder / "real.h5", tmp_path / "other.bed", stage.folder / "modisco.h5", tmp_path / "out")
    with pytest.raises(UserError, match="made from 400 maps of 200 bp"):
        annotate(tmp_path / "other.h5", tmp_path / "other.bed", stage.folder / "modisco.h5", tmp_path / "out")
