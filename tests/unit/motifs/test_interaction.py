import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp

from lucidna.motifs.interaction import (
    Expected,
    additivity_p,
    choose_pairs,
    double_ablation,
    expected_interaction,
    interaction_p,
)

from .toy import additive, both, either, sequences_with_both, toy


def measure(predict, **settings):
    codes, pairs = sequences_with_both(**settings)
    taken = np.zeros(codes.shape, dtype=bool)
    taken[:, 30:60] = True
    return double_ablation(predict, codes, pairs, taken, draws=4)


def test_an_additive_network_has_no_interaction():
    found = measure(additive)
    np.testing.assert_allclose(found.pairs, 0, atol=1e-12)
    np.testing.assert_allclose(found.control, 0, atol=1e-12)
    np.testing.assert_allclose(found.first, [[3.0], [6.0]] * np.ones(30))
    np.testing.assert_allclose(found.second, [[1.0], [2.0]] * np.ones(30))


def test_and_is_positive_or_is_negative():
    np.testing.assert_allclose(measure(both).pairs, [[1.0], [2.0]] * np.ones(30))
    np.testing.assert_allclose(measure(either).pairs, [[-1.0], [-2.0]] * np.ones(30))
    np.testing.assert_allclose(measure(both).control, 0, atol=1e-12)
    np.testing.assert_allclose(measure(both).first, 0, atol=1e-12)


def test_no_room_for_a_control_is_nan():
    codes, pairs = sequences_with_both()
    found = double_ablation(additive, codes, pairs, np.ones(codes.shape, dtype=bool))
    assert np.isnan(found.control).all()
    assert np.isfinite(found.pairs).all()


def test_saturation_is_expected_of_any_pair():
    rng = np.random.default_rng(0)

    def pair(n, extra=0.0):
        first, second, distance = rng.uniform(0.2, 1, n), rng.uniform(0.2, 1, n), rng.integers(10, 100, n)
        return first, second, distance, -(0.2 + 0.1 * (distance <= 40)) * first * second + extra

    others = [pair(40), pair(60), pair(30, extra=2.0), pair(50)]
    first, second, distance, interaction = pair(50, extra=0.3)
    expected = expected_interaction(first, second, distance, others)
    np.testing.assert_allclose(interaction - expected.values, 0.3)
    assert (expected.values < 0).all()
    unknown = expected_interaction(first, second, distance, others[:2])
    assert np.isnan(unknown.values).all()
    assert np.isnan(interaction_p(interaction, unknown, np.arange(len(interaction))))
    # Of instances for which too few other pairs are as far apart nothing is expected, and the rest is tested.
    near = [tuple(np.asarray(values)[other[2] <= 40] for values in other) for other in others]
    partly = expected_interaction(first, second, distance, near)
    assert (np.isfinite(partly.values) == (distance <= 40)).all()
    close, rows = distance <= 40, np.arange(len(distance))
    alone = expected_interaction(first[close], second[close], distance[close], near)
    np.testing.assert_allclose(partly.values[close], alone.values)
    assert np.isclose(partly.deviation, alone.deviation)
    assert interaction_p(interaction, partly, rows) == interaction_p(interaction[close], alone, rows[close])


def made_pairs(rng, *, elements=5, planted=None, spread=0.25, noise=0.05):
    """Double ablations of all pairs of elements that saturate, each pair to its own degree."""
    strength = rng.uniform(0.4, 1.2, elements)
    pairs = []
    for a, b in itertools.combinations(range(elements), 2):
        n = int(rng.integers(25, 60))
        one, two = (strength[k] * rng.uniform(0.5, 1.5, n) for k in (a, b))
        distance = rng.integers(8, 100, n)
        multiple = -0.2 * (1 + 0.3 * (distance <= 40)) * (1 + spread * rng.normal())
        if (a, b) == planted:
            multiple = np.zeros(n)
        pairs.append((one, two, distance, multiple * one * two + noise * rng.normal(size=n)))
    return pairs


def p_values(pairs):
    return [
        interaction_p(own[3], expected_interaction(*own[:3], pairs[:i] + pairs[i + 1 :]), np.arange(len(own[3])))
        for i, own in enumerate(pairs)
    ]


def test_saturation_alone_is_called_an_interaction_at_the_nominal_rate():
    rng = np.random.default_rng(3)
    found = np.array([p_values(made_pairs(rng)) for _ in range(150)])
    assert 0.02 < (found <= 0.05).mean() < 0.07
    assert (found <= 0.01).mean() < 0.02
    assert 0.06 < (found <= 0.1).mean() < 0.13


def test_a_planted_interaction_is_found_among_pairs_that_saturate():
    rng = np.random.default_rng(4)
    places = list(itertools.combinations(range(5), 2))
    own = places.index((1, 3))
    found = np.array([p_values(made_pairs(rng, planted=(1, 3), spread=0.15)) for _ in range(40)])
    assert (found[:, own] <= 0.01).mean() > 0.9
    # It widens the spread that the others are judged by, and makes none of them a pair.
    assert (np.delete(found, own, axis=1) <= 0.05).mean() < 0.05


def test_nothing_to_judge_by():
    nothing = Expected(np.zeros(3), 0.0, np.inf)
    assert np.isnan(interaction_p(np.ones(1), Expected(np.zeros(1), 0.0, np.inf), np.arange(1)))
    assert interaction_p(np.zeros(3), nothing, np.arange(3)) == 1.0
    assert interaction_p(np.full(3, 2.0), nothing, np.arange(3)) == 0.0
    assert interaction_p(np.array([1.0, 1.1, 0.9]), nothing, np.arange(3)) < 0.01


def test_a_saturating_network_is_told_from_an_and():
    # log of a sum saturates: the interaction is negative for words that know nothing of each other.
    saturating = measure(toy(lambda a, b: np.log(1 + a + b)))
    assert (saturating.pairs < -0.2).all()


def test_additivity_is_tested_over_regions():
    rng = np.random.default_rng(3)
    # Instances of a region share what is off: counted one by one, p <= .05 would be far more frequent.
    found = []
    for _ in range(400):
        shared = rng.normal(0, 1, 20).repeat(4)
        found.append(additivity_p(shared + rng.normal(0, 0.1, 80), np.zeros(80), np.arange(20).repeat(4)))
    assert 0.025 < np.mean(np.array(found) <= 0.05) < 0.08
    rows = np.arange(12)
    values = rng.normal(1, 0.2, 12)
    assert additivity_p(values, np.zeros(12), rows) == pytest.approx(ttest_1samp(values, 0).pvalue)
    assert np.isnan(additivity_p(values, np.full(12, np.nan), rows))
    assert np.isnan(additivity_p(values, np.zeros(12), rows * 0))
    assert additivity_p(np.zeros(3), np.zeros(3), rows[:3]) == 1.0
    assert additivity_p(np.ones(3), np.zeros(3), rows[:3]) == 0.0


def test_instances_of_one_region_are_not_independent():
    rng = np.random.default_rng(0)
    nothing = Expected(np.zeros(80), 0.0, np.inf)
    apart, together = [], []
    for _ in range(400):
        # Four instances in each of 20 regions, which have most of their deviation in common.
        values = np.repeat(rng.normal(size=20), 4) + rng.normal(0, 0.3, 80)
        apart.append(interaction_p(values, nothing, np.arange(80)))
        together.append(interaction_p(values, nothing, np.repeat(np.arange(20), 4)))
    assert np.mean(np.array(together) <= 0.05) == pytest.approx(0.05, abs=0.035)
    assert np.mean(np.array(apart) <= 0.05) > 0.2


def test_half_of_the_pairs_are_preferred():
    pairs = pd.DataFrame({"row": range(100)})
    preferred = np.arange(100) < 60
    for most, inside in ((40, 20), (90, 50), (100, 60), (500, 60)):
        kept = choose_pairs(pairs, most, preferred=preferred, seed=0)
        assert len(kept) == min(most, 100)
        assert preferred[kept].sum() == inside
    assert preferred[choose_pairs(pairs[:62], 40, preferred=preferred[:62], seed=0)].sum() == 38
    assert len(choose_pairs(pairs, 0, preferred=preferred, seed=0)) == 0
