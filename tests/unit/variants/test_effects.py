import numpy as np
import pytest

from lucidna.sequence import encode
from lucidna.variants.effects import Effects, predict_alleles, profile_jsd, summarise


def windows(*words):
    """Windows of 100 bp of A with words at their middle."""
    codes = np.zeros((len(words), 100), dtype=np.uint8)
    for row, word in zip(codes, words, strict=True):
        row[50 : 50 + len(word)] = encode(word)
    return codes


def test_predictions_of_both_alleles_by_hand(world):
    net = world.WordNet("TGCCTTA")
    lengths = np.ones((2, 2), dtype=np.int64)
    found = predict_alleles(
        net, windows("TGCCTTA", "TGCGTTA"), windows("TGCGTTA", "TGCCTTA"), lengths, channels=[[0]], batch_size=1
    )
    np.testing.assert_allclose(found.reference[:, 0], [3, 1], atol=1e-5)
    np.testing.assert_allclose(found.alternative[:, 0], [1, 3], atol=1e-5)
    assert found.jsd is None


def test_profile_change_is_zero_for_equal_and_large_for_moved_profiles(world):
    net = world.WordNet("TGCCTTA", profile=True)
    same, gone = windows("TGCCTTA"), windows("TGCGTTA")
    lengths = np.ones((1, 2), dtype=np.int64)
    assert predict_alleles(net, same, same, lengths, channels=[[0]]).jsd[0, 0] == pytest.approx(0, abs=1e-12)
    assert predict_alleles(net, same, gone, lengths, channels=[[0]]).jsd[0, 0] > 0.05


def test_jsd_by_hand_and_its_bounds():
    apart = np.full((1, 10), -1e3), np.full((1, 10), -1e3)
    apart[0][0, 2], apart[1][0, 7] = 0, 0
    assert profile_jsd(*apart, np.array([1, 1]), length=10) == pytest.approx(1)
    p, q = np.log([[0.5, 0.5]]), np.log([[0.25, 0.75]])
    middle = [0.375, 0.625]
    expected = 0.5 * sum(a * np.log2(a / m) for a, m in zip([0.5, 0.5], middle, strict=True))
    expected += 0.5 * sum(a * np.log2(a / m) for a, m in zip([0.25, 0.75], middle, strict=True))
    assert profile_jsd(p, q, np.array([1, 1]), length=2) == pytest.approx(expected)


def test_a_deletion_far_from_the_profile_does_not_count_as_a_change():
    logits = np.zeros((1, 20))
    logits[0, 15] = 5
    moved = np.roll(logits, -2, axis=1)
    # Two bases after the variant (the window's eleventh base) are gone: what lies behind moved to the left.
    assert profile_jsd(logits, moved, np.array([3, 1]), length=20) == pytest.approx(0, abs=1e-9)
    assert profile_jsd(logits, moved, np.array([1, 1]), length=20) > 0.5


def test_networks_are_summarised_on_the_log2_scale():
    effects = [
        Effects(np.array([[1.0], [2.0]]), np.array([[1.0 + k * np.log(2)], [2.0]]), None) for k in (1.0, 2.0, -0.5)
    ]
    table = summarise(effects, 0)
    assert table["log2_change"].tolist() == pytest.approx([2.5 / 3, 0])
    assert table["log2_change_sd"].tolist() == pytest.approx([np.std([1, 2, -0.5], ddof=1), 0])
    assert table["sign_agreement"].tolist() == pytest.approx([2 / 3, 1])
    assert np.isnan(summarise(effects[:1], 0)["log2_change_sd"]).all()
