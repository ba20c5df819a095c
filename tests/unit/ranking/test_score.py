import numpy as np
import pytest

from lucidna.errors import UserError
from lucidna.ranking.score import combined_score, objective_of, pareto_front, rank_percentiles, rank_stability


def test_percentiles_of_candidates_and_controls():
    values = np.array([[3.0, 1, 2, 2, 2, 9]])
    candidate = np.array([True, True, True, True, False, False])
    np.testing.assert_allclose(rank_percentiles(values, candidate), [[1, 0.25, 0.625, 0.625, 0.5, 1]])


def test_missing_values_rank_lowest():
    found = rank_percentiles(np.array([np.nan, 1.0, 0]), np.ones(3, dtype=bool))
    np.testing.assert_allclose(found, [1 / 3, 1, 2 / 3])


def test_weights_of_the_objective():
    criteria = {"c_cos": np.array([1.0, 0]), "c_auc": np.array([0.0, 1]), "c_snr": np.zeros(2)}
    found = combined_score(criteria, {"c_cos": 3, "c_auc": 1, "c_snr": 0}, np.ones(2, dtype=bool))
    np.testing.assert_allclose(found, [0.875, 0.625])


@pytest.mark.parametrize(
    ("objective", "words"),
    [
        ({"c_cso": 1}, "did you mean 'c_cos'"),
        ({"c_cos": -1}, "0 or more"),
        ({"c_cos": 0}, "no weight above 0"),
    ],
)
def test_bad_objectives_are_refused(objective, words):
    with pytest.raises(UserError, match=words):
        objective_of(objective)


def test_rank_stability_by_hand():
    draws = np.array([[3.0, 2, 1], [3, 1, 2], [3, 2, 2], [3, 2, 1]])
    lo, hi, share = rank_stability(draws, top=2)
    np.testing.assert_allclose(share, [1, 0.625, 0.375])
    assert lo[0] == hi[0] == 1
    assert hi[2] > lo[2]
    np.testing.assert_allclose(rank_stability(draws, top=5)[2], 1)


def test_pareto_front_by_hand():
    first, second = np.array([1.0, 2, 3, 1, 3]), np.array([3.0, 2, 1, 1, np.nan])
    np.testing.assert_array_equal(pareto_front(first, second), [True, True, True, False, False])
    # Equal points do not push each other off.
    np.testing.assert_array_equal(pareto_front(np.ones(2), np.ones(2)), [True, True])
