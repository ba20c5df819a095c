import numpy as np
import torch

from lucidna.attribution.correction import angle_shares, correct, simplex_angles


def test_corrected_maps_sum_to_zero_and_keep_differences():
    maps = np.random.default_rng(0).normal(size=(3, 4, 7)).astype(np.float32) + 5
    corrected = correct(maps)
    np.testing.assert_allclose(corrected.sum(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(np.diff(corrected, axis=1), np.diff(maps, axis=1), atol=1e-5)
    torch.testing.assert_close(correct(torch.from_numpy(maps)), torch.from_numpy(corrected))


def test_correction_is_a_projection():
    maps = np.random.default_rng(1).normal(size=(2, 4, 5))
    np.testing.assert_allclose(correct(correct(maps)), correct(maps), atol=1e-12)


def test_angles_by_hand():
    columns = np.array([[1, 1, 1, 1], [-2, -2, -2, -2], [1, -1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]], dtype=float)
    angles = simplex_angles(columns.T[None])
    # One base alone: arcsin(1 / 2).
    np.testing.assert_allclose(angles, [[90, -90, 0, 30, 0]], atol=1e-4)


def test_shares_count_both_signs():
    shares = angle_shares(np.array([[-50, 40, 10, 70]]))
    assert shares == {"over_30": 0.75, "over_45": 0.5, "over_60": 0.25}
