import numpy as np
import pytest

from lucidna.attribution.ensemble import Ensemble, map_norms, project, scratch_array
from lucidna.errors import UserError


def combine(members, onehot, masks, folder=None, block=2, same_units=True):
    ensemble = Ensemble(onehot.shape[0], onehot.shape[2], folder=folder, same_units=same_units)
    for maps, mask in zip(members, masks, strict=True):
        rows = np.flatnonzero(mask)
        ensemble.start_member(map_norms(maps[rows]))
        for start in range(0, len(rows), block):
            part = rows[start : start + block]
            ensemble.add(part, maps[part], onehot[part])
    return ensemble


def averaged(members):
    """Unit-norm maps of the members, and the mean strength of their maps of each region in units of the output."""
    norms = [np.sqrt((maps**2).sum(axis=(1, 2))) for maps in members]
    constants = [norm.mean() for norm in norms]
    stacked = np.stack([maps / norm[:, None, None] for maps, norm in zip(members, norms, strict=True)])
    strength = np.mean([norm / constant for norm, constant in zip(norms, constants, strict=True)], axis=0)
    return stacked, strength * np.mean(constants)


def test_equals_numpy_over_stacked_members(onehot, tmp_path):
    rng = np.random.default_rng(0)
    members = [rng.normal(size=onehot.shape).astype(np.float32) * scale for scale in (0.1, 3.0, 20.0)]
    everything = np.ones((3, len(onehot)), dtype=bool)
    stacked, unit = averaged(members)
    projected = (stacked * onehot).sum(axis=2)
    for folder in (None, tmp_path):
        ensemble = combine(members, onehot, everything, folder)
        result = ensemble.results(slice(0, len(onehot)), onehot)
        expected = stacked.mean(axis=0) * unit[:, None, None]
        np.testing.assert_allclose(result.mean, expected, rtol=1e-4, atol=1e-5)
        spread = (np.stack(members) * onehot).sum(axis=2).std(axis=0, ddof=1)
        np.testing.assert_allclose(result.spread, spread, rtol=1e-3, atol=1e-5)
        agree = (np.sign(projected) == np.sign(projected.mean(axis=0))).mean(axis=0)
        np.testing.assert_allclose(result.sign_agreement, agree, atol=1e-6)
        assert ensemble.largest() == pytest.approx(np.abs(result.mean).max())
        assert result.sign_agreement.min() < 1


def test_regions_keep_their_relative_strength(onehot):
    maps = np.random.default_rng(1).normal(size=onehot.shape).astype(np.float32)
    maps *= np.arange(1, len(onehot) + 1)[:, None, None]
    everything = np.ones((2, len(onehot)), dtype=bool)
    result = combine([maps, 10 * maps], onehot, everything).results(slice(0, len(onehot)), onehot)
    np.testing.assert_allclose(result.mean, 5.5 * maps, rtol=1e-5)
    # Of two maps of one shape, ten times as large: they differ by nine.
    np.testing.assert_allclose(
        combine([maps, 10 * maps], onehot, everything, same_units=False).results(slice(0, len(onehot)), onehot).spread,
        0,
        atol=1e-4,
    )
    np.testing.assert_allclose(result.spread, 9 / np.sqrt(2) * np.abs((maps * onehot).sum(axis=1)), rtol=1e-4)


def test_members_cover_different_regions(onehot):
    rng = np.random.default_rng(2)
    members = [rng.normal(size=onehot.shape).astype(np.float32) for _ in range(3)]
    masks = np.zeros((3, len(onehot)), dtype=bool)
    masks[0, :6], masks[1, 3:], masks[2, 4] = True, True, True
    ensemble = combine(members, onehot, masks)
    result = ensemble.results(slice(2, 5), onehot[2:5])
    np.testing.assert_array_equal(result.n_members, [1, 2, 3])
    assert np.isnan(result.spread[0]).all()
    assert np.isfinite(result.spread[1:]).all()
    constants, norms = ensemble.constants, [np.linalg.norm(members[k][4]) for k in range(3)]
    shape = np.mean([members[k][4] / norms[k] for k in range(3)], axis=0)
    strength = np.mean([norms[k] / constants[k] for k in range(3)])
    np.testing.assert_allclose(result.mean[2], shape * strength * np.mean(constants), rtol=1e-4, atol=1e-5)


def test_each_member_counts_as_much_in_every_region(onehot):
    rng = np.random.default_rng(6)
    first, second = (rng.normal(size=onehot.shape).astype(np.float32) for _ in range(2))
    # Ten times as strong in the first half: the direction of the mean must not follow the first member there.
    first[: len(onehot) // 2] *= 10
    result = combine([first, second], onehot, np.ones((2, len(onehot)), dtype=bool)).results(
        slice(0, len(onehot)), onehot
    )
    for row in range(len(onehot)):
        to_each = [np.vdot(result.mean[row], maps[row]) / np.linalg.norm(maps[row]) for maps in (first, second)]
        assert to_each[0] == pytest.approx(to_each[1], rel=1e-3)


def test_one_member_is_itself(onehot):
    maps = np.random.default_rng(4).normal(size=onehot.shape).astype(np.float32)
    result = combine([maps], onehot, np.ones((1, len(onehot)), dtype=bool)).results(slice(0, len(onehot)), onehot)
    np.testing.assert_allclose(result.mean, maps, rtol=1e-5)
    assert (result.sign_agreement == 1).all()


def test_a_dead_member_counts_as_zeros(onehot):
    maps = np.random.default_rng(5).normal(size=onehot.shape).astype(np.float32)
    ensemble = combine([maps, 0 * maps], onehot, np.ones((2, len(onehot)), dtype=bool))
    result = ensemble.results(slice(0, 1), onehot[:1])
    assert np.isfinite(result.mean).all()
    np.testing.assert_allclose(result.mean, maps[:1] / ensemble.constants[0] / 2 * ensemble.unit, rtol=1e-5)


def test_projection_is_zero_at_unknown_bases(onehot):
    projected = project(np.ones_like(onehot), onehot)
    np.testing.assert_array_equal(projected, onehot.sum(axis=1))


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(UserError, match="No space left"):
        scratch_array((2, 4, 5), np.float32, tmp_path, "member")
