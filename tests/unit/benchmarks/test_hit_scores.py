"""Hits against the truth: on any functional instance, on one of their own motif, and in strata."""

import numpy as np
import pandas as pd
from hitbench.compare import strata_table
from hitbench.scores import Truth, at_rank, ranked

SETTINGS = {"nominal": [0.1, 0.2], "bootstraps": 50}
STANDS_FOR = {"p": ["a"], "q": ["b", "c"], "r": []}


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
