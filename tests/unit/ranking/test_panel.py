import json

import numpy as np
import pandas as pd
import pytest

from lucidna.attribution.correction import correct
from lucidna.dataset import Dataset
from lucidna.errors import UserError
from lucidna.ranking.panel import rank_candidates, rank_experiment
from lucidna.ranking.prepare import codes_of
from lucidna.ranking.verdict import SHARED_BIAS

from .conftest import make_toy

FAST = {"bootstraps": 100}
QUALITY = [0.2, 0.35, 0.6, 1.0, 1.6]


def noise_like(maps, n, seed=4):
    return np.random.default_rng(seed).standard_normal((n, *maps.shape[1:])).astype(np.float32)


@pytest.fixture(scope="module")
def ranked(toy):
    maps = toy.maps(QUALITY)
    everything = dict(zip(["best", "good", "fair", "poor", "bad"], maps, strict=True))
    everything |= {"control": noise_like(maps, 1)[0]}
    scores = {name: (0.9 - 0.01 * place, 0.8, 0.95) for place, name in enumerate(everything)}
    return rank_candidates(everything, toy.onehot, controls=["control"], scores=scores, metric="auroc", top=2, **FAST)


def test_planted_truth_is_ranked_in_order(ranked):
    order = ranked.ranking["id"].tolist()
    assert order[:3] == ["best", "good", "fair"]
    assert order[-1] == "control"
    assert ranked.verdict["rule"] == "A*"
    assert ranked.verdict["best"] == "best"
    assert ranked.verdict["chosen"] == ["best", "good"]
    assert ranked.ranking["chosen"].tolist() == [True, True, False, False, False, False]


def test_tables_carry_values_inside_their_intervals(ranked):
    panel = ranked.panel.set_index("id")
    for name in (
        "c_cos",
        "c_snr",
        "c_auc",
        "c_local",
        "c_second",
        "c_isolation",
        "sl_con",
        "soft_kmer6",
        "ac1_g",
        "selfsnr",
        "agreement",
        "m2cf",
        "m2",
    ):
        assert (panel[f"{name}_lo"] <= panel[name]).all(), name
        assert (panel[f"{name}_hi"] >= panel[name]).all(), name
        # The published histogram of directions is fooled by noise on few regions: it is shown, and decides nothing.
        assert name == "m2" or panel.loc["best", name] > panel.loc["control", name], name
    for name in ("m1_null", "m2_null", "m2_permuted_null"):
        assert (panel[f"{name}_lo"] < panel[name]).all(), name
        assert (panel[f"{name}_hi"] > panel[name]).all(), name
    top = ranked.ranking.set_index("id")
    assert top.loc["best", "top_share"] > 0.9
    assert top["top_share"].sum() == pytest.approx(2)
    assert top.loc["control", "status"] == "control"
    assert top.loc["control", "consensus_weight"] == 0
    assert ranked.families["n"].sum() == 5


def test_every_value_of_the_panel_has_an_interval(ranked, experiment):
    candidates, folder, dataset = experiment
    for candidate in candidates:
        metrics = {"status": "ok", "valid": {"loss": 0.5}}
        (folder / "train" / candidate["id"] / "metrics.json").write_text(json.dumps(metrics))
    for panel in (ranked.panel, rank((candidates, folder, dataset)).panel):
        numbers = panel.select_dtypes("float").columns
        values = [name for name in numbers if not name.endswith(("_lo", "_hi"))]
        assert {"prediction", "c_cos", "m1cf", "m2cf", "m1_null", "m2_null"} <= set(values)
        bare = {name for name in values if not {f"{name}_lo", f"{name}_hi"} <= set(numbers)}
        # What the documentation of the panel names as having none.
        assert bare == {"consensus_weight"}
        for name in set(values) - bare:
            assert (panel[f"{name}_lo"].notna() == panel[name].notna()).all(), name


def test_same_seed_same_numbers_and_order_of_input_does_not_matter(toy):
    maps = toy.maps(QUALITY)
    names = list("abcde")
    first = rank_candidates(maps, toy.onehot, ids=names, **FAST)
    again = rank_candidates(maps, toy.onehot, ids=names, **FAST)
    pd.testing.assert_frame_equal(first.panel, again.panel)
    assert first.verdict == again.verdict
    turned = rank_candidates(maps[::-1], toy.onehot, ids=names[::-1], **FAST)
    assert turned.ranking["id"].tolist() == first.ranking["id"].tolist()
    np.testing.assert_allclose(turned.ranking["score"], first.ranking["score"], atol=1e-9)


@pytest.mark.parametrize(
    "fake",
    [
        lambda maps, toy: noise_like(maps, 1)[0],
        lambda maps, toy: np.tile(np.array([1.0, 0.2, -0.3, -0.9])[None, :, None], (len(toy.onehot), 1, 80)),
        lambda maps, toy: toy.onehot - 0.25,
        lambda maps, toy: -maps[0],
        lambda maps, toy: np.roll(maps[0], 7, axis=0),
    ],
    ids=["noise", "constant", "input copy", "sign flip", "wrong sequences"],
)
def test_fakes_come_last(toy, fake):
    maps = toy.maps([0.15, 0.2, 0.25, 0.3, 0.35])
    everything = np.concatenate([maps, np.asarray(fake(maps, toy), dtype=np.float32)[None]])
    ranking = rank_candidates(everything, toy.onehot, **FAST).ranking
    assert ranking["id"].iloc[-1] == "model_5"
    assert ranking["score"].iloc[-1] < ranking["score"].iloc[-2]


def test_fakes_are_vetoed_beside_a_control(toy):
    maps = toy.maps([0.3, 0.4, 0.5, 0.6])
    noise = noise_like(maps, 2)
    everything = np.concatenate([maps, -maps[:1], noise])
    verdict = rank_candidates(everything, toy.onehot, controls=[False] * 6 + [True], **FAST).verdict
    assert {entry["id"] for entry in verdict["vetoed"]} == {"model_4", "model_5"}
    assert "a control's upper end" in verdict["vetoed"][0]["reason"]
    assert set(verdict["chosen"]) == {"model_0", "model_1", "model_2", "model_3"}


def test_chance_is_vetoed_among_few_without_a_control():
    toy = make_toy(step=1)
    maps = toy.maps([0.3, 0.4, 0.5, 0.6])
    silent = maps[3] + 0.1 * noise_like(maps, 1)[0]
    silent[7:] = 0
    some = maps[3] + 0.1 * noise_like(maps, 1)[0]
    some[6:12] = 0.5
    fakes = {"flip": -maps[0], "reversed": maps[1][::-1], "noise": noise_like(maps, 1)[0], "silent": silent}
    everything = dict(zip("abcd", maps, strict=True)) | fakes | {"some": some}
    verdict = rank_candidates(everything, toy.onehot, **FAST).verdict
    reasons = {entry["id"]: entry["reason"] for entry in verdict["vetoed"]}
    assert set(reasons) == set(fakes)
    assert "is not above 0.000: it agrees with the others no better than chance" in reasons["flip"]
    assert "what differs between its regions agrees with the others no better than chance" in reasons["reversed"]
    assert reasons["silent"].startswith("its maps are zero everywhere in 53 of 60 regions, more than 10%")
    assert "maps that are zero in more than 10% of the regions in 1 (silent)" in verdict["text"]
    # A tenth of the regions may be silent, as in "some".
    assert set(verdict["chosen"]) == {"a", "b", "c", "d", "some"}


def test_chance_is_vetoed_by_rule_b(toy):
    maps = np.concatenate([toy.maps([0.3]), noise_like(toy.truth[None], 1), -toy.maps([0.3], seed=5)])
    found = rank_candidates(maps, toy.onehot, **FAST)
    assert found.verdict["rule"] == "B"
    assert found.verdict["chosen"] == ["model_0"]
    reasons = [entry["reason"] for entry in found.verdict["vetoed"]]
    assert len(reasons) == 2
    assert all(reason.startswith("its sl_con ") and reason.endswith("no better than chance") for reason in reasons)
    panel = found.panel
    assert ((panel["sl_con_null_lo"] < panel["sl_con_null"]) & (panel["sl_con_null"] < panel["sl_con_null_hi"])).all()
    assert panel["sl_con"][0] > panel["sl_con_null_hi"][0]


def test_twins_cannot_be_separated(toy):
    maps = toy.maps([0.3] * 6)
    verdict = rank_candidates(maps, toy.onehot, **FAST).verdict
    assert verdict["status"] == "cannot separate"
    assert len(verdict["inseparable"]) >= 3
    assert verdict["would_separate"]


def test_controls_as_good_as_candidates_leave_none(toy):
    maps = toy.maps([0.8, 0.9, 1.0, 1.1, 0.2])
    verdict = rank_candidates(maps, toy.onehot, controls=["none"] * 4 + ["random_weights"], **FAST).verdict
    assert verdict["status"] == "none"
    assert verdict["chosen"] == []
    assert len(verdict["vetoed"]) == 4


def test_controls_may_be_named_in_many_ways(toy):
    maps = toy.maps(QUALITY)
    ways = (["model_3"], {"model_3"}, "model_3", np.array(["model_3"]), np.arange(5) == 3, {"model_3": True})
    kinds = ["none", "none", "none", "control", "none"]
    for way in (*ways, kinds):
        found = rank_candidates(maps, toy.onehot, controls=way, **FAST).panel
        assert found["control"].tolist() == kinds, way


def test_scores_that_are_not_known_are_not_judged(toy):
    scores = [(0.8, np.nan, np.nan), np.nan, (0.9, 0.8, 0.95), 0.7, 0.99]
    assert rank_candidates(toy.maps(QUALITY), toy.onehot, scores=scores, metric="auroc", **FAST).metric == "auroc"
    # A metric of one's own has no scale that is known.
    rank_candidates(toy.maps(QUALITY), toy.onehot, scores=[80, 70, 60, 50, 40], metric="percent", **FAST)


def test_an_unknown_score_gates_nobody(toy):
    scores = [(0.9, 0.85, 0.95), (0.89, 0.85, 0.95), (0.5, 0.4, 0.6), np.nan, (0.9, 0.85, 0.95)]
    found = rank_candidates(toy.maps(QUALITY), toy.onehot, scores=scores, metric="auroc", **FAST)
    ranking = found.ranking.set_index("id")
    assert ranking["status"].to_dict() == {f"model_{n}": "gated" if n == 2 else "passed" for n in (0, 1, 3, 4, 2)}
    assert ranking.loc["model_3", "consensus_weight"] > 0
    assert "The score of 1 candidate is unknown: it was not gated." in found.verdict["notices"]
    assert "The score of 1 candidate is unknown." in found.verdict["text"]
    two = rank_candidates(toy.maps(QUALITY), toy.onehot, scores=[*scores[:3], np.nan, np.nan], metric="auroc", **FAST)
    assert "The score of 2 candidates is unknown: they were not gated." in two.verdict["notices"]
    none = rank_candidates(toy.maps(QUALITY), toy.onehot, scores=[np.nan] * 5, metric="auroc", **FAST)
    assert "unknown" not in " ".join([none.verdict["text"], *none.verdict["notices"]])


def test_a_constant_prediction_of_an_experiment_is_gated(experiment):
    _, folder, _ = experiment
    path = folder / "train" / "cnn-1" / "valid.npz"
    with np.load(path) as file:
        arrays = {**file, "prediction": np.zeros_like(file["prediction"])}
    np.savez(path, **arrays)
    ranking = rank(experiment).ranking.set_index("id")
    assert ranking.loc["cnn-1", "status"] == "gated"
    assert ranking.loc["cnn-1", "consensus_weight"] == 0


def test_the_paragraph_ends_with_its_limits(toy):
    maps = toy.maps(QUALITY)
    text = rank_candidates(maps[:, :30], toy.onehot[:30], **FAST).verdict["text"]
    few, veto = (
        "Only 30 regions were compared.",
        "With 5 candidates that pass the gate there was no veto on the lowest 5%.",
    )
    assert f"{few} {veto} {SHARED_BIAS}" in text
    assert text.endswith(SHARED_BIAS)
    assert few not in rank_candidates(maps, toy.onehot, **FAST).verdict["text"]
    assert veto not in rank_candidates(maps, toy.onehot, quantile=0, **FAST).verdict["text"]
    with_bias = rank_candidates(maps, toy.onehot, control_maps=[np.abs(maps[0])], **FAST).verdict["text"]
    assert SHARED_BIAS not in with_bias
    by_b = rank_candidates(maps[:2], toy.onehot, **FAST).verdict["text"]
    assert SHARED_BIAS not in by_b
    assert SHARED_BIAS not in rank_candidates(noise_like(maps, 5), toy.onehot, **FAST).verdict["text"]


def test_the_verdict_says_how_far_the_delivered_agree(toy, ranked):
    level, panel = ranked.verdict["agreement"], ranked.panel.set_index("id")
    assert level["delivered"]["value"] == pytest.approx(panel.loc[["best", "good"], "c_cos"].mean())
    assert level["delivered"]["lo"] < level["delivered"]["value"] < level["delivered"]["hi"]
    # Means over networks vary less than the lowest and highest ends of their members.
    assert level["delivered"]["lo"] >= panel.loc[["best", "good"], "c_cos_lo"].min()
    assert level["control"]["hi"] == panel.loc["control", "c_cos_hi"]
    assert (level["above"], level["highest"]["id"], level["n_controls"]) == (True, "best", 1)
    text = ranked.verdict["text"]
    assert f"the maps of the 2 delivered have a mean cosine of {level['delivered']['value']:.2f} (95 % inter" in text
    assert f"; the control has {level['control']['value']:.2f} (" in text
    assert "does not agree" not in text
    assert "do not agree" not in text


def test_the_best_of_a_bad_lot_is_called_so(toy):
    noise = noise_like(toy.truth[None], 7)
    with_controls = rank_candidates(noise, toy.onehot, controls=["model_5", "model_6"], **FAST).verdict
    assert with_controls["status"] == "none"
    assert with_controls["agreement"]["delivered"] is None
    assert with_controls["agreement"]["above"] is False
    assert "So even the candidate that agrees best does not agree better than a control" in with_controls["text"]
    assert "the highest of 2 controls has" in with_controls["text"]
    # Without a control they agree no better than chance, and nothing would separate them.
    without = rank_candidates(noise, toy.onehot, **FAST).verdict
    assert without["agreement"]["control"] is None
    assert (without["status"], without["chosen"], len(without["vetoed"])) == ("none", [], 7)
    assert without["would_separate"] is None
    assert "no better than chance" in without["text"]
    # By rule B what passes the veto may still agree no better than a control.
    maps = np.concatenate([toy.maps([0.1]), toy.maps([3.0], seed=7), toy.maps([0.3], seed=8)])
    few = rank_candidates(maps, toy.onehot, controls=["model_2"], **FAST).verdict
    assert few["rule"] == "B"
    assert few["agreement"]["above"] is False
    alone = rank_candidates(maps[[0, 2]], toy.onehot, controls=["model_1"], **FAST).verdict
    assert alone["agreement"] is None


def test_agreement_is_averaged_over_folds(toy):
    other = make_toy(seed=8)
    maps = [*toy.maps([0.2, 0.4, 0.8, 1.2]), *other.maps([0.3, 0.5, 0.9, 1.4])]
    found = rank_candidates(maps, {"a": toy.onehot, "b": other.onehot}, folds=["a"] * 4 + ["b"] * 4, top=2, **FAST)
    panel = found.panel.set_index("id")
    delivered = found.verdict["agreement"]["delivered"]
    assert delivered["value"] == pytest.approx(panel.loc[["model_0", "model_4"], "c_cos"].mean())
    assert delivered["lo"] < delivered["value"] < delivered["hi"]


def test_few_networks_are_ranked_by_rule_b(toy):
    maps = np.concatenate([toy.maps([0.2, 0.8]), noise_like(toy.truth[None], 1)])
    ranking = rank_candidates(maps, toy.onehot, controls=["none", "none", "label_shuffled"], **FAST)
    assert ranking.verdict["rule"] == "B"
    assert ranking.verdict["best"] == "model_0"
    assert any("weaker rule B" in notice for notice in ranking.verdict["notices"])
    # One candidate and its control: nothing to agree with, still a verdict.
    alone = rank_candidates(maps[[0, 2]], toy.onehot, controls=["none", "label_shuffled"], **FAST).verdict
    assert alone["chosen"] == ["model_0"]


def test_folds_are_compared_within_themselves(toy):
    other = make_toy(seed=8)
    maps = [*toy.maps([0.2, 0.4, 0.8, 1.2]), *other.maps([0.3, 0.5, 0.9, 1.4])]
    ranking = rank_candidates(maps, {"a": toy.onehot, "b": other.onehot}, folds=["a"] * 4 + ["b"] * 4, top=2, **FAST)
    assert ranking.verdict["by_fold"]["a"]["best"] == "model_0"
    assert ranking.verdict["by_fold"]["b"]["best"] == "model_4"
    assert set(ranking.verdict["chosen"]) == {"model_0", "model_4"}


@pytest.fixture(scope="module")
def small_and_large(toy):
    """A fold of 3 networks and one of 12, a control in each: arguments of the whole, and of each fold alone."""
    other, quality = make_toy(seed=8), np.linspace(0.2, 1.6, 12)
    parts = {
        "small": (np.concatenate([toy.maps([0.3, 0.8, 1.4]), noise_like(toy.truth[None], 1)]), toy.onehot),
        "large": (np.concatenate([other.maps(quality), noise_like(other.truth[None], 1, seed=5)]), other.onehot),
    }
    ids = {fold: [*(f"{fold}_{n}" for n in range(len(maps) - 1)), f"{fold}_noise"] for fold, (maps, _) in parts.items()}
    return parts, ids


def test_a_small_fold_does_not_change_the_rule_of_a_large_one(small_and_large):
    parts, ids = small_and_large
    both = rank_candidates(
        [one for maps, _ in parts.values() for one in maps],
        {fold: onehot for fold, (_, onehot) in parts.items()},
        ids=[*ids["small"], *ids["large"]],
        folds=["small"] * 4 + ["large"] * 13,
        controls=["small_noise", "large_noise"],
        **FAST,
    )
    verdict = both.verdict
    assert verdict["rule"] == "mixed"
    assert verdict["rules"] == {"small": "B", "large": "A*"}
    assert "(rule A*), but in fold small by rule B" in verdict["text"]
    weaker = [notice for notice in verdict["notices"] if "rule B" in notice]
    assert weaker == ["There are fewer than 3 others to agree with in fold small: the weaker rule B was used there."]
    assert sum("veto on the lowest" in notice and "in fold large" in notice for notice in verdict["notices"]) == 1
    assert not any("veto on the lowest" in notice and "in fold small" in notice for notice in verdict["notices"])
    # Each fold has the scores, the places and the reasons that it has alone.
    for fold, rule in verdict["rules"].items():
        maps, onehot = parts[fold]
        alone = rank_candidates(maps, onehot, ids=ids[fold], controls=[f"{fold}_noise"], **FAST)
        assert (alone.verdict["rule"], alone.verdict["rules"]) == (rule, {"all": rule})
        expected = alone.ranking.set_index("id")
        found = both.ranking[both.ranking["fold"] == fold].set_index("id")
        for column in ("score", "family_rank", "status"):
            assert found[column].to_dict() == pytest.approx(expected[column].to_dict(), nan_ok=True), column
        assert verdict["by_fold"][fold]["best"] == f"{fold}_0"
    passed = both.ranking[both.ranking["status"] == "passed"]
    assert passed["score"].is_monotonic_decreasing
    assert set(passed["fold"]) == {"small", "large"}


def test_each_fold_vetoes_by_its_own_rule(small_and_large):
    parts, ids = small_and_large
    maps = [*parts["small"][0], *parts["large"][0]]
    maps[2], maps[4 + 11] = noise_like(maps[0][None], 1, seed=21)[0], noise_like(maps[0][None], 1, seed=22)[0]
    verdict = rank_candidates(
        maps,
        {fold: onehot for fold, (_, onehot) in parts.items()},
        ids=[*ids["small"], *ids["large"]],
        folds=["small"] * 4 + ["large"] * 13,
        controls=["small_noise", "large_noise"],
        **FAST,
    ).verdict
    reasons = {entry["id"]: entry["reason"] for entry in verdict["vetoed"]}
    assert reasons["small_2"].startswith("its sl_con")
    assert reasons["large_11"].startswith("its c_cos")


def test_gate_and_chance(toy):
    maps = toy.maps(QUALITY)
    scores = np.array([[0.45, 0.4, 0.49], [0.9, 0.88, 0.92], [0.9, 0.88, 0.92], [0.8, 0.7, 0.85], [0.9, 0.88, 0.92]])
    ranking = rank_candidates(maps, toy.onehot, scores=scores, metric="auroc", **FAST)
    status = ranking.ranking.set_index("id")["status"]
    assert status.tolist()[:3] == ["passed"] * 3
    assert {name for name in status.index if status[name] == "gated"} == {"model_0", "model_3"}
    assert "does not exceed chance" in ranking.ranking.set_index("id").loc["model_0", "reason"]
    assert ranking.ranking.set_index("id").loc["model_0", "consensus_weight"] == 0


def test_a_network_at_the_top_of_both_is_the_front(ranked):
    assert ranked.verdict["front"] == ["best"]
    assert ranked.ranking.set_index("id")["front"].sum() == 1


def test_written_files_are_read_again(ranked, tmp_path):
    ranked.write(tmp_path)
    assert json.loads((tmp_path / "verdict.json").read_text()) == ranked.verdict
    assert pd.read_csv(tmp_path / "panel.tsv", sep="\t")["c_cos"].tolist() == pytest.approx(
        ranked.panel["c_cos"].tolist()
    )
    assert (tmp_path / "ranking.tsv").read_text().startswith("rank\tid\t")


def test_projected_maps_in_another_order_are_noticed_and_others_are_not(toy):
    maps = toy.maps(QUALITY)
    projected = maps * toy.onehot
    turned = projected[1][::-1]
    with pytest.raises(UserError, match=r"'b' cannot be ranked: .* in 60 of 60 regions not that of the sequence"):
        rank_candidates({"a": projected[0], "b": turned}, toy.onehot, **FAST)
    assert rank_candidates(projected, toy.onehot, **FAST).verdict["best"] == "model_0"
    # A copy with its rows turned is not recognised; it agrees with no other, as the documentation says.
    found = rank_candidates([*maps[:3], maps[0][::-1]], toy.onehot, **FAST)
    assert found.ranking["id"].iloc[-1] == "model_3"
    assert found.panel["c_cos"].iloc[3] < 0.2 < 0.3 < found.panel["c_cos"].iloc[2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"maps": lambda maps: maps[:1]}, "1 network cannot be ranked"),
        ({"maps": lambda maps: [*maps[:2], maps[2][:-1]]}, "shape"),
        ({"maps": lambda maps: [*maps[:2], maps[2] * np.nan]}, "NaN"),
        ({"maps": lambda maps: [*maps[:2], maps[2] * 0]}, "zero everywhere"),
        ({"maps": lambda maps: [*maps, maps[1]]}, "'model_1' and 'model_5' have identical maps"),
        (
            {"maps": lambda maps: [*maps, 2 * maps[1] + np.float32(0.3)]},
            "'model_1' and 'model_5' have identical maps",
        ),
        ({"scores": ["a", *[0.5] * 4]}, "score of network 'model_0' is 'a': give a number"),
        ({"ids": list("abcda")}, "'a' is given to more than one"),
        ({"ids": list("abc")}, "3 ids for the maps of 5"),
        ({"scores": [0.5, 0.4]}, "scores has 2 entries"),
        ({"scores": {"model_0": 1, "model_9": 1}}, "scores names 'model_9'"),
        ({"scores": {"model_0": 1}}, "no entry for network 'model_1'"),
        ({"controls": [True] * 5}, "every network is marked"),
        ({"controls": ["model_1", "modle_2"]}, "did you mean 'model_2'"),
        (
            {"controls": ["modle_2"]},
            "controls names 'modle_2', which is not among the networks: did you mean 'model_2'",
        ),
        ({"controls": {"x", "y", "zebra", "u", "v"}}, "not among the networks: they are model_0, model_1"),
        ({"controls": "zebra"}, "'zebra', which is not among the networks: they are model_0, .*, model_4$"),
        ({"controls": np.array(["zebra", "model_1"])}, "'zebra', which is not among"),
        (
            {"scores": [0.8, 80, 0.7, 0.7, 0.7], "metric": "auroc"},
            "'model_1' is 80, and auroc lies between 0 and 1: div",
        ),
        (
            {"scores": [0.8, -0.1, 0.7, 0.7, 0.7], "metric": "auroc"},
            "'model_1' is -0.1, and auroc lies between 0 and 1",
        ),
        ({"scores": [0.8, -1.2, 0.7, 0.7, 0.7], "metric": "pearson"}, "is -1.2, and pearson lies between -1 and 1"),
        ({"scores": [(0.8, 0.7, 1.1)] * 5, "metric": "auroc"}, "'model_0' is 1.1, and auroc"),
        ({"scores": [(0.8, 0.9, 0.7)] * 5}, "is 0.8 with an interval from 0.9 down to 0.7: give the lower end first"),
        ({"scores": [(0.8, 0.9, 0.95)] * 5}, "is 0.8, outside of its own interval 0.9 to 0.95"),
        ({"region_ids": ["x"] * 59}, "59 region ids for 60"),
        ({"region_ids": ["x"] * 60}, "more than once"),
        ({"folds": list("aabbb")}, "2 folds and one set of sequences"),
        ({"objective": {"c_cos": 0}}, "no weight above 0"),
        ({"consistency": {"bases": "acme2022"}}, "did you mean 'basis'"),
        ({"consistency": {"basis": "acme"}}, "basis is 'acme'"),
        ({"maps": lambda maps: None}, "the maps are given as NoneType: give an array"),
        ({"maps": lambda maps: "maps.npy"}, "the maps are given as str"),
        ({"maps": lambda maps: maps.astype(object)}, "'model_0' cannot be ranked: its maps are of type object"),
        ({"maps": lambda maps: [*maps[:4], maps[4] + 1j]}, "'model_4' .* are of type complex"),
        ({"objective": {"c_cos": np.inf, "c_snr": 1}}, "'c_cos' has weight inf: give a finite number"),
        ({"objective": {"c_cos": np.nan}}, "'c_cos' has weight nan"),
        ({"objective": {"c_cos": "1"}}, "'c_cos' has weight '1'"),
        ({"consistency": {"k": "six"}}, "consistency k is 'six': give a whole number from 1 to 8"),
        ({"consistency": {"k": 0}}, "consistency k is 0"),
        ({"consistency": {"window": 1.5}}, "consistency window is 1.5: give a whole number of 1 or more"),
        ({"consistency": {"threshold": 2}}, "consistency threshold is 2: give a number from 0 to 1"),
        ({"consistency": {"cutoff": np.nan}}, "consistency cutoff is nan"),
        ({"margin": np.nan}, "margin is nan: give a finite number of 0 or more"),
        ({"margin": -1}, "margin is -1"),
        ({"quantile": 5}, "quantile is 5: give the share that is vetoed, between 0 .* and 0.5"),
        ({"quantile": np.nan}, "quantile is nan"),
        ({"seed": 1.5}, "seed is 1.5: give a whole number of 0 or more"),
        ({"seed": None}, "seed is None"),
        ({"seed": -1}, "seed is -1"),
        ({"metric": "AUROC"}, "metric is 'AUROC': did you mean 'auroc'"),
        ({"metric": "pearsn"}, "did you mean 'pearson'"),
        ({"metric": None}, "metric is None"),
        (
            {"controls": ["nnone"] * 4 + ["label_shufled"]},
            "controls has 'nnone' for network 'model_0': did you mean 'none'",
        ),
        ({"controls": ["none"] * 4 + ["label_shufled"]}, "for network 'model_4': did you mean 'label_shuffled'"),
        ({"controls": {"model_4": 7}}, "controls has 7 for network 'model_4': use a truth value, or none"),
        ({"top": 1.5}, "top is 1.5"),
        ({"top": 0}, "top is 0"),
        ({"bootstraps": 3}, "bootstraps is 3"),
    ],
)
def test_bad_input_is_named_in_one_sentence(toy, change, words):
    maps = toy.maps(QUALITY)
    change = dict(change)
    maps = change.pop("maps", lambda given: given)(maps)
    with pytest.raises(UserError, match=words) as error:
        rank_candidates(maps, toy.onehot, **change)
    assert "\n" not in str(error.value)


def test_projected_maps_are_not_mixed_with_hypothetical(toy):
    maps = toy.maps(QUALITY)
    with pytest.raises(UserError, match=r"network 'model_1' are zero at every base .* those of 'model_0' are not"):
        rank_candidates([maps[0], maps[1] * toy.onehot, *maps[2:]], toy.onehot, **FAST)
    verdict = rank_candidates(maps * toy.onehot, toy.onehot, **FAST).verdict
    assert verdict["best"] == "model_0"


def test_sequences_without_a_base_are_refused(toy):
    with pytest.raises(UserError, match="the sequences are N at every position"):
        rank_candidates(toy.maps(QUALITY), np.zeros_like(toy.onehot), **FAST)
    some = toy.onehot.copy()
    some[:, :, :3] = 0
    assert rank_candidates(toy.maps(QUALITY), some, **FAST).verdict["best"] == "model_0"


class StandIn:
    """What the ranking reads of a dataset."""

    locate = Dataset.locate

    def __init__(self, codes, target="binary"):
        self.directory = "data"
        self.info = {"target": target}
        self.rows = pd.DataFrame({"region_id": [f"{index:03d}" for index in range(len(codes))]})
        self._codes = codes

    def codes(self, indices):
        return self._codes[indices]


@pytest.fixture
def experiment(toy, tmp_path):
    rng = np.random.default_rng(0)
    candidates = [
        {
            "id": f"cnn-{seed}",
            "architecture": "cnn",
            "recipe": "standard",
            "fold": "f",
            "seed": seed,
            "control": "none",
        }
        for seed in range(5)
    ]
    candidates += [{**candidates[0], "id": "shuffled", "control": "label_shuffled"}]
    target = (rng.random(300) < 0.5).astype(np.float32)[:, None]
    maps = np.concatenate([toy.maps(QUALITY), noise_like(toy.truth[None], 1)])
    for candidate, array in zip(candidates, maps, strict=True):
        folder = tmp_path / "train" / candidate["id"]
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps({"status": "ok"}))
        skill = 0 if candidate["control"] != "none" else 2
        prediction = (skill * target + rng.normal(size=target.shape)).astype(np.float32)
        np.savez(folder / "valid.npz", row=np.arange(300), prediction=prediction, target=target)
        (tmp_path / "rank" / "maps").mkdir(parents=True, exist_ok=True)
        np.save(tmp_path / "rank" / "maps" / f"{candidate['id']}.npy", array)
    (tmp_path / "rank" / "regions").mkdir()
    rows = pd.DataFrame({"region_id": [f"{index:03d}" for index in range(60)], "row": range(60)})
    rows.to_csv(tmp_path / "rank" / "regions" / "f.tsv", sep="\t", index=False)
    return candidates, tmp_path, StandIn(codes_of(toy.onehot))


def rank(experiment):
    candidates, folder, dataset = experiment
    return rank_experiment(candidates, folder / "train", folder / "rank" / "maps", dataset, margin=0.1, **FAST)


def test_an_experiment_is_read_from_its_files(experiment):
    result = rank(experiment)
    assert result.verdict["best"] == "cnn-0"
    assert result.metric == result.verdict["metric"] == "auroc"
    assert result.verdict["rule"] == "A*"
    panel = result.panel.set_index("id")
    assert 0.85 < panel.loc["cnn-0", "prediction"] < 1
    assert panel.loc["cnn-0", "prediction_lo"] < panel.loc["cnn-0", "prediction"] < panel.loc["cnn-0", "prediction_hi"]
    assert panel.loc["cnn-0", "family"] == "cnn x standard"
    assert panel.loc["cnn-0", "family_agreement"] > panel.loc["shuffled", "family_agreement"]


def test_top_1_of_an_experiment_is_a_single_network(experiment):
    candidates, folder, dataset = experiment
    found = rank_experiment(candidates, folder / "train", folder / "rank" / "maps", dataset, top=1, margin=0.1, **FAST)
    assert found.verdict["chosen"] == ["cnn-0"]
    assert "Delivered: cnn-0 alone." in found.verdict["text"]


def test_failed_candidates_are_listed_with_their_reason(experiment):
    _, folder, _ = experiment
    (folder / "train" / "cnn-4" / "metrics.json").write_text('{"status": "failed", "reason": "loss is NaN"}')
    np.save(folder / "rank" / "maps" / "cnn-3.npy", np.full((60, 4, 80), np.nan, dtype=np.float32))
    copy = np.load(folder / "rank" / "maps" / "cnn-1.npy")
    np.save(folder / "rank" / "maps" / "cnn-2.npy", copy)
    np.save(folder / "rank" / "maps" / "shuffled.npy", np.full((60, 4, 80), 0.5, dtype=np.float32))
    result = rank(experiment)
    assert "zero everywhere" in {entry["id"]: entry["reason"] for entry in result.verdict["failed"]}["shuffled"]
    np.save(folder / "rank" / "maps" / "shuffled.npy", noise_like(copy[None], 1)[0])
    result = rank(experiment)
    reasons = {entry["id"]: entry["reason"] for entry in result.verdict["failed"]}
    assert reasons["cnn-4"] == "its training failed: loss is NaN"
    assert "NaN or infinite" in reasons["cnn-3"]
    assert "identical to those of cnn-1" in reasons["cnn-2"]
    assert result.verdict["rule"] == "B"
    assert set(result.panel["id"]) == {"cnn-0", "cnn-1", "shuffled"}


def test_a_grid_of_one_candidate_is_a_labelled_verdict(experiment):
    candidates, folder, dataset = experiment
    result = rank((candidates[:1], folder, dataset))
    assert result.verdict["rule"] == "B"
    assert result.verdict["chosen"] == ["cnn-0"]
    assert "the only candidate that passed" in result.verdict["text"]
    assert any("weaker rule B" in notice for notice in result.verdict["notices"])
    assert any("There is no control" in notice for notice in result.verdict["notices"])
    assert result.families["n"].tolist() == [1]
    with pytest.raises(UserError, match="the grid of the experiment is empty"):
        rank(([], folder, dataset))


def test_nothing_left_is_a_verdict_too(experiment):
    candidates, folder, dataset = experiment
    for candidate in candidates:
        (folder / "train" / candidate["id"] / "metrics.json").write_text('{"status": "failed", "reason": "no"}')
    verdict = rank((candidates, folder, dataset)).verdict
    assert verdict["status"] == "none"
    assert len(verdict["failed"]) == 6
    assert "6 could not be compared" in verdict["text"]
    (folder / "train" / "shuffled" / "metrics.json").write_text('{"status": "ok"}')
    assert rank((candidates, folder, dataset)).verdict["status"] == "none"


def test_files_that_are_missing_or_of_another_dataset_are_named(experiment):
    candidates, folder, dataset = experiment
    dataset.rows.loc[7, "region_id"] = "other"
    with pytest.raises(UserError, match="1 of 60 regions are not where data"):
        rank((candidates, folder, dataset))
    dataset.rows.loc[7, "region_id"] = "007"
    (folder / "rank" / "maps" / "cnn-1.npy").unlink()
    with pytest.raises(UserError, match=r"cnn-1.npy is missing"):
        rank((candidates, folder, dataset))
    (folder / "train" / "cnn-0" / "metrics.json").unlink()
    with pytest.raises(UserError, match=r"metrics.json is missing"):
        rank((candidates, folder, dataset))


def test_a_copy_of_the_input_is_vetoed_for_its_auroc(toy):
    """Where the others are poor, a map of the observed bases agrees with their consensus as well as they do."""
    poor = toy.maps(np.linspace(1.0, 1.6, 8))
    noise = toy.maps([50.0], seed=9)
    maps = np.concatenate([poor, toy.onehot[None] - 0.25, noise]).astype(np.float32)
    controls = ["none"] * 9 + ["random_weights"]
    ranking = rank_candidates(maps, toy.onehot, controls=controls, bootstraps=100).ranking.set_index("id")
    panel = rank_candidates(maps, toy.onehot, controls=controls, bootstraps=100).panel
    assert panel["c_cos"][8] > panel["c_cos"][9] + 0.1, "its cosine is well above the control's"
    assert ranking.loc["model_8", "status"] == "vetoed"
    assert "c_auc" in ranking.loc["model_8", "reason"]
    assert (ranking.loc[[f"model_{index}" for index in range(8)], "status"] == "passed").all()


def test_bias_controls_of_an_experiment_are_not_ranked(experiment, toy):
    candidates, folder, dataset = experiment
    bias = {**candidates[0], "id": "external-naked-f", "name": "naked", "architecture": "external", "control": "bias"}
    preference = np.zeros_like(toy.truth, dtype=np.float32)
    preference[:, 0, 2:8], preference[:, 3, 2:8] = 1, -1
    train = folder / "train" / bias["id"]
    train.mkdir()
    (train / "metrics.json").write_text(json.dumps({"status": "ok"}))
    path = folder / "rank" / "maps" / f"{bias['id']}.npy"
    np.save(path, preference)
    shuffled = folder / "rank" / "shuffled"
    shuffled.mkdir()
    for place, name in enumerate([candidate["id"] for candidate in [*candidates, bias]]):
        np.save(shuffled / f"{name}.npy", noise_like(toy.truth[None], 1, seed=place)[0])

    def ranked(some):
        return rank_experiment(
            some, folder / "train", folder / "rank" / "maps", dataset, shuffled_dir=shuffled, margin=0.1, **FAST
        )

    plain, found = ranked(candidates), ranked([*candidates, bias])
    assert found.panel["id"].tolist() == plain.panel["id"].tolist()
    assert {"control_share", "control_share_shuffled"} <= set(found.panel) - set(plain.panel)
    maps = {name: np.load(folder / "rank" / "maps" / f"{name}.npy") for name in found.panel["id"]}
    expected = rank_candidates(maps, toy.onehot, controls=["shuffled"], control_maps=[preference], **FAST).panel
    np.testing.assert_allclose(found.panel["c_cos"], expected["c_cos"], rtol=1e-6)
    np.testing.assert_allclose(found.panel["control_share"], expected["control_share"], rtol=1e-6)
    assert (found.panel["c_cos_shuffled"] != plain.panel["c_cos_shuffled"]).all()
    assert any(notice.startswith("Bias controls: naked.") for notice in found.verdict["notices"])
    assert not any(notice.startswith("Trained elsewhere") for notice in found.verdict["notices"])
    np.save(path, np.zeros_like(preference))
    with pytest.raises(UserError, match="bias control external-naked-f cannot be used: its maps are zero everywhere"):
        ranked([*candidates, bias])


def test_a_good_map_with_spikes_is_vetoed_for_what_stands_alone(toy):
    """Four spikes per region, as high as the motif, leave the best map above most others in all that is ranked on."""
    maps = toy.maps(np.linspace(0.2, 0.9, 24))
    rng = np.random.default_rng(3)
    places = rng.random((60, 80)).argsort(axis=1) < 4
    maps[2] += 1.5 * places[:, None] * toy.onehot
    found = rank_candidates(maps, toy.onehot, bootstraps=100)
    ranking = found.ranking.set_index("id")
    assert ranking.loc["model_2", "status"] == "vetoed"
    assert ranking.loc["model_2", "reason"].startswith("its c_isolation")
    assert ranking.loc["model_2", "score"] > 0.5
    assert (ranking.drop("model_2")["reason"].str.contains("c_isolation")).sum() == 0
    free = rank_candidates(maps, toy.onehot, quantile=0.0, bootstraps=100).ranking.set_index("id")
    assert free.loc["model_2", "status"] == "passed"


def test_a_window_and_a_single_site_are_vetoed_also_among_few(toy):
    others = toy.maps(np.linspace(0.4, 0.8, 8))
    noise = toy.maps([50.0], seed=9)
    window = np.exp(-0.5 * ((np.arange(80) - 40) / 8) ** 2) * toy.onehot
    first = np.cumsum(np.abs(toy.truth).sum(axis=1) > 0, axis=1)[:, None, :]
    site = np.where(first <= 6, toy.truth, 0) + 0.02 * np.random.default_rng(10).standard_normal(toy.truth.shape)
    maps = np.concatenate([others, correct(window)[None], site[None], noise]).astype(np.float32)
    ranking = rank_candidates(maps, toy.onehot, controls=["none"] * 10 + ["random_weights"], bootstraps=100).ranking
    ranking = ranking.set_index("id")
    assert "c_local" in ranking.loc["model_8", "reason"]
    assert "c_second" in ranking.loc["model_9", "reason"]
    assert "c_cos" not in ranking.loc["model_9", "reason"]
    assert (ranking.loc[[f"model_{index}" for index in range(8)], "status"] == "passed").all()
