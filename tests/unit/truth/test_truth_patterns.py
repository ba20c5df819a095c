import json

import numpy as np
import pytest

from lucidna.ppm import reverse_complement_ppm
from lucidna.simulate.grammar import DIFFICULTIES, build_motifs, describe
from lucidna.simulate.ppm import random_ppms
from lucidna.truth import compare_patterns, match_patterns

MOTIFS = build_motifs(DIFFICULTIES["standard"])
PPMS = {name: motif.ppm for name, motif in MOTIFS.items()}
EVEN = np.full((4, 9), 0.25)


def test_a_motif_in_a_wide_pattern_is_found_at_its_offset_and_strand():
    patterns = {
        "forward": np.concatenate([EVEN, PPMS["GATA"], EVEN], axis=1),
        "reverse": np.concatenate([EVEN[:, :4], reverse_complement_ppm(PPMS["CTCF"])], axis=1),
    }
    table = match_patterns(patterns, PPMS)
    assert table[["pattern", "motif", "offset", "strand"]].to_numpy().tolist() == [
        ["forward", "GATA", 9, "+"],
        ["reverse", "CTCF", 4, "-"],
    ]
    np.testing.assert_allclose(table["correlation"], 1)


def test_a_trimmed_pattern_loses_what_is_missing():
    table = match_patterns({"part": PPMS["CTCF"][:, 3:]}, PPMS)
    assert table.iloc[0][["motif", "offset", "strand"]].tolist() == ["CTCF", -3, "+"]
    assert table.iloc[0]["correlation"] == pytest.approx(np.sqrt(11 / 14))


def test_two_motifs_side_by_side_match_both():
    both = np.concatenate([PPMS["OCT"], EVEN[:, :6], PPMS["SOX"]], axis=1)
    table = match_patterns({"both": both}, PPMS, top=3)
    assert dict(zip(table["motif"][:2], table["offset"][:2], strict=True)) == {"OCT": 0, "SOX": 16}
    assert table["correlation"][1] > 0.999 > 0.7 > table["correlation"][2]


def test_unrelated_patterns_resemble_nothing():
    noise = random_ppms(20, width=20, information=6.0, seed=0)
    assert match_patterns(noise, PPMS)["correlation"].max() < 0.75
    assert match_patterns({"flat": EVEN}, PPMS)["correlation"][0] == 0


def test_nothing_to_match():
    assert match_patterns({}, PPMS).columns.tolist() == [
        "pattern",
        "motif",
        "correlation",
        "offset",
        "strand",
    ]
    assert match_patterns({"p": EVEN}, {}).empty


def test_compare_patterns_tells_found_missing_and_unmatched():
    patterns = {
        "pos.0": np.concatenate([EVEN, reverse_complement_ppm(PPMS["REB1"])], axis=1),
        "pos.1": PPMS["YY1"],
        "neg.0": PPMS["REST"],
        "pos.2": random_ppms(1, width=12, information=10.0, seed=1)["random_1"],
    }
    result = compare_patterns(patterns, describe(MOTIFS))
    found = {entry["motif"]: entry["pattern"] for entry in result["motifs"] if entry["found"]}
    assert found == {"REB1": "pos.0", "YY1": "pos.1", "REST": "neg.0"}
    assert (result["n_functional"], result["n_found"]) == (8, 2)
    assert result["decoys_found"] == ["YY1"]
    assert result["unmatched"] == ["pos.2"]
    assert result["pattern_motif"] == {"pos.0": ["REB1"], "pos.1": ["YY1"], "neg.0": ["REST"], "pos.2": []}
    json.dumps(result, allow_nan=False)


def test_a_composite_pattern_stands_for_both_motifs():
    both = np.concatenate([PPMS["OCT"], EVEN[:, :6], PPMS["SOX"]], axis=1)
    result = compare_patterns({"pos.0": both}, describe(MOTIFS))
    assert sorted(result["pattern_motif"]["pos.0"]) == ["OCT", "SOX"]
    assert result["n_found"] == 2


def test_compare_patterns_without_patterns():
    result = compare_patterns({}, describe(MOTIFS))
    assert (result["n_found"], result["n_functional"]) == (0, 8)
    assert all(entry["pattern"] is None and not entry["found"] for entry in result["motifs"])
