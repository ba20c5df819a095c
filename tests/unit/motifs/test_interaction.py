import numpy as np
import pandas as pd

from lucidna.motifs.interaction import choose_pairs, double_ablation, expected_interaction

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
    np.testing.assert_allclose(interaction - expected, 0.3)
    assert (expected < 0).all()
    assert (expected_interaction(first, second, distance, others[:2]) == 0).all()


def test_a_saturating_network_is_told_from_an_and():
    # log of a sum saturates: the interaction is negative for words that know nothing of each other.
    saturating = measure(toy(lambda a, b: np.log(1 + a + b)))
    assert (saturating.pairs < -0.2).all()


def test_half_of_the_pairs_are_preferred():
    pairs = pd.DataFrame({"row": range(100)})
    preferred = np.arange(100) < 60
    for most, inside in ((40, 20), (90, 50), (100, 60), (500, 60)):
        kept = choose_pairs(pairs, most, preferred=preferred, seed=0)
        assert len(kept) == min(most, 100)
        assert preferred[kept].sum() == inside
    assert preferred[choose_pairs(pairs[:62], 40, preferred=preferred[:62], seed=0)].sum() == 38
    assert len(choose_pairs(pairs, 0, preferred=preferred, seed=0)) == 0
