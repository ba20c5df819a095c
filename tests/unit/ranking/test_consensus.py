import numpy as np
import pytest

from lucidna.attribution.correction import correct
from lucidna.ranking.bootstrap import weighted_mean
from lucidna.ranking.consensus import auroc_rows, consensus, signal_to_noise, top_share
from lucidna.ranking.prepare import MapSet, smooth, unit_norm
from lucidna.ranking.recurrence import sl_con
from lucidna.ranking.score import RULE_A, combined_score


def run(maps, onehot, **kwargs):
    maps = MapSet(list(maps), onehot)
    seeds = np.array([weighted_mean(*sl_con(maps.corrected(i), maps.onehot)) for i in range(len(maps))])
    return consensus(maps, seeds, **kwargs)


def means(result):
    return np.stack([result.cosine.mean(axis=1), result.snr.mean(axis=1), result.auc.mean(axis=1)])


def test_reproduces_the_reference_population(population):
    maps, numbers = population
    result = consensus(maps, numbers["sl_con"])
    found = dict(zip(("c_cos", "c_snr", "c_auc"), means(result), strict=True))
    for name, values in found.items():
        np.testing.assert_allclose(values, numbers[name], atol=1e-6)
    np.testing.assert_allclose(result.weights, numbers["weights"], atol=1e-6)
    everyone = np.ones(len(maps), dtype=bool)
    np.testing.assert_allclose(combined_score(found, RULE_A, everyone), numbers["rule_a_star"], atol=1e-12)


def test_the_own_map_is_left_out_of_the_reference():
    # Three orthogonal maps: whoever sees its own map in the reference would get a cosine above 0.
    onehot = np.zeros((20, 4, 6), dtype=np.float32)
    onehot[:, 0] = 1
    maps = np.zeros((3, 20, 4, 6), dtype=np.float32)
    for index in range(3):
        maps[index, :, 0, index], maps[index, :, 1, index] = 1, -1
    result = consensus(MapSet(list(maps), onehot), np.array([3.0, 2, 1]))
    np.testing.assert_allclose(result.cosine, 0, atol=1e-7)


def test_cosine_of_two_networks_is_that_of_their_maps(toy):
    maps = toy.maps([0.3, 0.6])
    result = consensus(MapSet(list(maps), toy.onehot), np.array([1.0, 2.0]))
    a, b = unit_norm(correct(maps.astype(float)))
    np.testing.assert_allclose(result.cosine, [np.einsum("nal,nal->n", a, b)] * 2, atol=1e-6)


def test_falling_quality_is_ranked_in_order(toy):
    result = run(toy.maps(np.geomspace(0.2, 2.0, 8)), toy.onehot)
    for values in (means(result)[0], means(result)[1]):
        assert (np.diff(values) < 0).all()


def test_order_and_scale_of_the_networks_do_not_matter(toy):
    maps = toy.maps(np.linspace(0.3, 1.5, 6))
    order = np.array([3, 0, 5, 1, 4, 2])
    scales = np.array([1e-3, 10, 1, 1e4, 3, 7], dtype=np.float32)[:, None, None, None]
    first, second = run(maps, toy.onehot), run((maps * scales)[order], toy.onehot)
    np.testing.assert_allclose(means(first)[:, order], means(second), atol=1e-5)
    np.testing.assert_allclose(first.weights[order], second.weights, atol=1e-5)


def test_the_other_strand_gives_the_same(toy):
    maps = toy.maps(np.linspace(0.3, 1.5, 5))
    first = run(maps, toy.onehot)
    second = run(maps[:, :, ::-1, ::-1], toy.onehot[:, ::-1, ::-1])
    np.testing.assert_allclose(means(first), means(second), atol=1e-5)


def test_networks_without_a_vote_change_nothing(toy):
    maps = toy.maps(np.linspace(0.3, 1.5, 5))
    noise = np.random.default_rng(9).standard_normal((20, *maps.shape[1:])).astype(np.float32)
    alone = run(maps, toy.onehot)
    voters = np.arange(25) < 5
    together = run(np.concatenate([maps, noise]), toy.onehot, voters=voters)
    np.testing.assert_allclose(means(alone), means(together)[:, :5], atol=1e-12)
    assert not together.weights[5:].any()
    assert (means(together)[0, 5:] < 0.05).all()


def test_copies_of_one_run_share_a_vote(toy):
    maps = toy.maps(np.linspace(0.3, 1.2, 5))
    copies = maps[1] + 1e-3 * toy.maps([1.0] * 12, seed=3)
    everything = np.concatenate([maps, copies])
    votes = ["a", "b", "c", "d", "e", *["b"] * 12]
    free, shared = run(everything, toy.onehot), run(everything, toy.onehot, votes=votes)
    alone = run(maps, toy.onehot)
    # Free, the copies agree with each other nearly perfectly; sharing a vote, with other networks only.
    assert means(free)[0, 1] > 0.95
    assert means(free)[0].argmax() != 0
    np.testing.assert_allclose(means(shared)[0, :5], means(alone)[0], atol=0.05)
    assert means(shared)[0].argmax() == 0


def test_a_network_alone_has_no_consensus(toy):
    result = consensus(MapSet(list(toy.maps([0.5])), toy.onehot), np.ones(1))
    assert np.isnan(result.cosine).all()
    assert np.isnan(result.auc).all()


def test_memory_mapped_maps_give_the_same(toy, tmp_path):
    maps = toy.maps([0.3, 0.6, 0.9])
    paths = []
    for index, array in enumerate(maps):
        np.save(tmp_path / f"{index}.npy", array)
        paths.append(np.load(tmp_path / f"{index}.npy", mmap_mode="r"))
    seeds = np.array([3.0, 2, 1])
    first = consensus(MapSet(list(maps), toy.onehot), seeds)
    second = consensus(MapSet(paths, toy.onehot, cache_bytes=0), seeds)
    np.testing.assert_array_equal(first.cosine, second.cosine)


def test_one_dominating_network_leaves_an_exact_reference(toy):
    maps = MapSet(list(toy.maps([0.2, 0.8, 0.9, 1.0])), toy.onehot)
    result = consensus(maps, np.array([4.0, 3, 2, 1]), power=60, updates=1)
    # The best holds nearly all the weight: its own reference must be the second alone.
    expected = np.einsum("nal,nal->n", maps.corrected(0), maps.corrected(1))
    np.testing.assert_allclose(result.cosine[0], expected, atol=1e-4)


def test_top_share_keeps_ties():
    values = np.array([[5.0, 4, 4, 1, 0, 0, 0, 0, 0, 0]])
    np.testing.assert_array_equal(np.flatnonzero(top_share(values, 0.2)), [0, 1, 2])


def test_signal_to_noise_by_hand():
    values = np.array([[8.0, 4, 2, 1, 1, 0], [8.0, 4, 2, 1, -1, 0]])
    motif = np.array([[True, True, False, False, False, False]] * 2)
    np.testing.assert_allclose(signal_to_noise(values, motif, top=2), [4, 4])
    np.testing.assert_allclose(signal_to_noise(values, motif, top=3), [4.5, 0])


def test_auroc_rows_by_hand():
    scores = np.array([[3.0, 1, 2, 0], [1.0, 1, 1, 1], [0.0, 1, 2, 3]])
    labels = np.array([[True, True, False, False]] * 3)
    np.testing.assert_allclose(auroc_rows(scores, labels), [0.75, 0.5, 0])
    assert auroc_rows(scores[:1], np.zeros((1, 4), dtype=bool)) == pytest.approx(0.5)


def test_further_comparisons_see_the_same_references(toy):
    """What is asked for beside gets each network's map with the others' mean and its pseudo-motif."""
    maps = toy.maps(np.linspace(0.3, 1.5, 5))
    seen = {
        "area": lambda projected, reference, motif: auroc_rows(projected, motif),
        "marked": lambda projected, reference, motif: (top_share(smooth(reference, 5), 0.2) == motif).mean(axis=1),
    }
    result = run(maps, toy.onehot, also=seen)
    np.testing.assert_array_equal(result.also["area"], result.auc)
    np.testing.assert_array_equal(result.also["marked"], 1)
    assert run(maps, toy.onehot).also == {}
    alone = run(maps[:1], toy.onehot, also=seen)
    assert np.isnan(alone.also["area"]).all()
