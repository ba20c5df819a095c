import json

import numpy as np
import pandas as pd

from lucidna.ranking.separation import inseparable_from_best, regions_to_separate, seeds_to_separate
from lucidna.ranking.verdict import RULE_TEXT, choose, compared_by, verdict_of


def table(statuses, folds=None, controls=None, families=None):
    n = len(statuses)
    return pd.DataFrame(
        {
            "id": [f"net{index}" for index in range(n)],
            "family": families or ["one"] * n,
            "fold": folds or ["f"] * n,
            "control": controls or ["none"] * n,
            "status": statuses,
            "reason": ["" if status == "passed" else "because" for status in statuses],
            "score": np.linspace(1, 0.1, n),
            "prediction": np.linspace(0.8, 0.9, n),
        }
    )


def decide(frame, inseparable=None, needed=None, **kwargs):
    folds = list(dict.fromkeys(frame["fold"]))
    verdict = verdict_of(
        frame,
        rule="A*",
        inseparable=inseparable or {fold: [] for fold in folds},
        needed=needed or dict.fromkeys(folds),
        n_regions=dict.fromkeys(folds, 200),
        **{"top": 2, **kwargs},
    )
    assert json.loads(json.dumps(verdict, allow_nan=False)) == verdict
    return verdict


def test_a_clear_winner():
    verdict = decide(table(["passed", "passed", "passed", "vetoed", "gated", "failed"]))
    assert verdict["status"] == "chosen"
    assert verdict["best"] == "net0"
    assert verdict["chosen"] == ["net0", "net1"]
    assert verdict["would_separate"] is None
    assert "The best is net0 (score 1.00 of 1, validation prediction 0.800), separated from every" in verdict["text"]
    assert verdict["vetoed"] == [{"id": "net3", "reason": "because"}]
    assert [entry["id"] for key in ("gated", "failed") for entry in verdict[key]] == ["net4", "net5"]
    assert decide(table(["passed", "passed"]), single=True)["chosen"] == ["net0"]


def test_inseparable_twins():
    verdict = decide(table(["passed"] * 3), inseparable={"f": ["net1"]}, needed={"f": 900})
    assert verdict["status"] == "cannot separate"
    assert verdict["inseparable"] == ["net1"]
    assert "roughly 900 regions in place of 200" in verdict["would_separate"]
    assert "cannot be told apart" in verdict["text"]
    assert "they are of one family" in verdict["would_separate"].lower()
    never = decide(table(["passed"] * 3), inseparable={"f": ["net1"]}, needed={"f": None})
    assert "no realistic number" in never["would_separate"]


def test_more_seeds_are_asked_for_where_families_cannot_be_told_apart():
    frame = table(["passed"] * 6, families=["one", "two", "one", "three", "two", "two"])
    verdict = decide(frame, inseparable={"f": ["net1", "net2", "net3"]}, needed={"f": 900})
    # Scores fall by 0.18: one has 1 and .64, two has .82, .28 and .1, three has a single seed.
    spread = 1.96**2 * (0.18**2 * 2 + 0.1404) / 0.42**2
    assert verdict["seeds"] == {"two": int(np.ceil(spread)), "three": 0}
    assert f"{int(np.ceil(spread))} seeds of each to tell its family from two" in verdict["would_separate"]
    assert "at least 3 seeds of each (grid.seeds) to know how far it differs from three" in verdict["would_separate"]
    assert verdict["would_separate"] in verdict["text"]
    alone = decide(frame, inseparable={"f": ["net2"]}, needed={"f": 900})
    assert alone["seeds"] == {}
    assert "average them" in alone["would_separate"]


def test_seeds_are_counted_within_folds():
    scores = pd.DataFrame(
        {
            "family": ["a", "a", "a", "a", "b", "b", "b", "b"],
            "fold": ["x", "x", "y", "y"] * 2,
            "score": [0.9, 0.8, 0.5, 0.4, 0.8, 0.7, 0.4, 0.3],
        }
    )
    # Within a fold the seeds differ by 0.1, s.d. 0.0707; the families by 0.1 in two folds.
    assert seeds_to_separate(scores, "a", "b") == int(np.ceil(1.96**2 * 2 * 0.005 / (0.01 * 2)))
    assert seeds_to_separate(scores, "b", "a") is None
    assert seeds_to_separate(scores.iloc[[0, 2, 4, 5]], "a", "b") == 0
    close = scores.assign(score=scores["score"] + np.where(scores["family"] == "b", 0.099, 0))
    assert seeds_to_separate(close, "a", "b") is None


def test_all_vetoed_or_none_left():
    frame = table(["vetoed", "vetoed", "control"], controls=["none", "none", "label_shuffled"])
    verdict = decide(frame)
    assert (verdict["status"], verdict["chosen"], verdict["best"], verdict["front"]) == ("none", [], None, [])
    assert "No candidate is chosen" in verdict["text"]
    assert "2 candidates and 1 control " in verdict["text"]


def test_every_fold_is_in_the_chosen_set():
    frame = table(["passed"] * 4, folds=["a", "a", "a", "b"])
    assert choose(frame, top=2) == ["net0", "net3"]
    assert choose(frame, top=3) == ["net0", "net1", "net3"]
    assert choose(frame, top=9) == ["net0", "net1", "net2", "net3"]
    assert choose(frame, top=1) == ["net0"]
    assert set(decide(frame)["by_fold"]) == {"a", "b"}


def test_checkpoints_of_one_run_are_delivered_once():
    frame = table(["passed"] * 4)
    runs = {"net0": "run", "net1": "run", "net2": "run", "net3": "other"}
    assert choose(frame, top=3, runs=runs) == ["net0", "net3"]


def test_what_was_set_aside_is_counted_by_its_grounds():
    frame = table(["passed", "passed", *["vetoed"] * 7, "gated", "failed", "failed"])
    frame.loc[2:8, "reason"] = "its c_auc 0.5 is in the lowest 5% of all"
    frame.loc[2, "reason"] = "its c_cos 0.2 (lower end 0.1) is not above 0.3, a control's upper end"
    frame.loc[9, "reason"] = "its validation auroc does not exceed chance"
    frame.loc[10:, "reason"] = ["its training failed: loss is NaN", "its training failed: no data"]
    text = decide(frame)["text"]
    assert "2 could not be compared: training failed (net10, net11)." in text
    assert "1 was stopped at the gate on prediction: prediction no better than chance (net9)." in text
    assert (
        "7 were vetoed for their maps: consensus cosine not above that of a control in 1 (net2); "
        "consensus AUROC in the lowest 5% of those that pass the gate in 6 (net3, net4, net5, net6, net7 and 1 more)."
        in text
    )


def test_ties_across_the_edge_of_the_delivered_are_told():
    frame = table(["passed"] * 5)
    frame["score"] = [0.9, 0.6, 0.6, 0.6, 0.2]
    assert (
        "net1 is delivered and has the same score (0.60) as net2, net3, which are not: the better validation auroc "
        "decided." in decide(frame, metric="auroc")["text"]
    )
    frame["prediction"] = np.nan
    text = decide(frame, top=3)["text"]
    assert (
        "net1, net2 are delivered and have the same score (0.60) as net3, which is not: nothing but the order" in text
    )
    for top in (1, 4, 5):
        assert "the same score" not in decide(frame, top=top)["text"]
    # What shares a run with a delivered candidate is delivered by it.
    runs = {"net0": 0, "net1": 1, "net2": 1, "net3": 1, "net4": 4}
    assert "the same score" not in decide(frame, runs=runs)["text"]
    folds = table(["passed"] * 3, folds=["a", "a", "b"])
    folds["score"] = 0.7
    assert (
        "net0, net2 are delivered and have the same score (0.70) as net1, which is not: every fold"
        in (decide(folds)["text"])
    )


def test_a_tie_is_not_told_apart_by_more_regions():
    rng = np.random.default_rng(0)
    draws = rng.normal(0.5, 0.05, (200, 2)) + np.array([0.05, 0])
    others = np.array([False, True])
    assert regions_to_separate(draws, 0, others, 100) is not None
    assert regions_to_separate(draws, 0, others, 100, scores=np.array([0.8, 0.8])) is None


def test_an_estimate_that_contradicts_what_was_seen_is_not_printed():
    """Places change in steps: most draws agree, and in more than one of forty the two change places."""
    draws = np.tile([0.9, 0.6], (200, 1))
    draws[:8] = [0.6, 0.9]
    marked = inseparable_from_best(draws, 0)
    np.testing.assert_array_equal(marked, [False, True])
    mean, spread = (draws[:, 0] - draws[:, 1]).mean(), (draws[:, 0] - draws[:, 1]).std()
    assert (1.96 * spread / mean) ** 2 < 1, "by the spread they would be separate"
    assert regions_to_separate(draws, 0, marked, 200) == 0
    verdict = decide(table(["passed"] * 3), inseparable={"f": ["net1"]}, needed={"f": 0})
    assert "more regions than the 200 compared, on which the order is a tie" in verdict["would_separate"]
    assert "roughly" not in verdict["text"]


def test_families_of_one_are_not_asked_for_seeds():
    names = [f"net{index}" for index in range(4)]
    verdict = decide(table(["passed"] * 4, families=names), inseparable={"f": ["net1"]}, needed={"f": 900})
    assert verdict["would_separate"] == "To separate them would take roughly 900 regions in place of 200."
    assert verdict["seeds"] == {}
    mixed = table(["passed"] * 4, families=["one", "two", "net2", "one"])
    verdict = decide(mixed, inseparable={"f": ["net1", "net2"]}, needed={"f": 900})
    assert verdict["seeds"] == {"two": 0}
    assert "net2" not in verdict["would_separate"]


def test_front_is_within_folds_and_without_vetoed_networks():
    frame = table(["passed", "gated", "vetoed", "passed"], folds=["a", "a", "a", "b"])
    assert decide(frame)["front"] == ["net0", "net1", "net3"]


def test_pairs_are_separated_by_their_draws():
    rng = np.random.default_rng(0)
    best = rng.normal(1, 0.1, 500)
    draws = np.stack([best, best - 0.01, best + rng.normal(-0.02, 0.03, 500), best], axis=1)
    marked = inseparable_from_best(draws, 0)
    np.testing.assert_array_equal(marked, [False, False, True, True])
    needed = regions_to_separate(draws, 0, np.array([False, False, True, False]), 100)
    # The interval reaches 0 when 1.96 x 0.03 / sqrt(m) = 0.02: 8.6 times as many regions.
    assert 600 < needed < 1000
    assert needed % 10 == 0
    assert regions_to_separate(draws, 0, marked, 100) is None


def test_the_rule_of_each_fold_is_named():
    assert compared_by({"a": "A*", "b": "A*"}) == RULE_TEXT["A*"]
    assert compared_by({"a": "B", "b": "B"}) == RULE_TEXT["B"]
    mixed = compared_by({"fold0": "B", "x": "B", "y": "A*"})
    assert mixed == f"{RULE_TEXT['A*']}, but in fold0 and in fold x by {RULE_TEXT['B']}"
