import numpy as np
import pytest

from lucidna.simulate.background import gc_field, markov_sequence, soft_mask


@pytest.mark.parametrize("gc", [0.32, 0.45, 0.6])
def test_the_chain_keeps_its_gc_content(gc):
    codes = markov_sequence(np.full(200_000, gc), rng=np.random.default_rng(0))
    assert np.isin(codes, (1, 2)).mean() == pytest.approx(gc, abs=0.01)
    assert codes.max() == 3


def test_cpg_is_rare_and_the_strands_alike():
    codes = markov_sequence(np.full(400_000, 0.45), rng=np.random.default_rng(1))
    pairs = np.bincount(codes[:-1] * 4 + codes[1:], minlength=16).reshape(4, 4) / (len(codes) - 1)
    single = np.bincount(codes, minlength=4) / len(codes)
    ratio = pairs / np.outer(single, single)
    assert ratio[1, 2] < 0.5
    assert ratio[0, 0] > 1.05
    np.testing.assert_allclose(ratio, ratio[::-1, ::-1].T, atol=0.03)


def test_the_scan_is_the_chain_itself():
    """Step by step from the same random numbers the same sequence arises."""
    from lucidna.simulate.background import _LEVELS, _transitions

    gc = np.random.default_rng(2).uniform(0.3, 0.6, size=3000)
    codes = markov_sequence(gc, rng=np.random.default_rng(3))
    rng = np.random.default_rng(3)
    draws, state = rng.random(3000, dtype=np.float32), rng.integers(4)
    steps = np.cumsum(_transitions(), axis=2).astype(np.float32)
    level = np.rint((gc - _LEVELS[0]) / (_LEVELS[1] - _LEVELS[0])).astype(int)
    expected = [state]
    for position in range(1, 3000):
        expected.append(int((draws[position] >= steps[level[position], expected[-1], :3]).sum()))
    np.testing.assert_array_equal(codes, expected)


def test_gc_rises_where_asked():
    rng = np.random.default_rng(4)
    field = gc_field(100_000, centres=np.array([50_000]), rises=np.array([0.15]), rng=rng)
    flat = gc_field(100_000, centres=np.array([50_000]), rises=np.array([0.0]), rng=np.random.default_rng(4))
    assert (field - flat)[50_000] == pytest.approx(0.15, abs=1e-9)
    assert np.abs((field - flat)[[48_000, 52_000]]).max() == 0
    assert 3 < len(np.unique(flat)) < 60
    assert flat.min() >= 0.25
    assert flat.max() <= 0.70


def test_soft_mask_covers_its_share_in_long_stretches():
    mask = soft_mask(500_000, share=0.12, rng=np.random.default_rng(5))
    assert 0.07 < mask.mean() < 0.15
    runs = np.abs(np.diff(mask.astype(int))).sum() / 2
    assert mask.sum() / runs > 100
