import json

import numpy as np
import pandas as pd

from lucidna.ranking.verdict import choose, inseparable_from_best, regions_to_separate, verdict_of


def table(statuses, folds=None, controls=None):
    n = len(statuses)
    return pd.DataFrame(
        {
            "id": [f"net{index}" for index in range(n)],
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
    assert "separated from every other candidate" in verdict["text"]
    assert verdict["vetoed"] == [{"id": "net3", "reason": "because"}]
    assert [entry["id"] for key in ("gated", "failed") for entry in verdict[key]] == ["net4", "net5"]
    assert decide(table(["passed", "passed"]), single=True)["chosen"] == ["net0"]


def test_inseparable_twins():
    verdict = decide(table(["passed"] * 3), inseparable={"f": ["net1"]}, needed={"f": 900})
    assert verdict["status"] == "cannot separate"
    assert verdict["inseparable"] == ["net1"]
    assert "roughly 900 regions in place of 200" in verdict["would_separate"]
    assert "cannot be told apart" in verdict["text"]
    never = decide(table(["passed"] * 3), inseparable={"f": ["net1"]}, needed={"f": None})
    assert "no realistic number" in never["would_separate"]


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
