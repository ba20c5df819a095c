import numpy as np
import pandas as pd
import pytest

from lucidna.errors import UserError
from lucidna.ranking.control_share import control_map, control_share
from lucidna.ranking.panel import rank_candidates

from .conftest import make_toy


@pytest.fixture(scope="module")
def preference(toy):
    """Maps of what a control shows: the same three bases in the first ten positions of every region."""
    maps = np.zeros_like(toy.truth)
    maps[:, 0, 2:8], maps[:, 3, 2:8] = 1, -1
    return maps


def test_share_is_what_lies_on_the_control(toy, preference):
    control = control_map([preference, 5 * preference])
    # 4 of 80 positions: the inner four of the six that the control shows.
    np.testing.assert_allclose(control_share(preference, control, share=0.05), 4 / 6)
    assert control_share(toy.truth, control, share=0.05).max() < 0.1
    far = np.roll(preference, 40, axis=2)
    mixed = preference / np.linalg.norm(preference[0]) + far / np.linalg.norm(far[0])
    np.testing.assert_allclose(control_share(mixed, control, share=0.05), 2 / 6, atol=1e-9)
    assert np.isnan(control_share(np.zeros_like(toy.truth), control)).all()


def test_noise_has_the_share_of_the_positions(toy, preference):
    noise = toy.maps([100.0])[0]
    assert control_share(noise, control_map([preference]), share=0.1).mean() == pytest.approx(0.1, abs=0.02)


def test_networks_are_compared_by_what_the_control_does_not_show(toy, preference):
    """All have learnt the preference, and those that have learnt it more have learnt less of the truth."""
    signal, bias = np.linspace(1.0, 0.4, 6)[:, None, None, None], np.linspace(2.0, 4.0, 6)[:, None, None, None]
    noise = toy.maps([0.2] * 6) - toy.truth
    maps = (signal * toy.truth + bias * preference + noise).astype(np.float32)
    plain = rank_candidates(maps, toy.onehot, bootstraps=100)
    ranking = rank_candidates(maps, toy.onehot, control_maps=[preference], bootstraps=100)
    assert plain.panel["c_cos"].argmin() == 0, "the best agrees least with the others as they are"
    assert (np.diff(ranking.panel["c_cos"]) < 0).all()
    assert (np.diff(ranking.panel["c_snr"]) < 0).all()
    assert "control_share" not in plain.panel
    share = ranking.panel["control_share"].to_numpy()
    assert (np.diff(share) > 0).all()
    assert (ranking.panel["control_share_lo"] <= share).all()
    assert (ranking.panel["control_share_hi"] >= share).all()


def test_a_control_without_anything_in_common_changes_little(toy):
    maps = toy.maps([0.3, 0.5, 0.7, 0.9, 1.1])
    noise = toy.maps([1000.0], seed=7)
    plain = rank_candidates(maps, toy.onehot, bootstraps=100).panel
    found = rank_candidates(maps, toy.onehot, control_maps=noise, bootstraps=100).panel
    np.testing.assert_allclose(found["c_cos"], plain["c_cos"], atol=0.03)
    np.testing.assert_allclose(found["c_auc"], plain["c_auc"], atol=0.03)


def test_control_maps_of_other_regions_are_refused(toy, preference):
    maps = toy.maps([0.3, 0.5, 0.7])
    with pytest.raises(UserError, match="control map 0 cannot be used: its maps have shape"):
        rank_candidates(maps, toy.onehot, control_maps=[preference[:10]])
    with pytest.raises(UserError, match="one set of control maps"):
        rank_candidates(
            maps,
            {"a": toy.onehot, "b": toy.onehot},
            folds=["a", "a", "b"],
            control_maps=[preference],
        )


def test_a_bias_control_is_a_control_map_and_no_candidate(toy, preference):
    maps = dict(zip("abcd", toy.maps([0.3, 0.5, 0.7, 0.9]) + 2 * preference.astype(np.float32), strict=True))
    given = rank_candidates(maps, toy.onehot, control_maps=[preference], bootstraps=100)
    named = rank_candidates({**maps, "naked": preference}, toy.onehot, controls={"naked": "bias"}, bootstraps=100)
    pd.testing.assert_frame_equal(named.panel, given.panel)
    pd.testing.assert_frame_equal(named.ranking, given.ranking)
    assert "naked" not in set(named.ranking["id"])
    assert named.verdict["notices"][-1].startswith("Bias controls: naked. What their maps show was taken out")
    assert "4 candidates and 0 controls" in named.verdict["text"]
    # Both ways at once are averaged like two of one way.
    far = np.roll(preference, 40, axis=2)
    both = rank_candidates(
        {**maps, "naked": preference}, toy.onehot, controls={"naked": "bias"}, control_maps=[far], bootstraps=100
    )
    two = rank_candidates(maps, toy.onehot, control_maps=[preference, far], bootstraps=100)
    np.testing.assert_allclose(both.panel["c_cos"], two.panel["c_cos"], rtol=1e-6)
    assert (two.panel["c_cos"] != given.panel["c_cos"]).all()


def test_a_bias_control_is_that_of_its_fold(toy, preference):
    other = make_toy(seed=8)
    maps = [*toy.maps([0.3, 0.5, 0.7, 0.9]), *other.maps([0.3, 0.5, 0.7, 0.9]), preference]
    folds = ["a"] * 4 + ["b"] * 4 + ["b"]
    sequences = {"a": toy.onehot, "b": other.onehot}
    found = rank_candidates(maps, sequences, folds=folds, controls=["none"] * 8 + ["bias"], bootstraps=100)
    assert found.panel.groupby("fold")["control_share"].count().to_dict() == {"a": 0, "b": 4}
    assert found.verdict["notices"][-1].startswith("Bias controls in fold b: model_8.")
    plain = rank_candidates(maps[:4], toy.onehot, bootstraps=100).panel
    np.testing.assert_array_equal(found.panel["c_cos"][:4], plain["c_cos"])


def test_a_bias_control_without_a_map_is_refused(toy, preference):
    maps = dict(zip("abc", toy.maps([0.3, 0.5, 0.7]), strict=True))
    for broken, words in ((np.ones_like(preference), "zero everywhere"), (preference[:10], "have shape")):
        with pytest.raises(UserError, match=f"bias control 'naked' cannot be used: its maps (are )?{words}"):
            rank_candidates({**maps, "naked": broken}, toy.onehot, controls={"naked": "bias"})
    with pytest.raises(UserError, match="every network is marked as a control"):
        rank_candidates(maps, toy.onehot, controls=["bias"] * 3)
