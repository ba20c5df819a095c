import numpy as np
import pytest

from lucidna.attribution.correction import correct
from lucidna.errors import UserError
from lucidna.ranking.average import average_maps
from lucidna.ranking.panel import rank_candidates
from lucidna.ranking.prepare import codes_of

from .conftest import make_toy

FAST = {"bootstraps": 100}


def by_hand(maps, onehot):
    """Mean of the unit-norm corrected maps, times the strength of each region and the mean of the members' norms.

    The spread is that of the members' maps when each has the mean of the members' mean norms.
    """
    maps = [one - one.mean(axis=1, keepdims=True) for one in np.asarray(maps, dtype=np.float64)]
    norms = np.array([np.sqrt((one**2).sum(axis=(1, 2))) for one in maps])
    unit = np.array([one / size[:, None, None] for one, size in zip(maps, norms, strict=True)])
    factor = norms.mean() * (norms / norms.mean(axis=1, keepdims=True)).mean(axis=0)
    shown = (unit * onehot).sum(axis=2)
    whole = [one * norms.mean() / size.mean() for one, size in zip(maps, norms, strict=True)]
    spread = (np.array(whole) * onehot).sum(axis=2).std(axis=0, ddof=1)
    agreement = (np.sign(shown) == np.sign(shown.mean(axis=0))).mean(axis=0)
    return unit.mean(axis=0) * factor[:, None, None], spread, agreement


@pytest.fixture(scope="module")
def scaled(toy):
    """Five networks in units of their own, with an offset that the correction takes out."""
    maps = toy.maps([0.2, 0.3, 0.5, 0.9, 1.5])
    units = np.array([1.0, 40.0, 0.02, 3.0, 7.0], dtype=np.float32)
    return maps * units[:, None, None, None] + np.float32(0.3)


def test_the_average_of_the_chosen_is_that_computed_by_hand(toy, scaled):
    ranking = rank_candidates(scaled, toy.onehot, top=3, **FAST)
    found = ranking.average(scaled, toy.onehot)
    assert found.members == ranking.verdict["chosen"] == ["model_0", "model_1", "model_2"]
    mean, spread, agreement = by_hand(scaled[:3], toy.onehot)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-4, atol=1e-5 * np.abs(mean).max())
    np.testing.assert_allclose(found.spread, spread, rtol=1e-3, atol=1e-5 * np.abs(spread).max())
    assert (np.abs(found.sign_agreement - agreement) < 1e-6).mean() > 0.999  # a mean of nearly 0 has no sign
    np.testing.assert_array_equal(found.onehot, toy.onehot)
    # Each member counts the same in each region, whatever its units, and the truth shows better than in any.
    cosine = [(correct(one) * toy.truth).sum() / np.linalg.norm(correct(one)) for one in scaled[:3]]
    assert (found.mean * toy.truth).sum() / np.linalg.norm(found.mean) > max(cosine)


def test_input_by_name_as_codes_or_of_other_sequences(toy, scaled):
    ranking = rank_candidates(scaled, toy.onehot, top=2, **FAST)
    expected = ranking.average(scaled, toy.onehot)
    named = {name: scaled[place] for place, name in enumerate(ranking.panel["id"])}
    found = ranking.average({"model_1": named["model_1"], "model_0": named["model_0"]}, codes_of(toy.onehot))
    np.testing.assert_array_equal(found.mean, expected.mean)
    assert found.members == ["model_0", "model_1"]
    few = ranking.average(scaled[:, :7], toy.onehot[:7])
    np.testing.assert_allclose(few.mean, by_hand(scaled[:2, :7], toy.onehot[:7])[0], rtol=1e-4, atol=1e-3)


def test_one_network_comes_out_as_it_was(toy, scaled):
    ranking = rank_candidates(scaled, toy.onehot, single=True, **FAST)
    found = ranking.average(scaled, toy.onehot)
    assert found.members == ["model_0"]
    np.testing.assert_allclose(found.mean, correct(scaled[0].astype(float)), atol=1e-5)
    assert np.isnan(found.spread).all()


def test_more_regions_than_a_block(toy, scaled):
    often = [np.concatenate([one] * 5) for one in scaled[:2]]
    found = average_maps(dict(enumerate(often)), np.concatenate([toy.onehot] * 5))
    once = average_maps(dict(enumerate(scaled[:2])), toy.onehot)
    np.testing.assert_allclose(found.mean, np.concatenate([once.mean] * 5), rtol=1e-5, atol=1e-6)


def test_each_fold_has_the_average_of_its_own_members():
    toys = {"a": make_toy(seed=3), "b": make_toy(n_regions=40, seed=8)}
    maps = [*toys["a"].maps([0.2, 0.4, 0.8, 1.2]), *toys["b"].maps([0.3, 0.5, 0.9, 1.4])]
    onehot = {fold: toy.onehot for fold, toy in toys.items()}
    ranking = rank_candidates(maps, onehot, folds=["a"] * 4 + ["b"] * 4, top=5, **FAST)
    found = ranking.average(maps, onehot)
    assert set(found) == {"a", "b"}
    members = {
        fold: [name for name in ranking.verdict["chosen"] if (name < "model_4") == (fold == "a")] for fold in found
    }
    assert sum(len(names) for names in members.values()) == 5
    for fold, average in found.items():
        assert average.members == members[fold]
        own = [maps[int(name[-1])] for name in members[fold]]
        np.testing.assert_allclose(average.mean, by_hand(own, onehot[fold])[0], rtol=1e-4, atol=1e-5)
    # A fold without a chosen network has no average.
    alone = rank_candidates(maps, onehot, folds=["a"] * 4 + ["b"] * 4, top=1, **FAST)
    assert list(alone.average(maps, onehot)) == [alone.ranking["fold"][0]]
    with pytest.raises(UserError, match="no sequences for fold"):
        ranking.average(maps, {"a": onehot["a"]})


def test_written_as_the_motif_finders_read_it(toy, scaled, tmp_path):
    average = rank_candidates(scaled, toy.onehot, top=3, **FAST).average(scaled, toy.onehot)
    average.write(tmp_path / "mine")
    with np.load(tmp_path / "mine" / "ohe.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["arr_0"], toy.onehot)
    with np.load(tmp_path / "mine" / "attr.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["arr_0"], average.mean)
        assert file["members"].tolist() == average.members


def test_mistakes_are_one_sentence(toy, scaled):
    ranking = rank_candidates(scaled, toy.onehot, top=2, **FAST)
    with pytest.raises(UserError, match="maps of 4 networks and 5 were ranked"):
        ranking.average(scaled[:4], toy.onehot)
    with pytest.raises(UserError, match="no maps of the chosen network 'model_1'"):
        ranking.average({"model_0": scaled[0]}, toy.onehot)
    with pytest.raises(UserError, match="network 'model_0' cannot be averaged: its maps have shape"):
        ranking.average(scaled, toy.onehot[:9])
    with pytest.raises(UserError, match="not one-hot"):
        ranking.average(scaled, toy.onehot * 2)
    broken = scaled.copy()
    broken[1, 4] = np.nan
    with pytest.raises(UserError, match="network 'model_1' cannot be averaged: its maps of 1 of 60 regions"):
        ranking.average(broken, toy.onehot)
    noise = np.random.default_rng(0).standard_normal((3, *toy.truth.shape))
    nothing = rank_candidates(noise, toy.onehot, controls=["none", "none", "random_weights"], **FAST)
    assert nothing.verdict["chosen"] == []
    with pytest.raises(UserError, match="chose no network, so there is no average"):
        nothing.average(noise, toy.onehot)
