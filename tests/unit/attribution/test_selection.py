import numpy as np
import pytest

from lucidna.attribution.selection import select_regions
from lucidna.errors import UserError

PEAK = np.array([True, False, True, True, True, True])
SPLITS = {
    "a": np.array(["train", "test", "valid", "test", "train", "train"]),
    "b": np.array(["valid", "test", "train", "train", "train", "test"]),
}


def test_all_peaks_by_all_members():
    rows, covered = select_regions(PEAK, ["a", "b"], regions="all")
    np.testing.assert_array_equal(rows, [0, 2, 3, 4, 5])
    assert covered.all()


def test_heldout_peaks_by_members_not_trained_on_them():
    rows, covered = select_regions(PEAK, ["a", "b"], regions="heldout", splits=SPLITS)
    np.testing.assert_array_equal(rows, [0, 2, 3, 5])
    np.testing.assert_array_equal(covered, [[False, True, True, False], [True, False, False, True]])


def test_one_split():
    rows, covered = select_regions(PEAK, ["a"], regions="test", splits=SPLITS)
    np.testing.assert_array_equal(rows, [3])
    assert covered.all()


def test_draws_contain_each_other_and_follow_the_seed():
    many = np.ones(200, dtype=bool)
    small, _ = select_regions(many, ["a"], regions="all", max_regions=20, seed=0)
    large, covered = select_regions(many, ["a"], regions="all", max_regions=50, seed=0)
    assert len(small) == 20
    assert covered.shape == (1, 50)
    assert set(small) < set(large)
    assert (np.diff(large) > 0).all()
    other, _ = select_regions(many, ["a"], regions="all", max_regions=20, seed=1)
    assert set(other) != set(small)


def test_nothing_to_explain_is_an_error():
    with pytest.raises(UserError, match="no peak to explain"):
        select_regions(np.zeros(3, dtype=bool), ["a"], regions="all")
