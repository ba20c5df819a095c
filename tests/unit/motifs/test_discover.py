import h5py
import numpy as np
import pytest

from lucidna.errors import UserError
from lucidna.motifs.discover import numba_cache, run_modisco
from lucidna.motifs.external import run_tool
from lucidna.motifs.extraction import Widths, count_seqlets
from lucidna.motifs.maps import map_blocks, open_maps, project
from lucidna.motifs.patterns import read_discovery, reverse_complement_text

from .simulated import LENGTH, PLANTED, WINDOW, simulate, spell


def contents(path):
    found = {}
    with h5py.File(path) as handle:
        handle.visititems(
            lambda name, item: found.update({name: item[...]}) if isinstance(item, h5py.Dataset) else None
        )
        attributes = dict(handle.attrs)
    return found, attributes


def test_planted_motifs_are_found(stage):
    found = read_discovery(stage.folder / "modisco.h5")
    cores = [spell(pattern.ppm[:, pattern.core].argmax(axis=0)) for pattern in found.patterns]
    either = cores + [reverse_complement_text(core) for core in cores]
    assert sum(any(text in core or core in text for core in either) for text in PLANTED.values()) >= 2
    assert found.facts["n_patterns"] == len(found.patterns) == found.facts["pos_patterns"]
    assert found.facts["shuffle_seed"] == 0


def test_seqlets_are_rows_of_the_original_file(stage):
    with h5py.File(stage.folder / "modisco.h5") as handle:
        assert "neg_patterns" not in handle
        assert handle["region_id"].asstr()[3] == "peak_4"
        left = LENGTH // 2 - WINDOW // 2
        checked = 0
        for pattern in handle["pos_patterns"].values():
            seqlets = pattern["seqlets"]
            for i in range(0, int(seqlets["n_seqlets"][0]), 7):
                row = seqlets["example_idx"][i]
                span = slice(seqlets["start"][i] + left, seqlets["end"][i] + left)
                text = spell(stage.codes[row, span])
                text = reverse_complement_text(text) if seqlets["is_revcomp"][i] else text
                assert text == spell(seqlets["sequence"][i].argmax(axis=1))
                checked += 1
        assert checked > 20
        subpatterns = [key for group in handle["pos_patterns"].values() for key in group if "subpattern" in key]
        for group in handle["pos_patterns"].values():
            for key in filter(lambda key: key.startswith("subpattern"), group):
                whole = set(group["seqlets/example_idx"][:].tolist())
                assert set(group[key]["seqlets/example_idx"][:].tolist()) <= whole
        assert subpatterns


def test_same_seed_same_patterns(stage, tmp_path, settings):
    run_modisco(stage.folder / "real.h5", tmp_path / "again.h5", **settings)
    first, first_attributes = contents(stage.folder / "modisco.h5")
    second, second_attributes = contents(tmp_path / "again.h5")
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[key], second[key]) for key in first)
    assert first_attributes == second_attributes


@pytest.mark.parametrize("widths", [Widths(), Widths(core=10, trim=20, growth=5)])
def test_counts_are_those_of_the_command(stage, tmp_path, settings, widths):
    maps = open_maps(stage.folder / "null.h5")
    left = LENGTH // 2 - WINDOW // 2
    blocks = [project(one_hot, hyp) for _, one_hot, hyp in map_blocks(maps)]
    counts = count_seqlets(np.concatenate(blocks)[:, left : left + WINDOW], widths)
    arguments = [
        "motifs",
        "-i",
        str(maps.path),
        "-n",
        "2000",
        "-w",
        str(WINDOW),
        *widths.arguments,
        "-v",
        "-o",
        f"{tmp_path}/m.h5",
    ]
    cache = {"NUMBA_CACHE_DIR": numba_cache(tmp_path)}
    text = run_tool("modisco", arguments, threads=1, environment=cache)
    assert f"Using {counts['pos'][0]} positive" in text
    # The mean size of so many values of noise with a standard deviation of 0.02 x sqrt(3) / 2, or somewhat more.
    assert 1 < counts["pos"][1] / 4 / (widths.seqlet * 0.02 * np.sqrt(3 / 4) * np.sqrt(2 / np.pi)) < 1.4
    assert f"Extracted {counts['neg'][0]} negative" in text


def test_few_seqlets_give_a_labelled_empty_result(tmp_path):
    simulate(tmp_path / "few.h5", n=5, seed=1)
    facts = run_modisco(tmp_path / "few.h5", tmp_path / "m.h5", window=401, seqlets=100)
    assert facts["n_patterns"] == 0
    assert facts["window_size"] == LENGTH
    assert "401 bp" in facts["notices"][0]
    assert any("no positive patterns" in notice for notice in facts["notices"])
    found = read_discovery(tmp_path / "m.h5")
    assert found.patterns == []
    assert found.facts["notices"] == facts["notices"]


def test_zero_maps_give_a_labelled_empty_result(tmp_path):
    simulate(tmp_path / "zero.h5", n=5, seed=1)
    with h5py.File(tmp_path / "zero.h5", "r+") as handle:
        handle["shap/seq"][...] = 0
    facts = run_modisco(tmp_path / "zero.h5", tmp_path / "m.h5", window=100)
    assert facts["notices"] == ["every contribution in the window is 0: no patterns can be found"]
    assert read_discovery(tmp_path / "m.h5").patterns == []


def test_permuted_maps_hold_no_planted_motif(stage):
    found = read_discovery(stage.folder / "permuted.modisco.h5")
    assert found.facts["n_regions"] == read_discovery(stage.folder / "modisco.h5").facts["n_regions"]
    cores = [spell(pattern.ppm[:, pattern.core].argmax(axis=0)) for pattern in found.patterns]
    either = cores + [reverse_complement_text(core) for core in cores]
    assert not any(text in core for core in either for text in PLANTED.values())


def test_a_share_of_the_regions_is_searched(tmp_path, stage):
    facts = run_modisco(stage.folder / "real.h5", tmp_path / "half.h5", window=LENGTH, share=0.5)
    whole = read_discovery(stage.folder / "modisco.h5")
    found = read_discovery(tmp_path / "half.h5")
    assert facts["n_regions"] == found.facts["n_regions"] == round(0.5 * whole.facts["n_regions"])
    rows = np.concatenate([pattern.seqlets["row"] for pattern in found.patterns])
    order = np.random.default_rng(0).permutation(whole.facts["n_regions"])
    assert set(rows) <= set(order[: facts["n_regions"]])
    assert 0.3 < facts["pos_seqlets_seen"] / whole.facts["pos_seqlets_seen"] < 0.7
    # Where the seqlets lie, the sequences of their rows spell the pattern.
    for pattern in found.patterns:
        forward = pattern.seqlets[pattern.seqlets["strand"] == "+"]
        letters = np.stack(
            [stage.codes[row, start:end] for row, start, end in forward[["row", "start", "end"]].to_numpy()]
        )
        core = pattern.ppm[:, pattern.core].argmax(axis=0)
        assert (letters[:, pattern.core] == core).mean() > 0.8


def test_one_map_that_tf_modisco_cannot_take_is_refused():
    projected = np.full((1, 120), 0.01, dtype=np.float32)
    projected[0, 40:50], projected[0, :12] = 1.0, -0.002
    projected += np.random.default_rng(0).normal(0, 0.002, projected.shape).astype(np.float32)
    with pytest.raises(UserError, match="cannot set its seqlet threshold"):
        count_seqlets(projected)


def test_unusable_maps_are_refused(tmp_path):
    simulate(tmp_path / "bad.h5", n=5, seed=1)
    with pytest.raises(UserError, match=r"motifs.window is 30"):
        run_modisco(tmp_path / "bad.h5", tmp_path / "m.h5", window=30)
    with h5py.File(tmp_path / "bad.h5", "r+") as handle:
        handle["shap/seq"][...] = handle["raw/seq"][...]
    with pytest.raises(UserError, match="one sign"):
        run_modisco(tmp_path / "bad.h5", tmp_path / "m.h5", window=100)
    facts = run_modisco(tmp_path / "bad.h5", tmp_path / "few.h5", window=100, few=True)
    assert (facts["n_patterns"], facts["pos_seqlets_used"]) == (0, 0)
    assert "one sign in all 5 maps" in facts["notices"][0]
    assert read_discovery(tmp_path / "few.h5").patterns == []
    with h5py.File(tmp_path / "bad.h5", "r+") as handle:
        handle["shap/seq"][3, 1, 70] = np.nan
    with pytest.raises(UserError, match="'peak_4' holds NaN"):
        run_modisco(tmp_path / "bad.h5", tmp_path / "m.h5", window=100)
    assert not (tmp_path / "m.h5").exists()


def test_a_failing_command_says_its_last_line(tmp_path):
    with pytest.raises(UserError, match=r"modisco motifs failed with exit status 2: .*nowhere"):
        run_tool("modisco", ["motifs", "-i", "nowhere", "-n", "5"], threads=1)
    with pytest.raises(UserError, match="no command 'no-such-tool'"):
        run_tool("no-such-tool", [], threads=1)
