"""Networks trained elsewhere, as a user brings them: maps alone, and a network beside a grid."""

import contextlib
import copy
import json

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import save_file

from lucidna.attribution.hdf5 import AttributionFile
from lucidna.config import validate
from lucidna.external.settings import expand_external
from lucidna.external.sources import build_class
from lucidna.models import build

from ..unit.ranking.conftest import make_toy
from .conftest import ROOT, Workflow

SOURCE = '''
from torch import nn


class Net(nn.Module):
    """Takes (N, L, 4) with bases TCGA, gives the log counts by name."""

    def __init__(self, width=8):
        super().__init__()
        self.conv = nn.Conv1d(4, width, 9)
        self.relu = nn.ReLU()
        self.dense = nn.Linear(width, 1)

    def forward(self, x):
        return {"counts": self.dense(self.relu(self.conv(x.transpose(1, 2))).mean(-1))}
'''

CONTROL_NETWORK = {
    "name": "cnn_shallow",
    "input_length": 160,
    "output_length": 120,
    "target": "counts",
    "n_tasks": 1,
    "channels": [[0]],
    "n_controls": 0,
}


@pytest.fixture
def published(workflow: Workflow) -> tuple[Workflow, dict]:
    """Maps of four candidates and a control in three layouts, and a table of scores."""
    toy = make_toy(n_regions=70)
    maps = toy.maps([0.2, 0.4, 0.7, 1.2], seed=5)
    folder = workflow.folder
    np.savez_compressed(folder / "ohe.npz", toy.onehot.astype(np.int8))
    np.savez_compressed(folder / "a.npz", maps[0])
    np.save(folder / "b.npy", maps[1])
    with h5py.File(folder / "c.h5", "w") as file:
        file["raw/seq"], file["shap/seq"] = toy.onehot.astype(np.int8), maps[2].astype(np.float16)
    with h5py.File(folder / "d.h5", "w") as file:
        file["input_seqs"], file["hyp_scores"] = toy.onehot.transpose(0, 2, 1), maps[3].transpose(0, 2, 1)
    np.save(folder / "noise.npy", np.random.default_rng(9).standard_normal(maps[0].shape).astype(np.float32))
    preference = np.zeros_like(maps[0])
    preference[:, 0, 2:8], preference[:, 3, 2:8] = 1, -1
    np.save(folder / "naked.npy", preference)
    rows = [f"{name}\t{0.8 - 0.01 * place}\t0.7\t0.9" for place, name in enumerate([*"abcd", "noise"])]
    (folder / "scores.tsv").write_text("\n".join(["id\tauroc\tauroc_lo\tauroc_hi", *rows]) + "\n")
    config = {
        "experiment": "published",
        "external": {
            "a": {"kind": "maps", "maps": "a.npz", "onehot": "ohe.npz", "family": "theirs"},
            "b": {"kind": "maps", "maps": "b.npy", "onehot": "ohe.npz", "family": "theirs"},
            "c": {"kind": "maps", "maps": "c.h5"},
            "d": {"kind": "maps", "maps": "d.h5"},
            "noise": {"kind": "maps", "maps": "noise.npy", "onehot": "ohe.npz", "control": "random_weights"},
            "naked": {"kind": "maps", "maps": "naked.npy", "onehot": "ohe.npz", "control": "bias"},
        },
        "scores": {"table": "scores.tsv", "metric": "auroc"},
        "ranking": {"top": 2, "bootstraps": 100},
    }
    return workflow, config


def run(workflow: Workflow, config: dict, *arguments: str, check: bool = True):
    (workflow.folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return workflow.run(*arguments, "--configfile", "config.yaml", cores=1, check=check)


def test_maps_alone_are_ranked_and_mistakes_are_one_sentence(published):
    workflow, config = published
    run(workflow, config, "rank_external")
    folder = workflow.folder / "results" / "published" / "rank"
    verdict = json.loads((folder / "verdict.json").read_text())
    assert verdict["rule"] == "A*"
    assert verdict["chosen"] == ["a", "b"]
    ranking = pd.read_csv(folder / "ranking.tsv", sep="\t")
    assert ranking["id"].tolist()[:2] == ["a", "b"]
    assert ranking.set_index("id").loc["noise", "status"] == "control"
    panel = pd.read_csv(folder / "panel.tsv", sep="\t")
    assert set(panel["id"]) == {*"abcd", "noise"}  # the bias control is no candidate
    assert panel["control_share"].between(0, 1).all()
    assert any(notice.startswith("Bias controls: naked.") for notice in verdict["notices"])
    assert pd.read_csv(folder / "families.tsv", sep="\t").set_index("family").loc["theirs", "n"] == 2
    page = (folder.parent / "report" / "report.html").read_text()
    assert verdict["status"].capitalize() in page
    assert 'id="ranking"' in page
    assert 'id="training"' not in page
    assert "ohe.npz" in page  # its digest
    assert (folder / "pareto.png").read_bytes().startswith(b"\x89PNG")
    assert not list(folder.glob(".*"))
    with AttributionFile(folder / "average.attributions.h5") as file:
        assert file.attributes["candidates"] == ["a", "b"]
        assert len(file) == 70
        assert np.isfinite(file.read().maps).all()

    with np.load(workflow.folder / "ohe.npz") as file:
        np.savez_compressed(workflow.folder / "other.npz", file["arr_0"][::-1])
    config["external"]["b"]["onehot"] = "other.npz"
    done = run(workflow, config, check=False)  # rule all of such a config is the same
    assert done.returncode != 0
    assert "external.b' has the same regions in another order than external.a" in done.stdout
    assert "Traceback" not in done.stdout.split("RuleException")[0]
    assert not (folder / "verdict.json").exists()


def test_a_network_from_elsewhere_joins_the_panel_of_a_grid(workflow):
    from lucidna.simulate import simulate

    folder = workflow.folder
    chromosomes = {"chr1": 60_000, "chr2": 40_000, "chr3": 30_000}
    simulate(folder / "data", seed=0, chromosomes=chromosomes, peaks=150, difficulty="easy")
    (folder / "tracks.tsv").write_text("name\tbigwig\nsignal\tdata/accessibility.bw\n")
    (folder / "nets.py").write_text(SOURCE)
    torch.manual_seed(0)
    save_file(build_class(str(folder / "nets.py") + ":Net", {}).state_dict(), folder / "net.safetensors")
    save_file(build(**CONTROL_NETWORK).state_dict(), folder / "naked.safetensors")
    config = yaml.safe_load((ROOT / "tests" / "workflow" / "tiny.yaml").read_text())
    del config["simulate"]
    config["genome"] = {"fasta": "data/genome.fa"}
    config["regions"]["peaks"] = "data/peaks.narrowPeak"
    config["motifs"]["database"] = "data/database.meme"
    config["variants"] = {"vcf": "data/variants.vcf"}
    config["grid"] |= {"architectures": {"cnn_shallow": {}}, "recipes": {"standard": ["standard"]}, "controls": []}
    config["grid"]["trainer"] = {"max_epochs": 1}
    config["ranking"] = {"regions": 40, "bootstraps": 50, "probes": {"regions": 0}}
    alone = copy.deepcopy(config)
    config["external"] = {
        "lab": {
            "kind": "pytorch",
            "class": "nets.py:Net",
            "weights": "net.safetensors",
            "input": {"layout": "NLC", "bases": "TCGA", "length": 100},
            "output": {"scalar": "counts"},
        },
        # One that this workflow could have trained on a control track.
        "naked": {
            "kind": "pytorch",
            "class": "lucidna.models:build",
            "arguments": CONTROL_NETWORK,
            "weights": "naked.safetensors",
            "control": "bias",
        },
    }
    with contextlib.chdir(folder):
        name, naked = expand_external(validate(config))
    config["attribution"]["models"] = [name]
    run(
        workflow, config, "results/tiny/rank/verdict.json", "results/tiny/attribute/signal/counts/saliency.summary.json"
    )
    results = folder / "results" / "tiny"
    ranking = pd.read_csv(results / "rank" / "ranking.tsv", sep="\t").set_index("id")
    assert set(ranking["family"]) == {"cnn_shallow x standard", "external x lab"}
    assert np.isfinite(ranking["prediction"]).all()
    assert np.isfinite(ranking["score"]).all()
    panel = pd.read_csv(results / "rank" / "panel.tsv", sep="\t")
    assert panel["control_share"].between(0, 1).all()
    assert panel["control_share_shuffled"].between(0, 1).all()
    assert (results / "rank" / "maps" / f"{naked}.npy").is_file()
    notices = json.loads((results / "rank" / "verdict.json").read_text())["notices"]
    assert any(notice.startswith("Bias controls: naked.") for notice in notices)
    assert any(notice.startswith("Trained elsewhere: lab.") for notice in notices)
    maps = np.load(results / "rank" / "maps" / f"{name}.npy")
    assert maps.shape[1:] == (4, 160)
    assert not maps[..., :30].any()  # it reads the central 100 bp
    assert not maps[..., 130:].any()
    assert maps[..., 30:130].any(axis=(1, 2)).all()
    summary = json.loads((results / "attribute/signal/counts/saliency.summary.json").read_text())
    assert summary["members"] == [name]
    # Without it, what was trained is what is still there.
    left = run(workflow, alone, "results/tiny/rank/verdict.json", "-n").stdout
    assert "rule rank:" in left
    assert "rule train:" not in left
    assert "rule validation_maps:" not in left
