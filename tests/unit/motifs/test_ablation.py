import numpy as np
import pytest

from lucidna.motifs.ablation import (
    ablation_effects,
    control_places,
    effects_of,
    evenly_capped,
    region_shuffles,
    replaced,
    spans,
)

from .toy import A, additive, both, sequences_with_both


def test_only_the_masked_bases_change():
    codes, _ = sequences_with_both()
    shuffles = region_shuffles(codes, draws=4, seed=0)
    mask = spans(np.full(len(codes), 10), np.full(len(codes), 35), length=codes.shape[1])
    assert mask.sum(axis=1).tolist() == [25] * len(codes)
    out = replaced(codes, shuffles, mask)
    assert out.shape == (len(codes), 4, codes.shape[1])
    np.testing.assert_array_equal(out[:, :, ~mask[0]], np.repeat(codes[:, None, ~mask[0]], 4, axis=1))
    np.testing.assert_array_equal(out[:, :, mask[0]], shuffles[:, :, mask[0]])
    for row in (0, 7):
        assert np.bincount(shuffles[row, 1], minlength=4).tolist() == np.bincount(codes[row], minlength=4).tolist()


def test_effect_of_an_instance_is_what_the_network_gives_it():
    codes, pairs = sequences_with_both()
    rows = np.arange(len(codes))
    effects = ablation_effects(additive, codes, rows, pairs["start_a"], pairs["end_a"], draws=5)
    np.testing.assert_allclose(effects, [[3.0], [6.0]] * np.ones(len(codes)))
    effects = ablation_effects(additive, codes, rows, pairs["start_b"], pairs["end_b"], draws=5)
    np.testing.assert_allclose(effects, [[1.0], [2.0]] * np.ones(len(codes)))
    # Where neither word is, nothing happens; with both needed, either is worth the whole.
    assert np.abs(ablation_effects(additive, codes, rows, rows * 0 + 80, rows * 0 + 95)).max() == 0
    np.testing.assert_allclose(ablation_effects(both, codes, rows, pairs["start_a"], pairs["end_a"])[0], 1.0)


def test_effects_do_not_depend_on_company_order_or_blocks(monkeypatch):
    codes, _ = sequences_with_both()
    rows = np.array([5, 3, 3, 20])
    starts = np.array([30, 32, 50, -1])  # half of A, B, no place
    whole = ablation_effects(additive, codes, rows, starts, starts + 5, draws=3, seed=4)
    monkeypatch.setattr("lucidna.motifs.ablation._BLOCK", 1)
    one = ablation_effects(additive, codes, rows[[2]], starts[[2]], starts[[2]] + 5, draws=3, seed=4)
    np.testing.assert_array_equal(whole[:, [2]], one)
    np.testing.assert_array_equal(whole, ablation_effects(additive, codes, rows, starts, starts + 5, draws=3, seed=4))
    assert np.isnan(whole[:, 3]).all()
    assert np.isfinite(whole[:, :3]).all()


def test_sets_of_bases_share_their_draws():
    codes, pairs = sequences_with_both(10)
    mask = spans(pairs["start_a"], pairs["end_a"], length=codes.shape[1])
    shuffles = region_shuffles(codes, draws=3, seed=1)
    whole, without = effects_of(additive, codes, shuffles, np.stack([mask, mask, ~mask & False], axis=1))
    assert (whole.shape, without.shape) == ((2, 10), (2, 10, 3))
    np.testing.assert_array_equal(without[:, :, 0], without[:, :, 1])
    np.testing.assert_array_equal(without[:, :, 2], whole)


def test_control_places_touch_no_hit():
    taken = np.zeros((3, 50), dtype=bool)
    taken[0, 10:40], taken[1], taken[2, ::4] = True, True, True
    rows, widths = np.repeat([0, 1, 2], 50), np.tile([5, 9, 3, 10, 4], 30)
    starts = control_places(rows, widths, taken, seed=0)
    assert (starts[rows == 1] == -1).all()
    placed = starts >= 0
    for row, start, width in zip(rows[placed], starts[placed], widths[placed], strict=True):
        assert not taken[row, start : start + width].any()
        assert start + width <= 50
    assert placed[rows == 0].all()
    assert (placed[rows == 2] == (widths[rows == 2] <= 3)).all()
    assert len(np.unique(starts[rows == 0])) > 5
    blocked = np.ones((len(rows), 50), dtype=bool)
    assert (control_places(rows, widths, taken, seed=0, avoid=blocked) == -1).all()


def test_a_cap_spares_rare_groups():
    groups = np.array(["a"] * 100 + ["b"] * 7 + ["c"] * 50)
    kept = evenly_capped(groups, 60, seed=0)
    names, counts = np.unique(groups[kept], return_counts=True)
    # Each at most 26, and the last place goes to one that has more.
    counts = dict(zip(names, counts.tolist(), strict=True))
    assert counts["b"] == 7
    assert sorted((counts["a"], counts["c"])) == [26, 27]
    assert (np.diff(kept) > 0).all()
    many = np.array([f"p{i % 6}" for i in range(60)])
    few = many[evenly_capped(many, 5, seed=0)]
    assert len(few) == len(set(few)) == 5
    assert evenly_capped(groups, 157, seed=0).tolist() == list(range(157))
    assert evenly_capped(groups, 0, seed=0).size == 0
    assert evenly_capped(groups[:0], 10, seed=0).size == 0


@pytest.mark.parametrize("draws", [1, 8])
def test_a_short_stretch_may_be_given_back_and_more_draws_average(draws):
    codes, _ = sequences_with_both()
    rows = np.arange(len(codes))
    # One base of A: a shuffle puts the same base there about every fourth time.
    effects = ablation_effects(additive, codes, rows, rows * 0 + 30, rows * 0 + 31, draws=draws)[0]
    assert 0.5 < effects.mean() / 3 < 0.95
    assert set(np.round(effects * draws / 3).astype(int)) <= set(range(draws + 1))
    assert len(A) == 9
