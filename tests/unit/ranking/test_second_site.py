import numpy as np

from lucidna.ranking.consensus import auroc_rows
from lucidna.ranking.prepare import project
from lucidna.ranking.second_site import second_site


def test_it_is_the_auroc_without_the_strongest_window():
    rng = np.random.default_rng(0)
    values, motif = rng.integers(-3, 4, (20, 50)).astype(float), rng.random((20, 50)) < 0.3
    found = second_site(values, motif, width=7)
    for row in range(20):
        sums = [values[row, start : start + 7].sum() for start in range(44)]
        kept = np.delete(np.arange(50), np.argmax(sums) + np.arange(7))
        expected = auroc_rows(values[row, kept][None], motif[row, kept][None])[0]
        np.testing.assert_allclose(found[row], expected)


def test_a_map_of_one_site_has_nothing_left(toy):
    """Two motifs per region: a map with the first alone separates positions well, and none beyond its site."""
    whole = project(toy.truth, toy.onehot)
    motif = whole > 0.5
    places = np.where(motif, np.arange(80), 80)
    first = places.min(axis=1)[:, None]
    alone = np.where(np.arange(80) < first + 6, whole, 0)
    assert auroc_rows(alone, motif).mean() > 0.7
    np.testing.assert_array_equal(second_site(alone, motif, width=6), 0.5)
    np.testing.assert_array_equal(second_site(whole, motif, width=6), 1.0)


def test_nothing_to_tell_apart_gives_one_half():
    values = np.arange(12.0).reshape(1, 12)
    assert second_site(values, np.zeros((1, 12), dtype=bool)) == 0.5
    assert second_site(values, np.ones((1, 12), dtype=bool), width=4) == 0.5
    assert second_site(values, np.ones((1, 12), dtype=bool), width=40) == 0.5
