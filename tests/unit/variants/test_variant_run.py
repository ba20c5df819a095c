import gzip
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pysam
import pytest

from lucidna.files import read_json, read_tsv, sha256
from lucidna.sequence import decode, encode
from lucidna.variants import run as module
from lucidna.variants.motifs import TaskMotifs
from lucidna.variants.run import annotate_variants

WORD, NAME = "TGCCTTA", "pos_patterns.pattern_0 (AP1)"


def ppm(word):
    matrix = np.full((4, len(word)), 0.01)
    matrix[encode(word), np.arange(len(word))] = 0.97
    return matrix


def dataset(target="counts"):
    tracks = [{"channels": [0], "control": []}]
    info = {"window": {"input": 100, "output": 60, "jitter": 0}, "tasks": ["a"], "target": target, "tracks": tracks}
    return SimpleNamespace(info=info)


@pytest.fixture
def motifs():
    hit = {"chrom": "chr1", "start": 200, "end": 207, "strand": "+", "pattern": "pos_patterns.pattern_0"}
    hits = pd.DataFrame([{**hit, "name": NAME, "contribution": c, "q_value": 0.01} for c in (0.5, -1.25)])
    hits.loc[0, "start"] = 202
    regions = pd.DataFrame({"chrom": ["chr1"], "start": [150], "end": [250]})
    return {"a": TaskMotifs(hits, regions, {NAME: ppm(WORD)})}


@pytest.fixture
def vcf(world):
    # 1: breaks the word; 2: makes one elsewhere by putting it in; 3: far from everything.
    anchor, far = decode(world.chroms["chr2"][149:150]), decode(world.chroms["chr1"][49:50])
    return world.write(
        ("chr1", 204, "breaks", "C", "G"),
        ("chr2", 150, "makes", anchor, anchor + WORD),
        ("chr1", 50, "far", far, "ACGT"["ACGT".index(far) - 1]),
    )


def rate(patterns, *, variants=0, share=None, others=0, others_share=None):
    shares = {"make_or_break": share, "others_make_or_break": others_share}
    return {"patterns": patterns, "variants": variants, "other_substitutions": others, **shares}


def run(world, vcf, motifs, *, nets=2, target="counts", profile=False):
    models = [(f"net{k}", world.WordNet(WORD, profile=profile)) for k in range(nets)]
    return annotate_variants(vcf, world.genome, models, dataset(target), motifs, world.folder / "out")


def test_what_is_broken_and_made_is_found(world, vcf, motifs):
    summary = run(world, vcf, motifs)
    table = read_tsv(world.folder / "out" / "variants.tsv").set_index("id")
    change = 2 / np.log(2)
    assert table["log2_fold_change"].to_dict() == pytest.approx(
        {"breaks": -change, "makes": change, "far": 0}, abs=1e-4
    )
    assert table["searched"].to_dict() == {"breaks": True, "makes": False, "far": False}
    assert table.loc["breaks", "hit"] == f"{NAME};{NAME}"
    assert table.loc["breaks", ["hit_start", "hit_end", "hit_strand"]].tolist() == ["200;202", "207;207", "+;+"]
    assert table.loc["breaks", "hit_contribution"] == "-1.25;0.5"
    assert table.loc["breaks", "breaks"] == NAME
    assert table.loc["makes", "makes"] == NAME
    assert table.loc["breaks", ["site", "site_strand"]].tolist() == [NAME, "+"]
    assert table["site_start"].to_dict() == pytest.approx({"breaks": 200, "makes": 150, "far": np.nan}, nan_ok=True)
    assert table.loc["breaks", "site_change"] == pytest.approx(np.log2(0.0101 / 0.9701), abs=0.01)
    assert table.loc["breaks", "site_reference"] == pytest.approx(7 * np.log2(0.9701 / 0.25), abs=0.01)
    assert pd.isna(table.loc["far", ["hit", "makes", "breaks", "site"]]).all()
    assert pd.isna(table.loc["makes", "breaks"])
    assert summary["n_variants"] == 3
    # The insertion is left out. At the word either other base breaks it as well, far from it none does.
    assert summary["sites"] == {"a": rate(1, variants=2, share=0.5, others=4, others_share=0.5)}
    assert summary["digests"] == {str(vcf): sha256(vcf)}
    assert read_json(world.folder / "out" / "summary.json") == summary


def test_blocks_change_nothing(world, vcf, motifs, monkeypatch):
    run(world, vcf, motifs)
    files = [world.folder / "out" / name for name in ("variants.tsv", "variants.vcf.gz", "summary.json")]
    whole = [path.read_bytes() for path in files]
    held = []
    windows = module._windows
    monkeypatch.setattr(module, "_windows", lambda block, *rest: (held.append(len(block)), windows(block, *rest))[1])
    monkeypatch.setattr(module, "BLOCK", 2)
    run(world, vcf, motifs)
    assert held == [2, 1]
    assert [path.read_bytes() for path in files] == whole


def test_vcf_carries_the_same_numbers(world, vcf, motifs):
    run(world, vcf, motifs, profile=True, target="profile")
    table = read_tsv(world.folder / "out" / "variants.tsv").set_index("id")
    with pysam.VariantFile(str(world.folder / "out" / "variants.vcf.gz")) as handle:
        records = {record.id: record for record in handle}
    for name, record in records.items():
        assert record.info["lucidna_a"][0] == pytest.approx(table.loc[name, "log2_fold_change"], abs=1e-5)
        assert record.info["lucidna_a_jsd"][0] == pytest.approx(table.loc[name, "jsd"], abs=1e-5)
    name = NAME.replace(" ", "_")
    assert records["breaks"].info["lucidna_a_hit"] == (f"{name}|{name}",)
    assert records["breaks"].info["lucidna_a_breaks"] == (name,)
    assert records["breaks"].info["lucidna_a_searched"] == (1,)
    assert records["far"].info["lucidna_a_searched"] == (0,)
    assert "lucidna_a_hit" not in records["far"].info


def test_a_vcf_with_samples_ends_well(world, motifs):
    word = decode(world.chroms["chr1"][203:204])
    source = world.write(("chr1", 204, "two", word, "G,<DEL>,T"), samples=("mother", "child"))
    run(world, source, motifs)
    with gzip.open(world.folder / "out" / "variants.vcf.gz", "rt") as handle:
        *_, columns, record = handle.read().splitlines()
    assert columns.split("\t")[8:] == ["FORMAT", "mother", "child"]
    assert record.split("\t")[8:] == ["GT:DP", "0/1:5", "0/1:6"]
    info = dict(part.split("=") for part in record.split("\t")[7].split(";"))
    assert info["lucidna_a_searched"] == "1,.,1"
    assert set(info) == {f"lucidna_a{suffix}" for suffix in ("", "_sd", "_searched", "_hit", "_breaks")}


def test_an_alternative_that_is_listed_twice_is_one_row_with_a_value_for_each_in_the_vcf(world, motifs):
    summary = run(world, world.write(("chr1", 204, "twice", "C", "G,g,T")), motifs)
    table = read_tsv(world.folder / "out" / "variants.tsv")
    assert table["alt"].tolist() == ["G", "T"]
    assert (summary["n_variants"], list(summary["skipped"].values())) == (2, [1])
    with gzip.open(world.folder / "out" / "variants.vcf.gz", "rt") as handle:
        words = handle.read().splitlines()[-1].split("\t")
    assert words[4] == "G,g,T"
    values = dict(part.split("=") for part in words[7].split(";"))["lucidna_a"].split(",")
    assert [float(value) for value in values] == pytest.approx(table["log2_fold_change"][[0, 0, 1]].tolist(), abs=1e-4)


def test_one_network_has_no_spread_and_binary_targets_have_odds(world, vcf, motifs):
    run(world, vcf, motifs, nets=1, target="binary")
    table = read_tsv(world.folder / "out" / "variants.tsv")
    assert table["log2_odds_ratio_sd"].isna().all()
    assert table["log2_odds_ratio"].notna().all()


def test_no_network_and_no_motif_are_labelled_results(world, vcf):
    summary = run(world, vcf, {}, nets=0)
    assert len(read_tsv(world.folder / "out" / "variants.tsv")) == 0
    assert "no candidate" in summary["notices"][0]
    assert summary["sites"] == {}
    assert run(world, vcf, {}, nets=2)["sites"] == {"a": rate(0)}
    table = read_tsv(world.folder / "out" / "variants.tsv")
    assert table["hit"].isna().all()
    assert not table["searched"].any()
    assert len(table) == 3


def test_all_skipped_is_a_labelled_result(world, motifs):
    base = decode(world.chroms["chr1"][49:50])
    summary = run(world, world.write(("chr1", 50, ".", base, "<DUP>")), motifs)
    assert summary["n_variants"] == 0
    assert summary["skipped"] == {"symbolic allele, breakend or unknown base": 1}
    assert "skipped.tsv says why" in summary["notices"][0]
    assert summary["sites"] == {"a": rate(1)}


def test_without_substitutions_or_supported_patterns_there_is_no_rate(world, vcf, motifs):
    anchor = decode(world.chroms["chr2"][149:150])
    summary = run(world, world.write(("chr2", 150, "makes", anchor, anchor + WORD)), motifs)
    assert summary["n_variants"] == 1
    assert summary["sites"] == {"a": rate(1)}
    known = TaskMotifs(motifs["a"].hits[:0], motifs["a"].regions, {})
    assert run(world, vcf, {"a": known})["sites"] == {"a": rate(0)}
