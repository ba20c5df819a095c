import numpy as np
import pytest

from lucidna.errors import UserError
from lucidna.ppm import information, reverse_complement_ppm
from lucidna.simulate.ppm import consensus_ppm, log_odds, random_ppms, sample_instances, score_windows


def test_information_of_known_columns():
    ppm = np.array([[1, 0.5, 0.25], [0, 0.5, 0.25], [0, 0, 0.25], [0, 0, 0.25]])
    np.testing.assert_allclose(information(ppm), [2, 1, 0], atol=1e-12)


@pytest.mark.parametrize("bits", [2.0, 9.0, 12.9])
def test_consensus_ppm_has_the_stated_information(bits):
    ppm = consensus_ppm("GATAAGRN", bits=bits)
    assert information(ppm).sum() == pytest.approx(bits, abs=1e-9)
    np.testing.assert_allclose(ppm.sum(axis=0), 1)
    assert "".join("ACGT"[i] for i in ppm[:, :6].argmax(axis=0)) == "GATAAG"
    assert ppm[0, 6] == ppm[2, 6] > ppm[1, 6]
    np.testing.assert_allclose(ppm[:, 7], 0.25)


@pytest.mark.parametrize(("consensus", "bits"), [("GATXAG", 5.0), ("", 0.0), ("GATA", 8.1)])
def test_consensus_ppm_refuses(consensus, bits):
    with pytest.raises(UserError):
        consensus_ppm(consensus, bits=bits)


def test_random_ppms_match_in_information_and_differ_in_content():
    ppms = random_ppms(12, width=9, information=11.0, seed=0)
    assert list(ppms) == [f"random_{i}" for i in range(1, 13)]
    stacked = np.stack(list(ppms.values()))
    np.testing.assert_allclose(stacked.sum(axis=1), 1)
    np.testing.assert_allclose(information(stacked).sum(axis=1), 11.0, atol=1e-6)
    assert len({"".join("ACGT"[i] for i in ppm.argmax(axis=0)) for ppm in stacked}) == 12
    again, other = (random_ppms(12, width=9, information=11.0, seed=seed)["random_3"] for seed in (0, 1))
    np.testing.assert_array_equal(again, ppms["random_3"])
    assert not np.allclose(other, ppms["random_3"])


def test_random_ppms_refuse_impossible_information():
    with pytest.raises(UserError, match="cannot hold"):
        random_ppms(2, width=5, information=10.0, seed=0)


def test_score_windows_by_definition_and_on_both_strands():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, size=60).astype(np.uint8)
    ppm = consensus_ppm("TTACCCG", bits=11)
    scores = score_windows(codes, ppm)
    assert scores.shape == (54,)
    expected = sum(np.log2(((ppm[codes[20 + j], j] + 1e-3) / 1.004) / 0.25) for j in range(7))
    assert scores[20] == pytest.approx(expected, abs=1e-4)
    flipped = score_windows(3 - codes[::-1], reverse_complement_ppm(ppm))[::-1]
    np.testing.assert_allclose(scores, flipped, atol=1e-4)


def test_an_unknown_base_never_matches_and_short_sequences_have_no_window():
    ppm = consensus_ppm("TTACCCG", bits=11)
    codes = np.array([3, 3, 0, 1, 1, 1, 4], dtype=np.uint8)
    assert score_windows(codes, ppm)[0] < -900
    assert score_windows(codes[:5], ppm).shape == (0,)


def test_sampled_instances_follow_the_ppm_and_keep_the_threshold():
    ppm = consensus_ppm("GATAAG", bits=7)
    rng = np.random.default_rng(1)
    free = sample_instances(ppm, 20_000, threshold=-100.0, rng=rng)
    observed = (free[:, None, :] == np.arange(4)[None, :, None]).mean(axis=0)
    np.testing.assert_allclose(observed, ppm, atol=0.02)
    kept = sample_instances(ppm, 500, threshold=5.0, rng=rng)
    assert log_odds(ppm)[np.arange(6), kept].sum(axis=1).min() >= 5.0
    with pytest.raises(ValueError, match="no instance"):
        sample_instances(ppm, 1, threshold=13.0, rng=rng)
