"""A grid with a distilled recipe is planned as a whole: members first, then what they say, then the students."""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parent


@pytest.fixture
def config(workflow) -> dict:
    shutil.copy(HERE / "tiny_tracks.tsv", workflow.folder / "tracks.tsv")
    config = yaml.safe_load((HERE / "tiny.yaml").read_text())
    config["grid"]["seeds"] = [0, 1, 2]
    config["grid"]["recipes"]["distilled"] = [
        {"standard": {"jitter": False}},
        {"distillation": {"teacher": "exponential"}},
    ]
    return config


def plan(workflow, config: dict) -> list[tuple[str, str]]:
    """Return the jobs of a dry run, in its order: rule and the text that describes it."""
    (workflow.folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    text = workflow.run("--configfile", "config.yaml", "-n").stdout
    blocks = re.split(r"\n(?=(?:local)?rule \w+:\n)", text)[1:]
    return [(re.match(r"(?:local)?rule (\w+):", block)[1], block) for block in blocks]


def test_students_wait_for_what_the_members_say(workflow, config):
    jobs = plan(workflow, config)
    counts = Counter(rule for rule, _ in jobs)
    assert counts["train"] == 2 * 3 * 3 + 2
    assert counts["distillation_targets"] == 2  # one per architecture
    asked = {
        re.search(r"output: results/tiny/distillation/(\S+)\.npz", block)[1]: {
            re.search(r"train/([^/]+)/", path)[1] for path in re.findall(r"\S+metrics\.json", block)
        }
        for rule, block in jobs
        if rule == "distillation_targets"
    }
    for target, members in asked.items():
        assert len(members) == 3
        assert all(member.startswith(target.split("-exponential-")[0] + "-exponential-") for member in members)
    read = Counter(
        match[1]
        for rule, block in jobs
        if rule == "train" and (match := re.search(r"distillation/([^/\s,]+)\.npz", block))
    )
    assert read == dict.fromkeys(asked, 3)
    # Snakemake lists jobs in the order of their dependencies.
    rules = [rule for rule, _ in jobs]
    distilled = [place for place, (rule, block) in enumerate(jobs) if rule == "train" and "/distillation/" in block]
    assert min(distilled) > rules.index("distillation_targets")


def test_dynamic_students_read_the_members_themselves(workflow, config):
    config["grid"]["architectures"] = {"cnn_shallow": {}}
    config["grid"]["recipes"]["distilled"][1]["distillation"]["dynamic"] = True
    jobs = plan(workflow, config)
    read = [block for rule, block in jobs if rule == "train" and "/distillation/" in block]
    assert len(read) == 3
    for block in read:
        inputs = re.search(r"    input: (.*)", block)[1]
        assert len(re.findall(r"train/cnn_shallow-exponential-\S+/model\.safetensors", inputs)) == 3


def test_too_few_members_end_the_run_with_one_sentence(workflow, config):
    config["grid"]["seeds"] = [0]
    (workflow.folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    done = workflow.run("--configfile", "config.yaml", "-n", check=False)
    assert done.returncode != 0
    errors = [line for line in done.stdout.splitlines() if line.startswith("error")]
    assert len(errors) == 1
    assert "distillation needs at least 2 members" in errors[0]
