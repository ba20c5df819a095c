import numpy as np
import pytest

from lucidna.motifs.decoys import hit_q_values, signal_overlap, target_decoy_q


def test_written_down_by_hand():
    q_values = target_decoy_q([1, 3, 2, 4], [1.5, 0.5], n_target_regions=10, n_decoy_regions=10)
    # Thresholds 4, 3, 2: (1 + 0) / 1, / 2, / 3; threshold 1: (1 + 1) / 4; each takes the least below it.
    np.testing.assert_allclose(q_values, [0.5, 1 / 3, 1 / 3, 1 / 3])


def test_rates_are_per_region():
    scores, decoys = np.arange(100.0), np.arange(20.0)
    same = target_decoy_q(scores, decoys, n_target_regions=50, n_decoy_regions=50)
    more = target_decoy_q(scores, np.repeat(decoys, 3), n_target_regions=50, n_decoy_regions=150)
    assert same[0] > 0.1
    assert np.all(more <= same)
    assert np.abs(more - same).max() < 0.01
    assert len(target_decoy_q([], decoys, n_target_regions=5, n_decoy_regions=5)) == 0


def test_monotone_and_conservative():
    rng = np.random.default_rng(0)
    excess = []
    for _ in range(20):
        true, false, decoys = rng.normal(3, 1, 400), rng.normal(0, 1, 400), rng.normal(0, 1, 400)
        scores = np.concatenate([true, false])
        q_values = target_decoy_q(scores, decoys, n_target_regions=100, n_decoy_regions=100)
        assert np.all(np.diff(q_values[np.argsort(scores)]) <= 0)
        called = q_values <= 0.1
        assert called[:400].mean() > 0.8
        excess.append(called[400:].sum() / called.sum() - 0.1)
    assert abs(np.mean(excess)) < 0.02


def test_rare_patterns_are_pooled_by_sign():
    rng = np.random.default_rng(1)
    names = np.repeat(["pos_patterns.pattern_0", "pos_patterns.pattern_1", "pos_patterns.pattern_2"], [200, 20, 20])
    names = np.append(names, ["neg_patterns.pattern_0"] * 10)
    scores = rng.uniform(5, 6, len(names))
    decoy_names = np.array(["neg_patterns.pattern_0"] * 10 + ["pos_patterns.pattern_0"] * 2)
    arguments = (scores, names, rng.uniform(5, 6, 12), decoy_names)
    q_values = hit_q_values(*arguments, n_target_regions=100, n_decoy_regions=100)
    best = {name: q_values[names == name].min() for name in np.unique(names)}
    assert best["pos_patterns.pattern_0"] <= 3 / 200
    assert best["pos_patterns.pattern_1"] == best["pos_patterns.pattern_2"] == pytest.approx(1 / 40)
    assert best["neg_patterns.pattern_0"] > 0.3
    assert np.isnan(hit_q_values(*arguments, n_target_regions=100, n_decoy_regions=0)).all()


def test_overlap_of_predicted_signal():
    decoys = np.arange(101.0)
    assert signal_overlap(np.array([0.5, 1.0, 50.0, 99.5, 200.0]), decoys) == pytest.approx(2 / 5)
    assert signal_overlap(decoys, decoys) == pytest.approx(0.98, abs=0.01)
    assert np.isnan(signal_overlap(decoys, decoys[:0]))
    # Maps that were given come without predictions.
    assert np.isnan(signal_overlap(np.full(3, np.nan), np.full(3, np.nan)))
    assert signal_overlap(np.array([50.0, np.nan]), decoys) == 1.0
