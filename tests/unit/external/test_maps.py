import h5py
import numpy as np
import pandas as pd
import pytest

from lucidna.errors import UserError
from lucidna.external.maps import rank_maps
from lucidna.ranking.panel import rank_candidates

from .conftest import entry

FAST = {"bootstraps": 100}


def rewrite(entries, name, values):
    np.savez_compressed(entries[name]["maps"], values)


def own_sequences(entries, name, onehot, tmp_path):
    path = tmp_path / f"{name}.ohe.npz"
    np.savez_compressed(path, onehot.astype(np.int8))
    entries[name]["onehot"] = str(path)


def test_files_rank_as_arrays_do(entries, maps, toy):
    found = rank_maps(entries, **FAST)
    expected = rank_candidates(maps, toy.onehot, **FAST)
    pd.testing.assert_frame_equal(found.panel, expected.panel)
    assert found.verdict["rule"] == "A*"
    assert found.ranking["id"].tolist() == list("abcd")
    assert any("no prediction scores" in notice for notice in found.verdict["notices"])
    # The veto needs a control or a large population; families of one have no spread.
    assert found.families["n"].tolist() == [1] * 4
    assert found.families["score_sd"].isna().all()


def test_every_layout_gives_the_same_numbers(entries, maps, toy, tmp_path):
    expected = rank_maps(entries, **FAST)
    with h5py.File(tmp_path / "b.h5", "w") as file:  # ChromBPNet
        file["raw/seq"], file["shap/seq"] = toy.onehot.astype(np.int8), maps["b"]
        file["projected_shap/seq"] = maps["b"] * toy.onehot
    with h5py.File(tmp_path / "c.h5", "w") as file:  # BPNet
        file["input_seqs"], file["hyp_scores"] = toy.onehot.transpose(0, 2, 1), maps["c"].transpose(0, 2, 1)
    np.save(tmp_path / "d.npy", maps["d"])
    entries["b"] = entry("maps", maps=str(tmp_path / "b.h5"))
    entries["c"] = entry("maps", maps=str(tmp_path / "c.h5"))
    entries["d"]["maps"] = str(tmp_path / "d.npy")
    found = rank_maps(entries, **FAST)
    pd.testing.assert_frame_equal(found.panel, expected.panel)
    entries["a"] = entry("maps", maps=entries["a"]["maps"], onehot=str(tmp_path / "b.h5"), onehot_key="raw/seq")
    pd.testing.assert_frame_equal(rank_maps(entries, **FAST).panel, expected.panel)


def test_one_projected_map_projects_all(entries, maps, toy, tmp_path):
    np.save(tmp_path / "d.npy", (maps["d"] * toy.onehot).sum(axis=1))
    entries["d"] |= {"maps": str(tmp_path / "d.npy"), "contributions": "projected"}
    found = rank_maps(entries, **FAST)
    expected = rank_candidates({name: values * toy.onehot for name, values in maps.items()}, toy.onehot, **FAST)
    np.testing.assert_allclose(found.panel["c_cos"], expected.panel["c_cos"], rtol=1e-5)
    assert "maps of d are projected" in found.verdict["notices"][0]


def test_regions_are_drawn_once_for_all(entries):
    found = rank_maps(entries, regions=40, seed=3, **FAST)
    assert (found.panel["n_regions"] == 40).all()
    assert found.verdict["by_fold"]["all"]["regions"] == 40
    assert any(notice.startswith("Only 40 regions") for notice in found.verdict["notices"])
    again = rank_maps(entries, regions=40, seed=3, **FAST)
    pd.testing.assert_frame_equal(found.panel, again.panel)


def test_top_1_delivers_a_single_network(entries, maps, toy, tmp_path):
    average = tmp_path / "average.h5"
    found = rank_maps(entries, top=1, average=average, **FAST)
    assert found.verdict["chosen"] == ["a"]
    assert "Delivered: a alone." in found.verdict["text"]
    assert found.verdict["chosen"] == rank_candidates(maps, toy.onehot, single=True, **FAST).verdict["chosen"]
    assert average.is_file()
    assert found.average(maps, toy.onehot).members == ["a"]


def test_two_candidates_are_ranked_by_rule_b(entries):
    found = rank_maps({name: entries[name] for name in "ab"}, **FAST)
    assert found.verdict["rule"] == "B"
    assert found.verdict["best"] == "a"


def test_scores_with_intervals_gate_and_those_without_do_not(entries, tmp_path):
    table = tmp_path / "scores.tsv"
    table.write_text("id\tpearson\na\t0.2\nb\t0.8\nc\t0.8\nd\t0.8\n")
    scores = {"table": str(table), "metric": "pearson"}
    found = rank_maps(entries, scores=scores, **FAST)
    assert found.verdict["gated"] == []
    assert any("they gate nothing" in notice for notice in found.verdict["notices"])
    rows = ["a\t0.2\t0.1\t0.3", "b\t0.8\t0.7\t0.9", "c\t0.8\t0.7\t0.9", "d\t0.8\t0.7\t0.9"]
    table.write_text("\n".join(["id\tpearson\tpearson_lo\tpearson_hi", *rows]))
    found = rank_maps(entries, scores=scores, **FAST)
    assert [row["id"] for row in found.verdict["gated"]] == ["a"]
    assert found.metric == "pearson"


def test_a_run_has_one_vote_and_a_control_none(entries):
    entries["d"]["control"] = "random_weights"
    entries["a"]["run"] = entries["b"]["run"] = "same"
    found = rank_maps(entries, **FAST)
    # a and b share a vote, d has none: there are fewer than 3 to agree with.
    assert found.verdict["rule"] == "B"
    assert found.ranking.set_index("id").loc["d", "status"] == "control"


def with_bias(entries, toy, tmp_path, values=None):
    """Add a control of a track without signal: three bases at the start of every region."""
    preference = np.zeros_like(toy.truth, dtype=np.float32)
    preference[:, 0, 2:8], preference[:, 3, 2:8] = 1, -1
    np.save(tmp_path / "naked.npy", preference if values is None else values)
    files = {"maps": str(tmp_path / "naked.npy"), "onehot": str(tmp_path / "ohe.npz")}
    entries["naked"] = entry("maps", **files, control="bias")
    return preference


def test_a_bias_control_is_taken_out_and_needs_no_score(entries, maps, toy, tmp_path):
    preference = with_bias(entries, toy, tmp_path)
    table = tmp_path / "scores.tsv"
    table.write_text("id\tpearson\na\t0.8\nb\t0.8\nc\t0.8\nd\t0.8\n")
    found = rank_maps(entries, scores={"table": str(table), "metric": "pearson"}, **FAST)
    expected = rank_candidates(maps, toy.onehot, control_maps=[preference], **FAST)
    pd.testing.assert_frame_equal(found.panel.drop(columns="prediction"), expected.panel.drop(columns="prediction"))
    assert "control_share" in found.panel
    notices = " ".join(found.verdict["notices"])
    assert "Bias controls: naked." in notices
    assert "they gate nothing" in notices
    table.write_text(table.read_text() + "naked\t0.1\n")
    with pytest.raises(UserError, match="has candidate 'naked', which is no candidate of the config's external"):
        rank_maps(entries, scores={"table": str(table), "metric": "pearson"}, **FAST)


def bias_of_other_regions(entries, toy, tmp_path):
    with_bias(entries, toy, tmp_path)
    own_sequences(entries, "naked", toy.onehot[::-1], tmp_path)


def bias_of_nothing(entries, toy, tmp_path):
    with_bias(entries, toy, tmp_path, np.ones_like(toy.truth, dtype=np.float32))


def candidates_all_bias(entries, toy, tmp_path):
    for name in "bcd":
        entries[name]["control"] = "bias"


def different_regions(entries, toy, tmp_path):
    changed = toy.onehot.copy()
    changed[4] = np.roll(changed[4], 1, axis=-1)
    own_sequences(entries, "c", changed, tmp_path)


def another_order(entries, toy, tmp_path):
    own_sequences(entries, "c", toy.onehot[::-1], tmp_path)


def another_number(entries, toy, tmp_path):
    own_sequences(entries, "c", toy.onehot[:-1], tmp_path)
    rewrite(entries, "c", np.ones((59, 4, 80), dtype=np.float32))


def other_ids(entries, toy, tmp_path):
    for name, order in (("a", range(60)), ("b", [1, 0, *range(2, 60)])):
        path = tmp_path / f"{name}.ids"
        path.write_text("\n".join(f"r{row}" for row in order))
        entries[name]["ids"] = str(path)


def few_ids(entries, toy, tmp_path):
    path = tmp_path / "ids.bed"
    path.write_text("".join(f"chr1\t{row}\t{row + 80}\n" for row in range(59)))
    entries["a"]["ids"] = str(path)


def few_regions(entries, toy, tmp_path):
    for name in entries:
        with np.load(entries[name]["maps"]) as file:
            rewrite(entries, name, file["arr_0"][:19])
    np.savez(entries["a"]["onehot"], toy.onehot[:19])


def nan(entries, toy, tmp_path):
    rewrite(entries, "b", np.full(toy.onehot.shape, np.nan, dtype=np.float32))


def zero(entries, toy, tmp_path):
    rewrite(entries, "b", np.zeros(toy.onehot.shape, dtype=np.float32))


def copied(entries, toy, tmp_path):
    entries["d"]["maps"] = entries["b"]["maps"]


def unlabelled_projection(entries, toy, tmp_path):
    rewrite(entries, "b", toy.onehot * np.float32(0.3))


def projected_of_another_order(entries, toy, tmp_path):
    with np.load(entries["b"]["maps"]) as file:
        rewrite(entries, "b", (file["arr_0"] * toy.onehot)[::-1])
    entries["b"]["contributions"] = "projected"


def no_onehot(entries, toy, tmp_path):
    entries["b"]["onehot"] = None


def not_onehot(entries, toy, tmp_path):
    own_sequences(entries, "b", toy.onehot * 2, tmp_path)


def pickled(entries, toy, tmp_path):
    np.savez(entries["b"]["maps"], np.array([{}], dtype=object))


def wrong_shape(entries, toy, tmp_path):
    rewrite(entries, "b", np.ones((60, 5, 80), dtype=np.float32))


def wrong_key(entries, toy, tmp_path):
    entries["b"]["key"] = "shap"


def damaged(entries, toy, tmp_path):
    with open(entries["b"]["maps"], "wb") as handle:  # noqa: PTH123
        handle.write(b"PK\x03\x04nothing")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda entries, toy, path: [entries.pop(name) for name in "bcd"], ["1 candidate", "at least 2"]),
        (different_regions, ["external.c", "another sequence in 1 of 60 rows", "external.a", "row 5"]),
        (another_order, ["external.c", "same regions in another order", "external.a"]),
        (another_number, ["external.c", "59 regions", "of 60"]),
        (other_ids, ["external.b", "another order", "row 1"]),
        (few_ids, ["external.a", "59 region ids", "60 regions"]),
        (few_regions, ["19 regions", "at least 20"]),
        (bias_of_other_regions, ["external.naked", "same regions in another order", "external.a"]),
        (bias_of_nothing, ["bias control 'naked'", "zero everywhere"]),
        (candidates_all_bias, ["1 candidate", "at least 2"]),
        (nan, ["'b'", "NaN"]),
        (zero, ["'b'", "zero everywhere"]),
        (copied, ["'b' and 'd'", "identical maps"]),
        (unlabelled_projection, ["external.b", "contributions: projected"]),
        (projected_of_another_order, ["external.b", "in 60 of 60 regions not that of the sequence", "same order"]),
        (no_onehot, ["external.b", "lacks 'onehot'"]),
        (not_onehot, ["external.b", "not one-hot"]),
        (pickled, ["external.b", "cannot be read"]),
        (wrong_shape, ["external.b", "(60, 5, 80)"]),
        (wrong_key, ["external.b", "no array 'shap'", "arr_0"]),
        (damaged, ["external.b", "cannot be read"]),
    ],
)
def test_bad_maps_are_one_sentence(entries, toy, tmp_path, change, words):
    change(entries, toy, tmp_path)
    with pytest.raises(UserError) as caught:
        rank_maps(entries, **FAST)
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert "\n" not in message


def test_an_hdf5_file_without_the_usual_names_says_what_it_has(entries, toy, tmp_path):
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["x/maps"], file["x/sequences"] = toy.onehot, toy.onehot
    entries["b"] = entry("maps", maps=str(tmp_path / "b.h5"))
    with pytest.raises(UserError, match=r"none of shap/seq, hyp_scores: name one of x/maps, x/sequences"):
        rank_maps(entries, **FAST)
