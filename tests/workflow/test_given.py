"""Maps that a user brings: patterns, hits and the page without data, grid or network."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml

from .conftest import Workflow

SHARED = [
    "pattern",
    "n_seqlets",
    "consensus",
    "statistic",
    "ratio",
    "label",
    "match",
    "hits",
    "decoy_hits",
    "hits_at_fdr",
]


@pytest.fixture(scope="module")
def back(tiny, tmp_path_factory) -> Workflow:
    """The maps of the tiny run, as other tools would hand them over, given to the workflow again."""
    workflow = Workflow(tmp_path_factory.mktemp("back"))
    run = tiny.folder / "results" / "tiny"
    made = run / "attribute" / "accessibility" / "counts"
    # A second set in another layout, of which nobody has maps of shuffled sequences.
    with np.load(made / "deepshap.ohe.npz") as onehot, np.load(made / "deepshap.attr.npz") as maps:
        np.savez_compressed(workflow.folder / "bare.ohe.npz", onehot["arr_0"])
        np.save(workflow.folder / "bare.npy", maps["arr_0"].transpose(0, 2, 1))
    lines = (made / "deepshap.regions.bed").read_text().splitlines()
    (workflow.folder / "bare.bed").write_text("\n".join("\t".join(line.split("\t")[:3]) for line in lines) + "\n")
    config = {
        "experiment": "back",
        "genome": {"fasta": str(run / "simulate" / "genome.fa")},
        "maps": {
            "whole": {
                "maps": str(made / "deepshap.attr.npz"),
                "onehot": str(made / "deepshap.ohe.npz"),
                "regions": str(made / "deepshap.regions.bed"),
                "shuffled": {"maps": str(made / "null0.deepshap.attributions.h5")},
            },
            "bare": {"maps": "bare.npy", "onehot": "bare.ohe.npz", "regions": "bare.bed"},
        },
        "motifs": {
            "database": str(run / "simulate" / "database.meme"),
            "seqlets": 1000,
            "window": 120,
            "permuted_draws": 1,
            "saturation": [],
        },
        "report": {"examples": 1},
    }
    write(workflow, config)
    workflow.run("--configfile", "config.yaml")
    return workflow


def write(workflow: Workflow, config: dict) -> None:
    (workflow.folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


def read(workflow: Workflow, *parts: str) -> pd.DataFrame:
    return pd.read_csv(workflow.folder.joinpath("results", *parts), sep="\t")


def arrays(path) -> dict[str, np.ndarray]:
    """Every array of a TF-MoDISco file."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def test_patterns_and_hits_are_those_of_the_run(tiny, back):
    theirs = arrays(tiny.folder / "results/tiny/motifs/accessibility/counts/modisco.h5")
    ours = arrays(back.folder / "results/back/motifs/whole/counts/modisco.h5")
    assert list(ours) == list(theirs)
    assert sum(name.endswith("contrib_scores") for name in ours) > 2
    for name, values in theirs.items():
        np.testing.assert_array_equal(ours[name], values, err_msg=name)
    table = read(back, "back", "motifs", "whole", "counts", "patterns.tsv")
    expected = read(tiny, "tiny", "motifs", "accessibility", "counts", "patterns.tsv")
    pd.testing.assert_frame_equal(table[SHARED], expected[SHARED])
    assert table["hits_at_fdr"].sum() > 0
    hits = read(back, "back", "motifs", "whole", "counts", "hits.tsv").drop(columns="sign_agreement")
    expected = read(tiny, "tiny", "motifs", "accessibility", "counts", "hits.tsv").drop(columns="sign_agreement")
    pd.testing.assert_frame_equal(hits, expected)


def test_without_maps_of_shuffled_sequences_hits_have_no_q_value_and_the_tables_say_so(back):
    folder = ("back", "motifs", "bare", "counts")
    hits, patterns = read(back, *folder, "hits.tsv"), read(back, *folder, "patterns.tsv")
    assert len(hits) > 0
    assert hits["q_value"].isna().all()
    assert set(hits["q_value_note"]) == {"no maps of shuffled sequences were given"}
    assert patterns["label"].notna().all()
    assert not (patterns["label"] == "not tested").any()
    assert patterns["hits_at_fdr"].isna().all()
    assert (patterns["n_outputs"] == 1).all()
    assert patterns["outputs"].sum() > 0
    summary = json.loads((back.folder / "results/back/motifs/bare/counts/summary.json").read_text())
    assert any("no hit has a q-value" in notice for notice in summary["notices"])
    assert (summary["nulls"], len(summary["permuted"])) == ([], 1)
    regions = (back.folder / "results/back/attribute/bare/counts/given.regions.bed").read_text().splitlines()
    assert regions[0].split("\t")[3] == "region_1"


def test_the_page_says_what_is_left_out(back):
    page = (back.folder / "results" / "back" / "report" / "report.html").read_text()
    assert "Maps made elsewhere" in page
    assert "No network is at hand" in page
    assert "no hit has a q-value" in page
    assert "<h2>Ranking</h2>" not in page
    assert "<h2>Training</h2>" not in page
    assert "What instances do</h4>" not in page
    assert "bare.npy" in page
    assert "highest contribution" in page


def test_nothing_is_made_again_and_mistakes_are_one_sentence(back, tmp_path):
    assert "Nothing to be done" in back.run("--configfile", "config.yaml").stdout
    config = yaml.safe_load((back.folder / "config.yaml").read_text())
    other = Workflow(tmp_path / "other")
    for name in ("bare.npy", "bare.ohe.npz", "bare.bed"):
        (other.folder / name).write_bytes((back.folder / name).read_bytes())
    del config["maps"]["whole"]
    for change, words in (
        ({"regoins": "bare.bed"}, "config key 'maps.bare.regoins' is not known: did you mean 'regions'?"),
        ({"maps": "none.npy"}, "config key 'maps.bare.maps': there is no file 'none.npy'"),
    ):
        write(other, {**config, "maps": {"bare": {**config["maps"]["bare"], **change}}})
        done = other.run("--configfile", "config.yaml", check=False)
        assert done.returncode != 0
        assert done.stdout.strip().splitlines()[-1].startswith(f"error: {words}")
    lines = (other.folder / "bare.bed").read_text().splitlines()
    (other.folder / "bare.bed").write_text("\n".join(lines[:-1]) + "\n")
    write(other, config)
    done = other.run("--configfile", "config.yaml", check=False)
    assert done.returncode != 0
    sentence = "error in given_maps: config key 'maps.bare': bare.bed has 399 regions and bare.npy maps of 400"
    assert any(line.startswith(sentence) for line in done.stdout.splitlines())
