"""A grid that cannot learn: the verdict chooses nobody, and the workflow still runs to its end and says so."""

import json
import re
from pathlib import Path

import h5py
import pyBigWig
import pysam
import pytest

from lucidna.attribution.members import NONE_CHOSEN

from .conftest import ROOT, Workflow

CONFIG = """
experiment: idle
simulate: {seed: 3, chromosomes: {chr1: 60000, chr2: 40000, chr3: 40000}, peaks: 150, difficulty: easy}
genome: {fasta: results/idle/simulate/genome.fa}
regions: {peaks: results/idle/simulate/peaks.narrowPeak, centre: summit}
tracks: tracks.tsv
window: {input: 100, output: 60, jitter: 0}
target: counts
folds: {fold0: {valid: [chr2], test: [chr3]}}
grid:
  architectures: {cnn_shallow: {}}
  recipes: {standard: [standard]}
  seeds: [0]
  controls: [random_weights]
  trainer: {max_epochs: 1, learning_rate: 1.0e-9}   # the weights stay as they are drawn, like the control's
ranking: {bootstraps: 50}
attribution: {methods: {saliency: {}}}
motifs:
  database: results/idle/simulate/database.meme
  method: saliency
  window: 100
  null_draws: 1
  permuted_draws: 1
  saturation: [0.5]
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """The finished run; `Workflow.run` fails unless Snakemake ends with exit status 0."""
    workflow = Workflow(tmp_path_factory.mktemp("idle"))
    (workflow.folder / "config.yaml").write_text(CONFIG)
    sheet = (ROOT / "tests" / "workflow" / "tiny_tracks.tsv").read_text()
    (workflow.folder / "tracks.tsv").write_text(sheet.replace("results/tiny/", "results/idle/"))
    workflow.run("--configfile", "config.yaml")
    return workflow.folder / "results" / "idle"


def test_the_verdict_is_none(results):
    verdict = json.loads((results / "rank" / "verdict.json").read_text())
    assert (verdict["status"], verdict["chosen"], verdict["best"]) == ("none", [], None)
    assert len(verdict["gated"]) + len(verdict["vetoed"]) == 1


def test_maps_are_whole_files_without_a_region(results):
    folder = results / "attribute" / "accessibility" / "counts"
    for name in ("saliency", "null0.saliency"):
        with h5py.File(folder / f"{name}.attributions.h5") as file:
            assert file["shap/seq"].shape == (0, 4, 100)
            assert json.loads(file.attrs["candidates"]) == []
            assert file.attrs["note"] == NONE_CHOSEN
        assert (folder / f"{name}.regions.bed").read_bytes() == b""
        summary = json.loads((folder / f"{name}.summary.json").read_text())
        assert (summary["n_regions"], summary["notice"]) == (0, NONE_CHOSEN)
    for name in ("mean", "spread"):
        with pyBigWig.open(str(folder / f"saliency.{name}.bw")) as track:
            assert track.chroms() == {"chr1": 60000, "chr2": 40000, "chr3": 40000}
            assert track.header()["nBasesCovered"] == 0
    assert (folder / "agreement.tsv").read_text().startswith("method_a\tmethod_b\t")


def test_motif_tables_have_a_header_and_no_line(results):
    folder = results / "motifs" / "accessibility" / "counts"
    named = {"patterns": "pattern", "matches": "pattern", "importance": "pattern", "elements": "element"}
    named |= {
        "hits": "motif_name",
        "decoys": "motif_name",
        "ablation": "effect",
        "pairs": "evidence",
        "regions": "hits",
    }
    for name, column in named.items():
        lines = (folder / f"{name}.tsv").read_text().splitlines()
        assert len(lines) == 1
        assert column in lines[0].split("\t")
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["patterns"]["total"], summary["hits"]["total"], len(summary["nulls"])) == (0, 0, 1)
    assert "there are no maps: no patterns can be found" in summary["notices"]
    assert json.loads((folder / "effects.json").read_text())["notices"] == [NONE_CHOSEN]
    with pysam.TabixFile(str(folder / "hits.bed.gz")) as hits:
        assert hits.contigs == []


def test_the_report_says_so_at_its_top(results):
    page = (results / "report" / "report.html").read_text(encoding="utf-8")
    sections = dict(re.findall(r'<section id="(\w+)">(.*?)</section>', page, flags=re.S))
    verdict = json.loads((results / "rank" / "verdict.json").read_text())
    assert "No candidate was chosen" in sections["summary"]
    # The page sets the ids of candidates in a fixed-width face.
    assert verdict["text"].replace("'", "&#39;") in re.sub("</?code>", "", sections["summary"])
    for remedy in ("grid.seeds", "grid.trainer.max_epochs", "attribution.models"):
        assert remedy in sections["summary"]
    for name in ("attribution", "motifs", "hits"):
        assert "chose no candidate" in sections[name]
        assert "<svg" not in sections[name]
        assert "<table" not in sections[name]
    for name in ("ranking", "training", "provenance"):
        assert "<table" in sections[name]
