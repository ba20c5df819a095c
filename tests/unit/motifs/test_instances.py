import numpy as np
import pandas as pd
import pytest

from lucidna.motifs.elements import Part
from lucidna.motifs.instances import number_instances

OCT, SOX = Part("oct", 0, 10, False), Part("sox", 16, 26, False)
PARTS = {"oct": [OCT], "oct2": [OCT], "pair": [OCT, SOX], "sox": [Part("sox", 0, 10, False)], "reb": []}
COLUMNS = ["chrom", "start", "end", "pattern", "q_value", "correlation", "label"]


def table(*rows):
    return pd.DataFrame([(*row, "supported")[: len(COLUMNS)] for row in rows], columns=COLUMNS)


def numbered(*rows):
    found = number_instances(table(*rows), PARTS)
    return found["instance"].tolist(), found["best"].tolist()


def test_patterns_of_one_motif_share_an_instance():
    assert numbered(
        ("a", 100, 110, "oct2", 0.02, 0.90),
        ("a", 101, 111, "oct", 0.01, 0.80),  # the best: the smallest q-value
        ("a", 104, 114, "reb", 0.01, 0.80),  # another motif
        ("a", 106, 116, "oct", 0.01, 0.70),  # half of it is on the best
        ("b", 101, 111, "oct", 0.01, 0.80),  # another chromosome
    ) == ([1, 1, 2, 1, 3], [0, 1, 1, 0, 1])


def test_less_than_half_is_another_instance_and_chains_do_not_grow():
    assert numbered(("a", 100, 110, "oct", 0.01, 0.9), ("a", 106, 116, "oct", 0.02, 0.9)) == ([1, 2], [1, 1])
    # The middle one belongs to the best; the last overlaps the middle one alone.
    assert numbered(
        ("a", 100, 110, "oct", 0.01, 0.9), ("a", 105, 115, "oct", 0.02, 0.9), ("a", 110, 120, "oct", 0.03, 0.9)
    ) == ([1, 1, 2], [1, 0, 1])


def test_a_composite_and_a_half_are_one_and_two_halves_are_two():
    pair, left, right = ("a", 100, 126, "pair"), ("a", 100, 110, "oct"), ("a", 116, 126, "sox")
    assert numbered((*pair, 0.01, 0.9), (*left, 0.02, 0.9), (*right, 0.02, 0.9)) == ([1, 1, 1], [1, 0, 0])
    assert numbered((*pair, 0.03, 0.9), (*left, 0.01, 0.9), (*right, 0.02, 0.9)) == ([1, 1, 2], [0, 1, 1])
    # Beside one half it shows the other, which nothing else does.
    assert numbered((*pair, 0.03, 0.9), (*left, 0.01, 0.9)) == ([1, 2], [1, 1])
    assert numbered((*pair, 0.01, 0.9), (*left, 0.03, 0.9)) == ([1, 1], [1, 0])


def test_supported_patterns_come_before_others_and_correlation_decides_among_equals():
    rows = table(("a", 100, 110, "oct", 0.2, 0.8), ("a", 100, 110, "oct2", 0.01, 0.9))
    rows["label"] = ["supported", "weak"]
    assert number_instances(rows, PARTS)["best"].tolist() == [1, 0]
    assert numbered(("a", 0, 10, "oct", np.nan, 0.8), ("a", 0, 10, "oct2", np.nan, 0.9)) == ([1, 1], [0, 1])


def test_no_hits():
    found = number_instances(table(), PARTS)
    assert found.empty
    assert list(found.columns) == [*COLUMNS, "instance", "best"]


@pytest.mark.parametrize("seed", range(3))
def test_every_instance_has_one_best_hit_and_best_hits_of_a_motif_keep_apart(seed):
    rng = np.random.default_rng(seed)
    start = np.sort(rng.integers(0, 600, 200))
    hits = table(
        *[("a", s, s + 10, str(rng.choice(["oct", "oct2", "reb"])), rng.random(), rng.random()) for s in start]
    )
    found = number_instances(hits, PARTS)
    assert (found.groupby("instance")["best"].sum() == 1).all()
    assert found["instance"].max() < len(hits)
    for names in (("oct", "oct2"), ("reb",)):
        kept = found[(found["best"] == 1) & found["pattern"].isin(names)]["start"]
        assert kept.diff().min() > 5
