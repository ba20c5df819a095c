import numpy as np
import pandas as pd
import pytest

from lucidna.files import write_tsv
from lucidna.meme import write_meme
from lucidna.motifs.hit_columns import COLUMNS, write_hits
from lucidna.motifs.null import SUPPORTED, WEAK
from lucidna.sequence import encode
from lucidna.variants.motifs import in_regions, overlapping_hits, read_task_motifs


def ppm(word):
    matrix = np.full((4, len(word)), 0.01)
    matrix[encode(word), np.arange(len(word))] = 0.97
    return matrix


def test_hits_are_found_by_the_bases_that_change():
    hits = pd.DataFrame({"chrom": ["c", "c", "d"], "start": [10, 40, 10], "end": [20, 45, 20], "pattern": list("xyz")})
    hits["contribution"] = 1.0
    variants = pd.DataFrame({"chrom": ["c", "c", "c", "d", "e"], "start": [9, 19, 38, 12, 12]})
    variants["end"] = variants["start"] + [1, 1, 3, 1, 1]
    assert [found["pattern"].tolist() for found in overlapping_hits(variants, hits)] == [[], ["x"], ["y"], ["z"], []]
    assert [len(found) for found in overlapping_hits(variants, hits.iloc[:0])] == [0] * 5
    # Of an insertion both neighbours have to be in the hit.
    between = pd.DataFrame({"chrom": "c", "start": [10, 11, 19, 20], "end": [10, 11, 19, 20]})
    assert [len(found) for found in overlapping_hits(between, hits)] == [0, 1, 1, 0]


def test_of_several_hits_the_strongest_comes_first():
    hits = pd.DataFrame({"chrom": "c", "start": [10, 12, 14], "end": 30, "contribution": [0.5, -2.0, 1.0]})
    variants = pd.DataFrame({"chrom": ["c"], "start": [20], "end": [21]})
    assert overlapping_hits(variants, hits)[0]["contribution"].tolist() == [-2.0, 1.0, 0.5]


def test_where_hits_were_searched():
    regions = pd.DataFrame({"chrom": ["c", "c", "c", "d"], "start": [10, 12, 50, 0], "end": [40, 20, 60, 5]})
    variants = pd.DataFrame({"chrom": ["c"] * 7 + ["d", "e"], "start": [9, 10, 30, 39, 39, 40, 45, 4, 4]})
    variants["end"] = variants["start"] + [1, 1, 1, 1, 2, 0, 0, 1, 1]
    expected = [False, True, True, True, False, False, False, True, False]
    assert in_regions(variants, regions).tolist() == expected
    # By brute force.
    rng = np.random.default_rng(2)
    start = rng.integers(0, 200, size=(2, 60))
    regions, variants = (pd.DataFrame({"chrom": rng.choice(["c", "d"], size=60), "start": row}) for row in start)
    regions["end"], variants["end"] = (frame["start"] + rng.integers(1, 9, size=60) for frame in (regions, variants))
    found = [
        ((regions["chrom"] == chrom) & (regions["start"] <= first) & (regions["end"] >= last)).any()
        for chrom, first, last in variants[["chrom", "start", "end"]].itertuples(index=False)
    ]
    assert 0 < sum(found) < 60
    assert in_regions(variants, regions).tolist() == found


@pytest.mark.parametrize("heads", [("counts",), ("counts", "profile")])
def test_supported_patterns_and_credible_hits_are_read(tmp_path, heads):
    for head in heads:
        folder = tmp_path / head
        folder.mkdir()
        write_tsv(folder / "regions.tsv", pd.DataFrame({"chrom": ["c"], "start": [0], "end": [9], "hits": [1]}))
        names = [f"pos_patterns.pattern_{k}" for k in range(3)]
        hits = pd.DataFrame({"chrom": "c", "start": [1, 2, 3], "end": [5, 6, 7]})
        hits["pattern"] = [names[0], names[0], names[1]]
        # The third is credible, but its pattern is weak.
        write_tsv(folder / "hits.tsv", hits.assign(motif=["CTCF", "", ""], contribution=1.0, q_value=[0.05, 0.5, 0.01]))
        table = pd.DataFrame({"pattern": names, "label": [SUPPORTED, WEAK, SUPPORTED], "match_name": ["CTCF", "x", ""]})
        table["n_seqlets"] = 36
        write_tsv(folder / "patterns.tsv", table)
        write_meme(folder / "patterns.meme", names, [ppm("ACGT")] * 3, sites=[5] * 3)
    known = read_task_motifs([tmp_path / head for head in heads], fdr=0.1)
    prefixes = [""] if len(heads) == 1 else ["counts:", "profile:"]
    assert list(known.motifs) == [
        prefix + name for prefix in prefixes for name in ("pos_patterns.pattern_0 (CTCF)", "pos_patterns.pattern_2")
    ]
    # 36 instances and one more of each base.
    for matrix in known.motifs.values():
        np.testing.assert_allclose(np.sort(matrix, axis=0)[[0, -1]].T, [[1.36 / 40, 35.92 / 40]] * 4, atol=1e-6)
    assert known.hits["q_value"].tolist() == [0.05] * len(heads)
    assert known.hits["name"].tolist() == [prefix + "pos_patterns.pattern_0 (CTCF)" for prefix in prefixes]
    assert known.regions.to_dict("records") == [{"chrom": "c", "start": 0, "end": 9}] * len(heads)


def test_a_motif_stage_without_patterns_has_neither_hits_nor_motifs(tmp_path):
    write_hits(tmp_path / "hits.tsv", pd.DataFrame(columns=COLUMNS))
    write_tsv(tmp_path / "regions.tsv", pd.DataFrame({"chrom": ["c"], "start": [0], "end": [50]}))
    write_tsv(tmp_path / "patterns.tsv", pd.DataFrame(columns=["pattern", "label", "match_name", "n_seqlets"]))
    (tmp_path / "patterns.meme").write_text("MEME version 4\n")
    known = read_task_motifs([tmp_path], fdr=0.1)
    assert known.motifs == {}
    variants = pd.DataFrame({"chrom": ["c"], "start": [5], "end": [6]})
    assert [len(found) for found in overlapping_hits(variants, known.hits)] == [0]
    assert in_regions(variants, known.regions).tolist() == [True]
