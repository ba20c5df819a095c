"""Hits against the truth: on any functional instance, on one of their own motif, and in strata."""

import numpy as np
import pandas as pd
from hitbench.compare import DEFAULT, against_default, recall_table, scan, strata_table
from hitbench.scores import Truth, at_rank, ranked, recall_at_precision

SETTINGS = {"nominal": [0.1, 0.2], "bootstraps": 50}
STANDS_FOR = {"p": ["a"], "q": ["b"], "r": [], "s": ["a", "b"]}


def made(n=40):
    """Windows of 100 bp with an instance of motif a at 10, of b at 40 and of a decoy at 70."""
    left = 100 * np.arange(n)
    windows = pd.DataFrame({"chrom": "c", "start": left, "end": left + 100})
    parts = [
        pd.DataFrame({"chrom": "c", "start": left + at, "end": left + at + 10, "motif": motif, "role": role})
        for at, motif, role in ((10, "a", "activator"), (40, "b", "activator"), (70, "d", "decoy"))
    ]
    return Truth.of(pd.concat(parts, ignore_index=True), windows)


def hits_at(truth, at, pattern):
    start = truth.windows["start"] + at
    return pd.DataFrame(
        {
            "chrom": "c",
            "start": start,
            "end": start + 10,
            "pattern": pattern,
            "region_id": start,
            "row": range(len(start)),
        }
    )


def test_a_hit_on_another_motif_is_true_but_not_its_own():
    truth = made()
    hits = pd.concat([hits_at(truth, at, p) for at, p in ((10, "p"), (40, "p"), (43, "q"), (70, "q"), (10, "r"))])
    found = ranked(hits, np.zeros(len(hits)), truth, stands_for=STANDS_FOR)
    assert found.true.reshape(5, -1).all(axis=1).tolist() == [True, True, True, False, True]
    assert found.own.reshape(5, -1).all(axis=1).tolist() == [True, False, True, False, False]
    assert not found.own.reshape(5, -1)[[1, 3, 4]].any()
    assert found.decoy.sum() == 40
    assert at_rank(found, len(hits)) == (0.8, 1.0)
    assert not ranked(hits, np.zeros(len(hits)), truth).own.any()
    # A composite must lie on both of its motifs.
    one = hits_at(truth, 10, "s")
    both = one.assign(end=one["end"] + 30)
    assert not ranked(one, np.zeros(40), truth, stands_for=STANDS_FOR).own.any()
    found = ranked(both, np.zeros(40), truth, stands_for=STANDS_FOR)
    assert found.own.all()
    assert (found.own_found < 40).all()


def test_recall_on_the_hits_own_motif_counts_no_hit_on_another():
    truth = made()
    # Fi-NeMo's hits lie on both motifs, and those on b are of a's pattern; the workflow's lie on a alone.
    ours = hits_at(truth, 10, "p").assign(q_value=0.05, correlation=0.9)
    theirs = pd.concat([hits_at(truth, at, "p") for at in (10, 40)], ignore_index=True)
    rankings = {"q-value": (ours, np.ones(40)), DEFAULT: (theirs, np.repeat([2.0, 1.0], 40))}
    anyone = recall_table(rankings, ours, truth, SETTINGS).set_index(["precision_of", "ranking"])
    own = recall_table(rankings, ours, truth, SETTINGS, stands_for=STANDS_FOR).set_index(["precision_of", "ranking"])
    assert anyone.loc[DEFAULT, "precision"].tolist() == [1.0, 1.0]
    assert anyone.loc[DEFAULT, "recall"].to_dict() == {"q-value": 0.5, DEFAULT: 1.0}
    assert own.loc[DEFAULT, "precision"].tolist() == [0.5, 0.5]
    assert own.loc[DEFAULT, "recall"].to_dict() == {"q-value": 0.5, DEFAULT: 0.5}
    assert own.loc["q <= 0.1", "precision"].tolist() == [1.0, 1.0]
    # A scan's matches are of the motif that they are named by.
    scan_of_b = hits_at(truth, 40, "b")
    rankings["scan"] = (scan_of_b, np.ones(40))
    own = recall_table(rankings, ours, truth, SETTINGS, stands_for=STANDS_FOR).set_index(["precision_of", "ranking"])
    assert own.loc[(DEFAULT, "scan"), "recall"] == 0.5


def test_halves_are_those_of_the_predictions():
    truth = made()
    # False hits lie in the regions with low predictions only.
    true, false = hits_at(truth, 10, "p"), hits_at(truth, 85, "p")[:20]
    hits = pd.concat([true, false], ignore_index=True).assign(q_value=0.05, correlation=0.9)
    table = strata_table(hits, truth, np.arange(40.0), SETTINGS, stands_for=STANDS_FOR)
    assert table[["predictions", "nominal_fdr", "hits"]].to_numpy().tolist() == [
        ["lower", 0.1, 40],
        ["lower", 0.2, 40],
        ["upper", 0.1, 20],
        ["upper", 0.2, 20],
    ]
    assert table["observed_fdr"].tolist() == table["own_observed_fdr"].tolist() == [0.5, 0.5, 0.0, 0.0]
    assert table["holds"].tolist() == ["no", "no", "yes", "yes"]


def test_hits_of_one_key_stand_or_fall_together():
    truth = made()
    # Both true motifs first, then the decoy, as a table that lists motif by motif has them.
    hits = pd.concat([hits_at(truth, at, p) for at, p in ((10, "p"), (40, "q"), (70, "r"))], ignore_index=True)
    tied = ranked(hits, np.zeros(len(hits)), truth)
    assert recall_at_precision(tied, 0.9) == 0.0
    assert recall_at_precision(tied, 2 / 3) == 1.0
    # With a key that tells them apart the same order has the recall of what comes before the decoy.
    told_apart = ranked(hits, np.repeat([3.0, 2.0, 1.0], 40), truth)
    assert recall_at_precision(told_apart, 0.9) == 1.0
    half = ranked(hits, np.repeat([3.0, 1.0, 1.0], 40), truth)
    assert recall_at_precision(half, 0.9) == 0.5


def test_a_scan_ranks_equally_good_matches_equally():
    rng = np.random.default_rng(0)
    words = {"long": "CCACCAGGGGGCGC", "acts": "TTACCCGGAA", "decoy": "AAGATGGCGG"}
    codes = rng.integers(0, 4, size=(3, 200))
    for row, word in enumerate(words.values()):
        codes[row, 50 : 50 + len(word)] = ["ACGT".index(letter) for letter in word]
    motifs = []
    for name, word in words.items():
        ppm = np.full((4, len(word)), 0.01)
        ppm[["ACGT".index(letter) for letter in word], np.arange(len(word))] = 0.97
        motifs.append({"name": name, "ppm": ppm.tolist(), "role": "decoy" if name == "decoy" else "activator"})
    windows = pd.DataFrame({"chrom": "c", "start": [0, 200, 400], "end": [200, 400, 600], "region_id": list("xyz")})
    scans = scan(np.eye(4)[codes].transpose(0, 2, 1), windows, motifs)
    found = scans["true matrices, decoys too"]
    assert (found["score"] > 0).all()
    score = {name: found[(found["pattern"] == name)]["score"].max() for name in words}
    assert score["long"] > score["acts"] == score["decoy"]
    assert set(scans["true matrices, functional only"]["pattern"]) == {"long", "acts"}


def test_hits_are_compared_with_those_of_fi_nemo_itself():
    truth = made(4)
    ours, theirs = (hits_at(truth, at, "p").assign(strand="+") for at in (10, 10))
    theirs.loc[0, "strand"] = "-"
    found = against_default(ours, theirs.iloc[:2])
    assert found == {"finemo_hits": 2, "of_finemo": 0.5, "in_finemo": 0.25}
