import numpy as np
import pandas as pd
import pytest

from lucidna.files import write_tsv
from lucidna.meme import write_meme
from lucidna.motifs.null import SUPPORTED, WEAK
from lucidna.sequence import encode
from lucidna.variants.motifs import matches_changed, overlapping_hits, read_task_motifs


def ppm(word):
    matrix = np.full((4, len(word)), 0.01)
    matrix[encode(word), np.arange(len(word))] = 0.97
    return matrix


def windows(*words):
    codes = np.zeros((len(words), 60), dtype=np.uint8)
    for row, word in zip(codes, words, strict=True):
        row[30 - 3 : 30 - 3 + len(word)] = encode(word)
    return codes


def test_either_strand_is_matched_and_places_beside_the_allele_are_not():
    motifs = {"word": ppm("TGCCTTACG")}
    one = np.ones((2, 2), dtype=np.int64)
    reverse = "CGTAAGGCA"
    changed = matches_changed(windows("A", reverse), windows("TGCCTTACG", "A"), one, motifs)
    assert changed == [(["word"], []), ([], ["word"])]
    # The same word ten bases further on does not overlap the variant.
    aside = [np.roll(windows(word), 13, axis=1) for word in ("A", "TGCCTTACG")]
    assert matches_changed(*aside, one[:1], motifs) == [([], [])]
    assert matches_changed(*aside, one[:1], {}) == [([], [])]


def test_hits_are_found_by_overlap_with_the_reference_allele():
    hits = pd.DataFrame({"chrom": ["c", "c", "d"], "start": [10, 40, 10], "end": [20, 45, 20], "pattern": list("xyz")})
    variants = pd.DataFrame({"chrom": ["c", "c", "c", "d", "e"], "start": [9, 19, 38, 12, 12]})
    variants["ref"] = ["A", "A", "AAA", "A", "A"]
    assert [found["pattern"].tolist() for found in overlapping_hits(variants, hits)] == [[], ["x"], ["y"], ["z"], []]
    assert [len(found) for found in overlapping_hits(variants, hits.iloc[:0])] == [0] * 5


@pytest.mark.parametrize("heads", [("counts",), ("counts", "profile")])
def test_supported_patterns_and_credible_hits_are_read(tmp_path, heads):
    for head in heads:
        folder = tmp_path / head
        folder.mkdir()
        names = [f"pos_patterns.pattern_{k}" for k in range(3)]
        hits = pd.DataFrame({"chrom": "c", "start": [1, 2, 3], "end": [5, 6, 7]})
        hits["pattern"] = [names[0], names[0], names[1]]
        # The third is credible, but its pattern is weak.
        write_tsv(folder / "hits.tsv", hits.assign(motif=["CTCF", "", ""], contribution=1.0, q_value=[0.05, 0.5, 0.01]))
        table = pd.DataFrame({"pattern": names, "label": [SUPPORTED, WEAK, SUPPORTED], "match_name": ["CTCF", "x", ""]})
        write_tsv(folder / "patterns.tsv", table)
        write_meme(folder / "patterns.meme", names, [ppm("ACGT")] * 3, sites=[5] * 3)
    known = read_task_motifs([tmp_path / head for head in heads], fdr=0.1)
    prefixes = [""] if len(heads) == 1 else ["counts:", "profile:"]
    assert list(known.motifs) == [
        prefix + name for prefix in prefixes for name in ("pos_patterns.pattern_0 (CTCF)", "pos_patterns.pattern_2")
    ]
    assert known.hits["q_value"].tolist() == [0.05] * len(heads)
