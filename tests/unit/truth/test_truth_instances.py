import json

import numpy as np
import pandas as pd
import pytest

from lucidna.errors import UserError
from lucidna.simulate.write import write_bigwig, write_instances
from lucidna.truth import instance_recovery, mask_windows, read_instances


def frame(rows: list[tuple]) -> pd.DataFrame:
    columns = ["chrom", "start", "end", "motif", "role"]
    return pd.DataFrame(rows, columns=columns).assign(score=1000, strand="+", region=".", strength=1.0)


def hit_frame(rows: list[tuple]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["chrom", "start", "end", "pattern"])


INSTANCES = frame(
    [
        ("chr1", 100, 110, "GATA", "activator"),
        ("chr1", 104, 112, "REST", "repressor"),
        ("chr1", 300, 310, "GATA", "activator"),
        ("chr1", 500, 510, "YY1", "decoy"),
        ("chr2", 100, 110, "GATA", "activator"),
    ]
)


def by(entries: list[dict], key: str) -> dict[str, dict]:
    return {entry[key]: entry for entry in entries}


def test_recovery_by_hand():
    hits = hit_frame(
        [
            ("chr1", 102, 110, "p0"),  # on GATA, and on 6 of 8 bases of REST
            ("chr1", 306, 316, "p0"),  # 4 of 10 bases: too few
            ("chr1", 498, 510, "p1"),  # on the decoy
            ("chr1", 900, 910, "p1"),  # on nothing
            ("chr3", 100, 110, "p1"),  # on a chromosome without instances
        ]
    )
    found = instance_recovery(hits, INSTANCES)
    assert (found["n_hits"], found["n_instances"]) == (5, 4)
    assert found["recall"] == 0.5
    assert found["precision"] == 0.2
    assert found["decoy_share"] == 0.2
    motifs = by(found["motifs"], "motif")
    assert (motifs["GATA"]["n_found"], motifs["GATA"]["n_instances"]) == (1, 3)
    assert motifs["REST"]["recall"] == 1
    assert motifs["YY1"]["recall"] == 1
    patterns = by(found["patterns"], "pattern")
    assert patterns["p0"]["precision"] == 0.5
    assert (patterns["p1"]["motif"], patterns["p1"]["precision"]) == ("YY1", 0)
    json.dumps(found, allow_nan=False)


def test_a_smaller_overlap_finds_more():
    hits = hit_frame([("chr1", 306, 316, "p0")])
    assert instance_recovery(hits, INSTANCES, min_overlap=0.4)["recall"] == 0.25
    assert instance_recovery(hits, INSTANCES, min_overlap=0.41)["recall"] == 0


def test_a_hit_counts_only_for_the_motif_it_stands_for():
    hits = hit_frame([("chr1", 100, 112, "p0"), ("chr1", 300, 310, "p1")])
    found = instance_recovery(hits, INSTANCES, pattern_motif={"p0": ["REST"], "p1": []})
    motifs = by(found["motifs"], "motif")
    assert (motifs["REST"]["n_found"], motifs["GATA"]["n_found"]) == (1, 0)
    assert found["precision"] == 0.5
    assert found["decoy_share"] == 0
    patterns = by(found["patterns"], "pattern")
    assert (patterns["p0"]["motif"], patterns["p1"]["motif"]) == ("REST", None)


def test_a_composite_hit_finds_both_of_its_motifs():
    hits = hit_frame([("chr1", 100, 112, "p0")])
    found = instance_recovery(hits, INSTANCES, pattern_motif={"p0": ["GATA", "REST"]})
    motifs = by(found["motifs"], "motif")
    assert (motifs["REST"]["n_found"], motifs["GATA"]["n_found"]) == (1, 1)
    assert found["patterns"][0]["motif"] == "GATA+REST"


def test_a_composite_hit_on_one_of_its_motifs_is_false():
    hits = hit_frame([("chr1", 100, 112, "p0")])
    found = instance_recovery(hits, INSTANCES, pattern_motif={"p0": ["GATA", "REST", "CTCF"]})
    assert (found["precision"], found["recall"]) == (0, 0)


def test_only_instances_inside_the_searched_windows_count():
    windows = pd.DataFrame({"chrom": ["chr1", "chr1"], "start": [90, 95], "end": [400, 120]})
    found = instance_recovery(hit_frame([("chr1", 300, 310, "p")]), INSTANCES, within=windows)
    assert found["n_instances"] == 3
    assert found["recall"] == pytest.approx(1 / 3)
    cut = instance_recovery(hit_frame([]), INSTANCES, within=windows.assign(end=305))
    assert cut["n_instances"] == 2


def test_no_hits_and_no_instances():
    none = instance_recovery(hit_frame([]), INSTANCES)
    assert (none["recall"], none["precision"], none["patterns"]) == (0, None, [])
    nothing = instance_recovery(hit_frame([("chr1", 1, 9, "p")]), INSTANCES.iloc[:0])
    assert (nothing["recall"], nothing["precision"], nothing["motifs"]) == (None, 0, [])


def test_many_hits_agree_with_a_plain_loop():
    rng = np.random.default_rng(0)
    starts = rng.integers(0, 3000, size=200)
    instances = frame(
        [("chr1", s, s + w, "m", "pair") for s, w in zip(starts, rng.integers(6, 15, size=200), strict=True)]
    )
    starts = rng.integers(0, 3000, size=150)
    hits = hit_frame([("chr1", s, s + w, "p") for s, w in zip(starts, rng.integers(5, 40, size=150), strict=True)])
    found, true = set(), set()
    for h, hit in enumerate(hits.itertuples()):
        for i, instance in enumerate(instances.itertuples()):
            shared = min(hit.end, instance.end) - max(hit.start, instance.start)
            if shared > 0 and shared >= 0.5 * min(hit.end - hit.start, instance.end - instance.start):
                found.add(i)
                true.add(h)
    result = instance_recovery(hits, instances)
    assert 20 < len(found) < 190
    assert result["recall"] == len(found) / 200
    assert result["precision"] == len(true) / 150


def test_instances_are_read_as_written(tmp_path):
    write_instances(tmp_path / "instances.bed", INSTANCES)
    read_back = read_instances(tmp_path / "instances.bed")
    pd.testing.assert_frame_equal(read_back[INSTANCES.columns], INSTANCES, check_dtype=False)


@pytest.mark.parametrize("text", ["chr1\t1\t9\tGATA\n", "#chrom\tstart\tend\n"])
def test_other_files_are_refused(tmp_path, text):
    path = tmp_path / "instances.bed"
    path.write_text(text)
    with pytest.raises(UserError, match="first line"):
        read_instances(path)
    with pytest.raises(UserError, match="no file"):
        read_instances(tmp_path / "absent.bed")


@pytest.fixture
def mask(tmp_path):
    track = np.zeros(50)
    track[[0, 10, 11, 49]] = [0.5, 1, 2, 3]
    write_bigwig(tmp_path / "mask.bw", {"chr1": track, "chr2": np.zeros(30)})
    return tmp_path / "mask.bw"


def test_mask_windows_reach_beyond_the_ends(mask):
    windows = mask_windows(mask, ["chr1", "chr2", "chr1", "chr1"], [8, 0, -3, 46], [13, 5, 2, 51])
    assert windows.tolist() == [[0, 0, 1, 2, 0], [0] * 5, [0, 0, 0, 0.5, 0], [0, 0, 0, 3, 0]]
    outside = mask_windows(mask, ["chr1", "chr1"], [-20, 60], [-15, 65])
    assert (outside == 0).all()
    assert mask_windows(mask, [], [], []).shape == (0, 0)


def test_mask_windows_name_what_is_wrong(mask, tmp_path):
    with pytest.raises(UserError, match="no chromosome 'chr9'"):
        mask_windows(mask, ["chr9"], [0], [5])
    with pytest.raises(UserError, match="equal widths"):
        mask_windows(mask, ["chr1", "chr1"], [0, 0], [5, 6])
    with pytest.raises(UserError, match="cannot read"):
        mask_windows(tmp_path / "absent.bw", ["chr1"], [0], [5])
