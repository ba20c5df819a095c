from dataclasses import replace

import numpy as np
import pytest

from lucidna.motifs.reproducibility import counts, group_counts, look_up, not_among

from .simulated import make_discovery, make_pattern
from .test_elements import OCT, SOX, composite

NAMES = ("TTACCCGGA", "CACGTGACA", "GGGCGATTA")
FINAL = [make_pattern(f"pos_patterns.pattern_{i}", text, n_seqlets=80) for i, text in enumerate(NAMES)]
EMPTY = make_discovery([], seen=50, used=0)


def blurred(name, text, *, seed, strength=3.0, noise=0.1):
    """The same motif as another network shows it: another scale, uneven columns, the other strand."""
    rng = np.random.default_rng(seed)
    pattern = make_pattern(name, text, n_seqlets=50, strength=strength)
    cwm = (pattern.cwm * rng.uniform(0.6, 1.0, (1, pattern.cwm.shape[1])))[::-1, ::-1]
    cwm = cwm + rng.normal(0, noise * strength, cwm.shape)
    return type(pattern)(**{**vars(pattern), "cwm": cwm})


def test_a_pattern_is_found_in_the_runs_that_have_it():
    runs = {
        "candidate": {
            "a": make_discovery([blurred("pos_patterns.pattern_0", NAMES[1], seed=1)]),
            "b": make_discovery(
                [blurred(f"pos_patterns.pattern_{i}", NAMES[j], seed=5 + i) for i, j in enumerate((2, 0))]
            ),
            "c": EMPTY,
        },
        "method": {"ism": EMPTY, "saliency": make_discovery([blurred("pos_patterns.pattern_0", NAMES[0], seed=3)])},
        "null maps": {
            "shuffled 0": make_discovery([make_pattern("pos_patterns.pattern_0", "AAGATTTG", n_seqlets=20)]),
            "permuted 0": EMPTY,
        },
    }
    table = look_up(FINAL, runs)
    assert len(table) == 3 * 7
    found = table[table["found"] == "yes"].groupby("pattern")["run"].apply(list).to_dict()
    assert found == {FINAL[0].name: ["b", "saliency"], FINAL[1].name: ["a"], FINAL[2].name: ["b"]}
    in_b = table[(table["run"] == "b") & (table["found"] == "yes")].set_index("pattern")["best"]
    assert in_b.to_dict() == {FINAL[0].name: "pos_patterns.pattern_1", FINAL[2].name: "pos_patterns.pattern_0"}
    assert (table.loc[table["run"] == "ism", "found"] == "too few seqlets").all()
    number = counts(table, FINAL).set_index("pattern")
    assert number.loc[FINAL[0].name].to_dict() == {
        "candidates": 1,
        "n_candidates": 3,
        "methods": 1,
        "n_methods": 1,
        "outputs": 0,
        "n_outputs": 0,
        "nulls": 0,
        "n_nulls": 1,
        "nulls_unsearched": 1,
    }
    entries = {
        "a": {"fold": "f0", "seed": 0, "family": "x"},
        "b": {"fold": "f1", "seed": 0, "family": "x"},
        "c": {"fold": "f1", "seed": 1, "family": "y"},
    }
    groups = group_counts(table, FINAL, entries).set_index("pattern")
    assert groups.loc[FINAL[0].name].tolist() == [1, 2, 1, 2, 1, 2]


def test_a_run_is_searched_or_not_for_each_sign():
    positive_only = make_discovery(FINAL)
    positive_only.facts["neg_seqlets_used"] = 0
    negative = make_pattern("neg_patterns.pattern_0", NAMES[0], n_seqlets=50)
    table = look_up([FINAL[0], negative], {"null maps": {"shuffled 0": positive_only}})
    assert table["found"].tolist() == ["yes", "too few seqlets"]
    number = counts(table, [FINAL[0], negative])
    assert number[["nulls", "n_nulls", "nulls_unsearched"]].to_numpy().tolist() == [[1, 1, 0], [0, 0, 1]]


def test_other_motifs_halves_and_signs_are_not_the_pattern():
    long = make_pattern("pos_patterns.pattern_0", "TTACCCGGATTTGCACGTGACA", n_seqlets=50)
    negative = make_pattern("neg_patterns.pattern_0", NAMES[0], n_seqlets=50)
    other = make_pattern("pos_patterns.pattern_1", "CTCTATCCT", n_seqlets=50)
    run = make_discovery([long, other, negative])
    table = look_up(FINAL[:1], {"candidate": {"a": run}})
    row = table.iloc[0]
    assert row["found"] == "no"
    assert row["similarity"] < 0.7
    assert [pattern.name for pattern in not_among(FINAL, run, table, kind="candidate", name="a")] == [
        long.name,
        other.name,
        negative.name,
    ]
    same = look_up([negative], {"candidate": {"a": run}}).iloc[0]
    assert (same["found"], same["best"], same["similarity"]) == ("yes", negative.name, pytest.approx(1))


def test_random_motifs_seldom_pass_for_each_other():
    rng = np.random.default_rng(2)

    def drawn(number):
        texts = ["".join(rng.choice(list("ACGT"), rng.integers(6, 12))) for _ in range(number)]
        return [blurred(f"pos_patterns.pattern_{i}", text, seed=i) for i, text in enumerate(texts)]

    table = look_up(drawn(20), {"candidate": {str(run): make_discovery(drawn(6)) for run in range(10)}})
    assert (table["found"] == "yes").mean() <= 0.03


def test_nothing_to_look_up_or_nowhere():
    assert look_up([], {"candidate": {"a": make_discovery(FINAL)}}).empty
    table = look_up(FINAL, {})
    assert table.empty
    number = counts(table, FINAL)
    assert (number.drop(columns="pattern") == 0).all().all()
    assert group_counts(table, FINAL, {})["n_folds"].tolist() == [0, 0, 0]
    none = look_up(FINAL, {"candidate": {"a": make_discovery([])}})
    assert none["found"].tolist() == ["no"] * 3
    assert none["p_value"].isna().all()


def test_a_composite_is_not_found_by_one_of_its_motifs():
    one = make_pattern("pos_patterns.pattern_0", OCT, n_seqlets=80)
    both, turned = (
        composite(f"pos_patterns.pattern_{number}", [OCT, SOX], [6], n_seqlets=40, reverse=reverse)
        for number, reverse in ((1, False), (0, True))
    )
    both, turned = (replace(each, cwm=np.where(each.ppm > 0.5, 1.0, 0.0)) for each in (both, turned))
    runs = {"candidate": {"one": make_discovery([one]), "both": make_discovery([turned])}}
    table = look_up([one, both], runs).set_index(["pattern", "run"])
    assert table.loc[(both.name, "one"), "similarity"] == pytest.approx(0.71, abs=0.02)
    assert table.loc[(both.name, "one"), "found"] == "no"
    assert table.loc[(both.name, "both"), "found"] == "yes"
    assert table.loc[(one.name, "one"), "found"] == "yes"
