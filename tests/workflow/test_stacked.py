"""Seeds trained together: one job per architecture, recipe and fold, the same files under the same ids."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parent


@pytest.fixture
def config(workflow) -> dict:
    shutil.copy(HERE / "tiny_tracks.tsv", workflow.folder / "tracks.tsv")
    config = yaml.safe_load((HERE / "tiny.yaml").read_text())
    config["grid"] |= {"seeds": [0, 1, 2], "controls": ["random_weights"]}
    return config


def plan(workflow, config: dict) -> dict[str, list[set[str]]]:
    """Return the outputs of the training jobs of a dry run, by rule."""
    (workflow.folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    text = workflow.run("--configfile", "config.yaml", "-n").stdout
    jobs: dict[str, list[set[str]]] = {}
    for block in re.split(r"\n(?=(?:local)?rule \w+:\n)", text)[1:]:
        rule = re.match(r"(?:local)?rule (\w+):", block)[1]
        if rule.startswith("train"):
            output = re.search(r"    output: (.*)", block)[1]
            jobs.setdefault(rule, []).append(set(output.split(", ")))
    return jobs


def test_one_job_for_the_seeds_of_a_family(workflow, config):
    alone = plan(workflow, config)
    assert set(alone) == {"train"}
    config["grid"]["stack_seeds"] = True
    stacked = plan(workflow, config)
    grid = config["grid"]
    families = {f"train_stacked_{a}__{r}__fold0" for a in grid["architectures"] for r in grid["recipes"]}
    assert set(stacked) == {*families, "train"}
    assert all(len(stacked[rule]) == 1 and len(stacked[rule][0]) == 3 * 5 for rule in families)
    # The control alone is left, and every file is made under the same name.
    assert len(stacked["train"]) == 1
    assert all("random_weights" in path for path in stacked["train"][0])
    made = [output for outputs in stacked.values() for output in outputs]
    assert set().union(*made) == set().union(*alone["train"])


def test_a_stack_is_trained_and_read_like_single_candidates(workflow, config):
    config["grid"] |= {"seeds": [0, 1], "stack_seeds": True, "controls": []}
    config["grid"]["trainer"]["max_epochs"] = 2
    config["grid"]["architectures"] = dict(list(config["grid"]["architectures"].items())[:1])
    config["grid"]["recipes"] = dict(list(config["grid"]["recipes"].items())[:1])
    folders = {Path(path).parent for path in next(iter(plan(workflow, config).values()))[0]}
    targets = [f"{folder}/metrics.json" for folder in sorted(folders)]
    workflow.run(*targets, "--configfile", "config.yaml")
    for folder in folders:
        assert sorted(path.name for path in (workflow.folder / folder).iterdir()) == [
            "history.tsv",
            "metrics.json",
            "model.json",
            "model.safetensors",
            "valid.npz",
        ]
    again = workflow.run(*targets, "--configfile", "config.yaml", "-n").stdout
    assert "Nothing to be done" in again
