import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lucidna.errors import UserError
from lucidna.ranking.prepare import (
    MapSet,
    check_onehot,
    codes_of,
    problem_of,
    project,
    smooth,
    unit_norm,
)
from lucidna.sequence import one_hot_numpy

SCRIPTS = str(Path(__file__).resolve().parents[3] / "workflow" / "scripts")


def test_the_ranking_of_maps_goes_without_torch():
    code = "import sys, lucidna.ranking.panel, lucidna.attribution.correction; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": SCRIPTS}, capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_unit_norm_at_any_scale(toy, scale):
    maps = toy.maps([0.5])[0]
    scaled = unit_norm((maps * np.float32(scale)).astype(np.float32))
    np.testing.assert_allclose(np.square(scaled).sum(axis=(1, 2)), 1, rtol=1e-5)
    np.testing.assert_allclose(scaled, unit_norm(maps), atol=1e-6)


def test_a_zero_map_stays_zero(toy):
    maps = toy.maps([0.5])[0]
    maps[3] = 0
    assert not unit_norm(maps)[3].any()
    assert np.isfinite(unit_norm(maps)).all()


def test_project_takes_the_observed_base_and_zero_at_n():
    onehot = one_hot_numpy(np.array([[0, 3, 4]], dtype=np.uint8))
    maps = np.arange(12, dtype=float).reshape(1, 4, 3)
    np.testing.assert_array_equal(project(maps, onehot), [[0, 10, 0]])


def test_smooth_by_hand():
    values = np.array([[3.0, 0, 0, 6, 0]])
    np.testing.assert_allclose(smooth(values, 3), [[2, 1, 2, 2, 2]])
    np.testing.assert_allclose(smooth(values, 3, pad="output"), [[1, 1, 2, 2, 2]])


def test_codes_of_inverts_one_hot():
    codes = np.array([[0, 1, 2, 3, 4]], dtype=np.uint8)
    np.testing.assert_array_equal(codes_of(one_hot_numpy(codes)), codes)


def test_map_set_gives_the_same_without_a_cache(toy):
    maps = toy.maps([0.1, 0.5])
    kept, thin = MapSet(list(maps), toy.onehot), MapSet(list(maps), toy.onehot, cache_bytes=0)
    assert kept.corrected(1) is kept.corrected(1)
    np.testing.assert_array_equal(kept.corrected(1), thin.corrected(1))
    assert thin.corrected(1).dtype == np.float32
    before = kept.corrected(1)
    kept.release()
    assert kept.corrected(1) is not before
    np.testing.assert_array_equal(kept.corrected(1), before)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda maps: maps[:-1], "shape"),
        (lambda maps: np.where(np.arange(len(maps))[:, None, None] == 2, np.nan, maps), "1 of 60 regions"),
        (np.zeros_like, "zero everywhere"),
        (lambda maps: np.broadcast_to(maps[:, :1], maps.shape), "zero everywhere"),
    ],
)
def test_problem_of_names_the_problem(toy, spoil, words):
    maps = toy.maps([0.5])[0]
    assert problem_of(maps, maps.shape) is None
    assert words in problem_of(spoil(maps), maps.shape)


def test_check_onehot_refuses(toy):
    with pytest.raises(UserError, match="19 regions are too few"):
        check_onehot(toy.onehot[:19])
    with pytest.raises(UserError, match="not one-hot"):
        check_onehot(toy.onehot * 0.5)
    with pytest.raises(UserError, match="shape"):
        check_onehot(toy.onehot.transpose(0, 2, 1))
    np.testing.assert_array_equal(check_onehot(codes_of(toy.onehot)), toy.onehot)
