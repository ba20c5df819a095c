"""A grid of 1,000 candidates is planned as a whole, and soon enough to be looked at before it runs."""

import re
import shutil
from pathlib import Path

import yaml

HERE = Path(__file__).parent
FOLDS = 5
# A dry run of this grid takes 11 s on an idle machine (benchmarks/results/dry_run.tsv); this is for busy ones.
LIMIT = 180  # seconds


def job_counts(text: str) -> dict[str, int]:
    """Return rule -> number of jobs, as a dry run's first table tells it."""
    stats = re.search(r"^Job stats:\njob +count\n[- ]+\n(.*?)\n\n", text, flags=re.M | re.S)
    assert stats, text[-3000:]
    return {name: int(count) for name, count in (line.split() for line in stats[1].splitlines())}


def test_dry_run_of_a_thousand_candidates(workflow):
    shutil.copy(HERE / "tiny_tracks.tsv", workflow.folder / "tracks.tsv")
    config = yaml.safe_load((HERE / "tiny.yaml").read_text())
    chromosomes = [f"chr{number}" for number in range(1, FOLDS + 2)]
    config["simulate"]["chromosomes"] = dict.fromkeys(chromosomes, 100_000)
    config["folds"] = {
        f"fold{index}": {"valid": [chromosomes[index]], "test": [chromosomes[index + 1]]} for index in range(FOLDS)
    }
    config["grid"].update(
        architectures={"cnn_shallow": {}, "cnn_deep": {}, "wide": {"class": "cnn_deep", "filters": [48, 32, 48, 64]}},
        recipes={
            "standard": ["standard"],
            "exponential": ["standard", "exponential"],
            "evoaug": ["standard", {"evoaug": {"preset": "chip"}}],
            "both": ["standard", "exponential", {"evoaug": {"preset": "chip"}}],
            "forward": [{"standard": {"reverse_complement": False}}],
            "decayed": [{"standard": {"weight_decay": 0.001}}],
        },
        seeds=list(range(11)),
        controls=["label_shuffled", "random_weights"],
    )
    (workflow.folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    done = workflow.run("--configfile", "config.yaml", "-n", "--quiet", "rules", timeout=LIMIT)
    jobs = job_counts(done.stdout)
    assert jobs["train"] == jobs["validation_maps"] == jobs["probe"] == 3 * 6 * FOLDS * 11 + 2 * FOLDS == 1000
    assert jobs["split_fold"] == jobs["rank_regions"] == FOLDS
    for rule in (
        "simulate",
        "check_inputs",
        "make_dataset",
        "candidates_table",
        "rank",
        "test_metrics",
        "report",
        "all",
    ):
        assert jobs[rule] == 1, rule
    # What follows the ranking is of the chosen candidates: it does not grow with the grid.
    assert jobs["attribute"] == len(config["attribution"]["methods"]) + 1
    assert jobs["modisco"] == 2
    assert jobs["total"] == sum(count for rule, count in jobs.items() if rule != "total")
    assert not (workflow.folder / "results").exists()
