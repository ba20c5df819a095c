from types import SimpleNamespace

import numpy as np
import pandas as pd
import pysam
import pytest

from lucidna.files import read_json, read_tsv
from lucidna.sequence import decode, encode
from lucidna.variants.motifs import TaskMotifs
from lucidna.variants.run import annotate_variants

WORD = "TGCCTTA"


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
    hits = pd.DataFrame([{**hit, "motif": "AP1", "contribution": 1.2, "q_value": 0.01}])
    return {"a": TaskMotifs(hits, {"pos_patterns.pattern_0": ppm(WORD)})}


@pytest.fixture
def vcf(world):
    # 1: breaks the word; 2: makes one elsewhere by putting it in; 3: far from everything.
    anchor, far = decode(world.chroms["chr2"][149:150]), decode(world.chroms["chr1"][49:50])
    return world.write(
        ("chr1", 204, "breaks", "C", "G"),
        ("chr2", 150, "makes", anchor, anchor + WORD),
        ("chr1", 50, "far", far, "ACGT"["ACGT".index(far) - 1]),
    )


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
    assert table.loc["breaks", "hit"] == "AP1"
    assert table.loc["breaks", "breaks"] == "pos_patterns.pattern_0"
    assert table.loc["makes", "makes"] == "pos_patterns.pattern_0"
    assert pd.isna(table.loc["far", ["hit", "makes", "breaks"]]).all()
    assert pd.isna(table.loc["makes", "breaks"])
    assert summary["n_variants"] == 3
    assert read_json(world.folder / "out" / "summary.json") == summary


def test_vcf_carries_the_same_numbers(world, vcf, motifs):
    run(world, vcf, motifs, profile=True, target="profile")
    table = read_tsv(world.folder / "out" / "variants.tsv").set_index("id")
    with pysam.VariantFile(str(world.folder / "out" / "variants.vcf.gz")) as handle:
        records = {record.id: record for record in handle}
    for name, record in records.items():
        assert record.info["lucidna_a"][0] == pytest.approx(table.loc[name, "log2_fold_change"], abs=1e-5)
        assert record.info["lucidna_a_jsd"][0] == pytest.approx(table.loc[name, "jsd"], abs=1e-5)
    assert records["breaks"].info["lucidna_a_hit"] == ("AP1",)
    assert "lucidna_a_hit" not in records["far"].info


def test_one_network_has_no_spread_and_binary_targets_have_odds(world, vcf, motifs):
    run(world, vcf, motifs, nets=1, target="binary")
    table = read_tsv(world.folder / "out" / "variants.tsv")
    assert table["log2_odds_ratio_sd"].isna().all()
    assert table["log2_odds_ratio"].notna().all()


def test_no_network_and_no_motif_are_labelled_results(world, vcf):
    summary = run(world, vcf, {}, nets=0)
    assert len(read_tsv(world.folder / "out" / "variants.tsv")) == 0
    assert "no candidate" in summary["notices"][0]
    run(world, vcf, {}, nets=2)
    table = read_tsv(world.folder / "out" / "variants.tsv")
    assert table["hit"].isna().all()
    assert len(table) == 3


def test_all_skipped_is_a_labelled_result(world, motifs):
    base = decode(world.chroms["chr1"][49:50])
    summary = run(world, world.write(("chr1", 50, ".", base, "<DUP>")), motifs)
    assert summary["n_variants"] == 0
    assert summary["skipped"] == {"symbolic allele, breakend or unknown base": 1}
    assert "skipped.tsv says why" in summary["notices"][0]
