import numpy as np
import pandas as pd
import pytest

from lucidna.simulate.grammar import Difficulty
from lucidna.simulate.signal import call_peaks, contribution_mask, draw_signal

QUIET = Difficulty(effect=1, sharpness=0.8, noise=0.0, empty=0.0, base_rate=2.0)


def draw(matches, *, difficulty=QUIET, sites=(), empty=(), codes=None, seed=0):
    return draw_signal(
        np.zeros(4000, dtype=np.uint8) if codes is None else codes,
        pd.DataFrame(matches, columns=["start", "end", "strength"]),
        sites=np.array(sites, dtype=np.int64),
        empty=np.array(empty, dtype=bool),
        difficulty=difficulty,
        rng=np.random.default_rng(seed),
    )


def test_effects_add_in_log2_and_end_within_reach():
    signal = draw([(995, 1005, 1.0), (1995, 2005, 2.0), (2015, 2025, 1.0)])
    assert signal.explained[1000] == pytest.approx(1.0)
    assert signal.explained[2010] == pytest.approx(3.0, abs=0.001)
    assert signal.explained[1000 + 90] == pytest.approx(np.exp(-1))
    assert signal.explained[1151] == 0
    cuts = signal.plus + signal.minus
    assert cuts[1950:1990].mean() / cuts[3000:].mean() == pytest.approx(7.0, abs=1.2)


def test_a_repressor_lowers_and_a_decoy_does_nothing():
    repressed = draw([(1990, 2000, -2.0)])
    cuts = repressed.plus + repressed.minus
    assert cuts[1950:1990].mean() < 0.4 * cuts[3000:].mean()
    decoy, nothing = draw([(1990, 2000, 0.0)]), draw([(0, 1, 0.0)])
    np.testing.assert_array_equal(decoy.plus, nothing.plus)


def test_unknown_bases_have_no_cuts_and_empty_sites_open_without_motifs():
    codes = np.zeros(4000, dtype=np.uint8)
    codes[100:200] = 4
    signal = draw([(0, 1, 0.0)], codes=codes, sites=[1000, 3000], empty=[True, False])
    cuts = signal.plus + signal.minus
    assert cuts[100:200].sum() == 0
    assert cuts[950:1050].mean() > 5 * cuts[2950:3050].mean()
    assert signal.explained[1000] == 0


def test_noise_is_smooth_and_of_the_stated_size():
    loud = Difficulty(effect=1, sharpness=0.8, noise=1.0, empty=0.0, base_rate=100.0)
    signal = draw([(0, 1, 0.0)], difficulty=loud, codes=np.zeros(200_000, dtype=np.uint8))
    log_rate = np.log2((signal.plus + signal.minus)[10:] / 100.0)
    assert log_rate.std() == pytest.approx(1.0, abs=0.15)
    assert np.corrcoef(log_rate[:-20], log_rate[20:])[0, 1] > 0.8
    assert abs(np.corrcoef(log_rate[:-500], log_rate[500:])[0, 1]) < 0.2


def test_peaks_follow_the_cuts():
    cuts = np.zeros(2000, dtype=np.int64)
    cuts[520:620] = 10
    peak = call_peaks(cuts, np.array([550])).iloc[0]
    assert peak["summit"] == pytest.approx(570, abs=2)
    assert peak["start"] < 520 < 620 < peak["end"]
    assert peak["end"] - peak["start"] < 180
    assert peak["height"] == pytest.approx(10 * (1 - 25 * 26 / 75**2), abs=0.1)


def test_heights_are_sums_of_whole_numbers():
    cuts = np.random.default_rng(0).poisson(0.3, 20_000)
    sites = np.arange(300, 19_700, 50)
    height = call_peaks(cuts, sites)["height"].to_numpy()
    whole = np.array(
        [max(np.convolve(cuts[s - 200 : s + 201], np.convolve([1] * 75, [1] * 75), "same")[165:236]) for s in sites]
    )
    np.testing.assert_array_equal(height, whole / 75**2)


def test_mask_follows_strand_and_size():
    ppm = np.array([[1, 0.5, 0.25], [0, 0.5, 0.25], [0, 0, 0.25], [0, 0, 0.25]])
    matches = pd.DataFrame({"start": [2, 10], "motif": "m", "strand": ["+", "-"], "strength": [3.0, -1.5]})
    mask = contribution_mask(15, matches, {"m": ppm})
    np.testing.assert_allclose(mask[2:5], [2, 1, 0])
    np.testing.assert_allclose(mask[10:13], [0, 0.5, 1])
    assert mask.sum() == pytest.approx(4.5)
