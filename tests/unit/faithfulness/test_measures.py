import numpy as np
import pytest

from lucidna.attribution.nulls import permuted
from lucidna.faithfulness.measures import (
    Measured,
    completeness,
    curve_measures,
    curve_table,
    mutagenesis_agreement,
    table_of,
)
from lucidna.ranking.prepare import project
from lucidna.ranking.probes.insertion import SHARES, curves
from lucidna.sequence import one_hot_numpy

RNG = np.random.default_rng(0)
CODES = RNG.integers(0, 4, size=(30, 80)).astype(np.uint8)
CODES[3, 10:14] = 4
X = one_hot_numpy(CODES)
WEIGHTS = RNG.standard_normal((4, 80)).astype(np.float32) * (RNG.random(80) < 0.2)
WEIGHTS -= WEIGHTS.mean(axis=0)
TRUE = np.repeat(WEIGHTS[None], 30, axis=0) * X.sum(axis=1, keepdims=True)


def predict(onehot, regions=None):
    return np.einsum("nal,al->n", onehot, WEIGHTS)


def test_true_map_of_a_linear_network_beats_its_null_and_noise_does_not():
    noise = RNG.standard_normal(TRUE.shape).astype(np.float32)
    positions = np.tile(np.arange(80), (30, 1))
    effects = TRUE * 1.0
    for maps, good in ((TRUE, True), (noise - noise.mean(axis=1, keepdims=True), False)):
        null = permuted(maps, X, seed=0)
        both = [curves(predict, X, each, shuffles=3) for each in (maps, null)]
        found = curve_measures(*both) | {"mutagenesis": mutagenesis_agreement(maps, null, effects, positions)}
        table = table_of(found).set_index("measure")
        for name in ("insertion", "deletion", "mutagenesis"):
            row = table.loc[name]
            assert (row["value_lo"] > row["null_hi"]) == good
        if good:
            assert table.loc["mutagenesis", "value"] == pytest.approx(1)


def test_curve_table_has_the_means_at_every_share():
    both = [curves(predict, X, each, shuffles=2) for each in (TRUE, permuted(TRUE, X, seed=0))]
    table = curve_table(*both)
    assert table["share"].tolist() == [*SHARES, *SHARES]
    usable = both[0].full > 0
    first = np.average(both[0].insertion[usable, 0], weights=both[0].full[usable])
    assert table["value"][0] == pytest.approx(first)
    assert (table["value_lo"] <= table["value"]).all()


def test_completeness_is_one_for_sums_that_follow_and_its_null_is_around_zero():
    sums = project(TRUE, X).sum(axis=1)
    found = completeness(TRUE, X, 3 * sums + 1, seed=0)
    assert found["value"] == pytest.approx(1)
    assert found["null_lo"] < 0 < found["null_hi"] < 0.6
    assert completeness(TRUE, X, -sums, seed=0)["value"] == pytest.approx(-1)
    assert np.isnan(completeness(TRUE, X, np.ones(30), seed=0)["value"])


def test_table_averages_with_weights_and_leaves_nan_out():
    value = np.array([1.0, 3.0, np.nan])
    table = table_of({"m": Measured("lower", value, value * 0, np.array([3.0, 1.0, 5.0]))})
    assert table.loc[0, "value"] == pytest.approx(1.5)
    assert table.loc[0, "n_regions"] == 2
    assert table.loc[0, "better"] == "lower"
