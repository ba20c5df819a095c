import numpy as np
import pytest

from lucidna.ranking.local_agreement import local_agreement
from lucidna.ranking.prepare import project, unit_rows


def test_the_same_map_in_every_region_agrees_with_nothing(toy):
    """A window that the other networks share agrees with them, and knows nothing of a region."""
    window = np.exp(-0.5 * ((np.arange(80) - 40) / 10) ** 2)
    reference = unit_rows(project(toy.truth, toy.onehot)) + 0.3 * window
    alone = np.broadcast_to(window, reference.shape)
    assert (unit_rows(alone) * unit_rows(reference)).sum(axis=1).mean() > 0.5
    np.testing.assert_allclose(local_agreement(alone, reference), 0, atol=1e-12)


def test_it_is_the_cosine_where_no_position_is_preferred():
    rng = np.random.default_rng(0)
    own, other = rng.standard_normal((2, 30, 40))
    own, other = (np.concatenate([values, -values]) for values in (own, own + other))
    cosine = (unit_rows(own) * unit_rows(other)).sum(axis=1)
    np.testing.assert_allclose(local_agreement(own, other), cosine, atol=1e-12)
    assert cosine.mean() == pytest.approx(np.sqrt(0.5), abs=0.05)
    np.testing.assert_allclose(local_agreement(-own, 1e4 * other), -cosine, atol=1e-12)


def test_maps_of_other_regions_do_not_agree(toy):
    own = project(toy.truth, toy.onehot)
    assert local_agreement(own, own).mean() > 0.8
    assert abs(local_agreement(np.roll(own, 1, axis=0), own).mean()) < 0.1
    np.testing.assert_array_equal(local_agreement(own, np.zeros_like(own)), 0)
