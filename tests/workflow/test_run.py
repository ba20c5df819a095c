"""The whole workflow on tiny data, and what a user does next: again, with more, interrupted, as a module."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from lucidna.config import validate
from lucidna.grid import expand_grid

from .conftest import Workflow

ROOT = Path(__file__).resolve().parents[2]


def experiment(workflow) -> Path:
    return workflow.folder / "results" / "tiny"


def table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t")


def test_every_stage_left_its_files(tiny):
    folder = experiment(tiny)
    candidates = table(folder / "train" / "candidates.tsv")
    assert len(candidates) == 6
    assert set(candidates["control"]) == {"none", "label_shuffled", "random_weights"}
    for candidate in candidates["id"]:
        metrics = json.loads((folder / "train" / candidate / "metrics.json").read_text())
        assert metrics["status"] == "ok"
        assert "test" not in metrics
    maps = folder / "attribute" / "accessibility" / "counts"
    for method in ("saliency", "deepshap", "ism"):
        assert (maps / f"{method}.attributions.h5").is_file()
        assert (maps / f"{method}.mean.bw").is_file()
        shapes = [np.load(maps / f"{method}.{part}.npz")["arr_0"].shape for part in ("ohe", "attr")]
        assert shapes[0] == shapes[1]
    motifs = folder / "motifs" / "accessibility" / "counts"
    for name in ("patterns.tsv", "hits.tsv", "hits.bed", "matches.tsv", "patterns.meme", "summary.json"):
        assert (motifs / name).is_file()
    effects = json.loads((motifs / "effects.json").read_text())
    ablated = table(motifs / "ablation.tsv")
    assert len(ablated) == effects["ablated"] > 50
    assert ablated["effect"].median() > 3 * ablated["control_effect"].abs().median()
    assert len(table(motifs / "importance.tsv")) == len(table(motifs / "patterns.tsv"))
    assert len(table(motifs / "regions.tsv")) == 400
    changes = table(folder / "variants" / "variants.tsv")
    assert len(changes) == len(table(folder / "simulate" / "truth" / "variants.tsv"))
    assert changes["log2_fold_change"].notna().all()
    page = (folder / "report" / "report.html").read_text()
    assert "Tiny" in page
    assert "what the simulated variants do" in page
    assert "What instances do" in page
    assert "False discovery rate of the hits: promised and seen" in page
    verdict = json.loads((folder / "rank" / "verdict.json").read_text())
    assert verdict["status"] in ("chosen", "cannot separate", "none")


def test_regions_keep_their_ids_from_table_to_maps(tiny):
    import h5py

    folder = experiment(tiny)
    regions = table(folder / "data" / "regions.tsv")
    assert regions["region_id"].is_unique
    assert set(regions["fold_fold0"]) == {"train", "valid", "test"}
    with h5py.File(folder / "attribute/accessibility/counts/saliency.attributions.h5") as file:
        ids = [name.decode() for name in file["region_id"][:]]
    assert ids == regions.loc[regions["role"] == "peak", "region_id"].tolist()


def test_validation_chose_and_test_came_after(tiny):
    folder = experiment(tiny)
    verdict = (folder / "rank" / "verdict.json").stat().st_mtime_ns
    assert (folder / "report" / "test_metrics.tsv").stat().st_mtime_ns > verdict


def test_what_reads_the_test_split_waits_for_the_verdict(tiny):
    # No job that the verdict needs reads it: the one rule that does is not among them, and needs the verdict itself.
    before = tiny.run("--configfile", "config.yaml", "-n", "--forceall", "results/tiny/rank/verdict.json").stdout
    assert re.search(r"^train\s+6$", before, flags=re.M)
    assert "test_metrics" not in before
    kept = ("--configfile", "config.yaml", "--rerun-triggers", "mtime")
    touched = tiny.run("results/tiny/report/test_metrics.tsv", *kept, "-n", "--forcerun", "rank").stdout
    assert re.search(r"^test_metrics\s+1$", touched, flags=re.M)


def test_the_verdict_is_the_same_whatever_the_test_split_holds(tiny, tmp_path):
    copied = Workflow(shutil.copytree(tiny.folder, tmp_path / "copied"))
    folder = experiment(copied)
    test = (table(folder / "data" / "folds" / "fold0.tsv")["split"] == "test").to_numpy()
    assert test.sum() > 50
    for name in ("sequences.npy", "targets.npy", "signals.npy"):
        path = folder / "data" / name
        times = path.stat()
        array = np.load(path)
        array[test] = 0 if name == "sequences.npy" else np.nan
        np.save(path, array)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    ranked = ("verdict.json", "ranking.tsv", "panel.tsv", "families.tsv", "differences.tsv", "disagreement.tsv")
    kept = ("--configfile", "config.yaml", "--rerun-triggers", "mtime")
    regions = folder / "rank" / "regions" / "fold0.tsv"
    before, times = regions.read_bytes(), regions.stat()
    copied.run("results/tiny/rank/regions/fold0.tsv", *kept, "--forcerun", "rank_regions")
    assert regions.read_bytes() == before
    os.utime(regions, ns=(times.st_atime_ns, times.st_mtime_ns))
    # Made anew from these arrays: maps and probes of a candidate and of a control, and all that the ranking writes.
    made = [f"rank/{name}" for name in ranked]
    for kind in ("cnn_deep-exponential", "label_shuffled"):
        made += [str(path.relative_to(folder)) for path in (folder / "rank").glob(f"*/*{kind}*.np[yz]")]
    assert len(made) == len(ranked) + 2 * 3
    for name in made:
        (folder / name).unlink()
    done = copied.run("results/tiny/rank/verdict.json", *kept)
    assert re.search(r"^validation_maps\s+2$", done.stdout, flags=re.M)
    assert not re.search(r"^train\s+\d+$", done.stdout, flags=re.M)
    for name in made:
        assert (folder / name).read_bytes() == (experiment(tiny) / name).read_bytes(), name
    # The one rule that reads the test split sees what was done to it.
    copied.run("results/tiny/report/test_metrics.tsv", *kept, "--forcerun", "test_metrics")
    metrics, before = (table(experiment(run) / "report" / "test_metrics.tsv") for run in (copied, tiny))
    assert before["pearson"].notna().all()
    assert metrics["pearson"].isna().all()


def test_panel_and_page_show_stability_faithfulness_and_calibration(tiny):
    folder = experiment(tiny)
    panel = table(folder / "rank" / "panel.tsv").set_index("control")
    for name in ("rc_stability", "shift_stability", "mutation_stability", "noise_stability", "retention_stability"):
        assert panel[[name, f"{name}_lo", f"{name}_hi"]].notna().all(axis=None), name
    for name in ("insertion", "deletion", "ism_agreement", "random_last", "random_all", "angle_over_30"):
        assert panel[[name, f"{name}_lo", f"{name}_hi"]].notna().all(axis=None), name
    assert panel.loc["none", "retention_stability"].min() > panel.loc["random_weights", "retention_stability"]
    assert panel[["calibration_error", "spearman", "mse", "valid_loss"]].notna().all(axis=None)
    assert set(table(folder / "rank" / "prediction.tsv")["task"]) == {"accessibility", "all"}
    # Trained networks find more in the regions than in their shuffled copies; one with random weights does not.
    less = panel["sl_con_lo"] > panel["sl_con_shuffled_hi"]
    assert less["none"].any()
    assert not less["random_weights"]
    page = (folder / "report" / "report.html").read_text()
    assert "Where the candidates disagree" in page
    assert len(table(folder / "rank" / "disagreement.tsv")) == 6
    for label in (
        "On shuffled sequences",
        "Less the best",
        "reverse complement",
        "insertion",
        "ISM agreement",
        "all layers redrawn",
        "calibration error",
    ):
        assert label in page, label


def test_second_run_does_nothing(tiny):
    done = tiny.run("--configfile", "config.yaml")
    assert "Nothing to be done" in done.stdout


def test_one_more_seed_trains_only_the_new_candidates(tiny):
    config = yaml.safe_load((tiny.folder / "config.yaml").read_text())
    config["grid"]["seeds"] = [0, 1]
    (tiny.folder / "more.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    done = tiny.run("--configfile", "more.yaml", "-n", "--quiet", "rules")
    before = set(table(experiment(tiny) / "train" / "candidates.tsv")["id"])
    after = set(grid_in(tiny.folder, config))
    assert before < after
    count = re.search(r"^train\s+(\d+)$", done.stdout, flags=re.M)
    if count is None:
        done = tiny.run("--configfile", "more.yaml", "-n")
        count = re.search(r"^train\s+(\d+)$", done.stdout, flags=re.M)
    assert int(count[1]) == len(after - before) == 4
    assert not re.search(r"^(make_dataset|simulate|check_inputs)\s+\d+$", done.stdout, flags=re.M)


def grid_in(folder: Path, config: dict) -> dict:
    """Expand the grid as the workflow does: the track sheet's text enters the ids, so its path must resolve."""
    with contextlib.chdir(folder):
        return expand_grid(validate(config))


def test_snakemake_report_is_written(tiny):
    tiny.run("--configfile", "config.yaml", "--report", "report.zip")
    assert (tiny.folder / "report.zip").stat().st_size > 10_000


def test_use_as_a_module(tiny):
    snakefile = tiny.folder / "outer.smk"
    snakefile.write_text(
        "configfile: 'config.yaml'\n"
        f"module lucidna:\n    snakefile: '{ROOT / 'Snakefile'}'\n    config: config\n"
        "use rule * from lucidna as lucidna_*\n"
        "rule outer:\n    default_target: True\n    input: rules.lucidna_all.input\n"
    )
    done = tiny.run("--snakefile", str(snakefile), "-n", "--rerun-triggers", "mtime")
    assert done.returncode == 0
    assert "outer" in done.stdout or "Nothing to be done" in done.stdout


@pytest.mark.parametrize("command", [["--lint"]])
def test_lint_is_clean(command):
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
