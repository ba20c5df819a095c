"""A finished run and another configuration: what is planned, and what is left as it is."""

import contextlib
import copy
import re
import shutil
from collections import Counter

import pytest
import yaml

from lucidna.config import validate
from lucidna.grid import expand_grid

from .conftest import Workflow

MAPS = {"attribute", "contribution_tracks", "npz_maps", "compare_methods", "faithfulness", "member_maps"}
MOTIFS = {"annotate_motifs", "instance_effects", "check_variants", "variants"}
DISCOVERY = {"modisco", "modisco_permuted", "modisco_fewer", "method_patterns", "member_patterns"}
AFTER_RANK = {*MAPS, *DISCOVERY, *MOTIFS, "test_metrics"}


class Plan:
    """A dry run: how often each rule runs, and for which candidates."""

    def __init__(self, tiny, config: dict):
        path = tiny.folder / "changed.yaml"
        path.write_text(yaml.safe_dump(config, sort_keys=False))
        self.text = tiny.run("--configfile", path.name, "-n").stdout
        self.jobs, self.candidates = Counter(), {}
        for block in re.split(r"\n(?=(?:local)?rule \w+:\n)", self.text)[1:]:
            rule = re.match(r"(?:local)?rule (\w+):", block)[1]
            self.jobs[rule] += 1
            candidate = re.search(r"^    wildcards: candidate=([^,\s]+)", block, flags=re.M)
            if candidate:
                self.candidates.setdefault(rule, set()).add(candidate[1])
        assert self.jobs or "Nothing to be done" in self.text, self.text[-3000:]

    @property
    def rules(self) -> set[str]:
        return set(self.jobs) - {"all"}


@pytest.fixture
def config(tiny) -> dict:
    return yaml.safe_load((tiny.folder / "config.yaml").read_text())


def candidates_of(tiny, config: dict) -> dict[str, dict]:
    with contextlib.chdir(tiny.folder):  # the track sheet's text enters the ids
        return expand_grid(validate(copy.deepcopy(config)))


def add_fold(config):
    config["folds"]["fold1"] = {"valid": ["chr3"], "test": ["chr2"]}


def add_architecture(config):
    config["grid"]["architectures"]["wide"] = {"class": "cnn_shallow", "filters": [48, 48]}


def add_recipe(config):
    config["grid"]["recipes"]["decayed"] = [{"standard": {"weight_decay": 0.001}}]


@pytest.mark.parametrize(
    ("add", "number", "more"),
    [
        # A fold has its own controls, its own split and its own validation regions to compare maps on.
        (add_fold, 6, {"check_folds": 1, "split_fold": 1, "rank_regions": 1, "regions_table": 1}),
        (add_architecture, 2, {}),
        (add_recipe, 2, {}),
    ],
    ids=["fold", "architecture", "recipe"],
)
def test_more_of_the_grid_trains_and_maps_only_what_is_new(tiny, config, add, number, more):
    before = set(candidates_of(tiny, config))
    add(config)
    after = set(candidates_of(tiny, config))
    assert before < after
    plan = Plan(tiny, config)
    new = after - before
    # How far maps of two folds agree is probed on the regions of both, with the networks that are there.
    probed = after if "rank_regions" in more else new
    assert plan.candidates == {"train": new, "validation_maps": new, "probe": probed}
    assert plan.jobs["train"] == plan.jobs["validation_maps"] == len(new) == number
    assert plan.rules - set(plan.candidates) == {"candidates_table", "rank", "report", *AFTER_RANK, *more}
    assert {rule: plan.jobs[rule] for rule in more} == more


@pytest.mark.parametrize(
    "change",
    [
        {"top": 1},
        {"bootstraps": 200},
        {"gate": {"margin": 0.05}},
        {"veto": {"quantile": 0.1}},
        {"objective": {"c_cos": 1, "c_snr": 0, "c_auc": 0}},
        {"consistency": {"k": 5}},
        {"shuffled": False},
    ],
    ids=lambda change: next(iter(change)),
)
def test_how_to_rank_reruns_the_ranking_and_what_follows(tiny, config, change):
    config["ranking"].update(change)
    assert Plan(tiny, config).rules == {"rank", "report", *AFTER_RANK}


def test_other_ranking_regions_need_maps_but_no_training(tiny, config):
    config["ranking"]["regions"] = 100
    plan = Plan(tiny, config)
    assert plan.rules == {"rank_regions", "validation_maps", "probe", "rank", "report", *AFTER_RANK}
    assert plan.candidates["validation_maps"] == set(candidates_of(tiny, config))


def test_the_title_reruns_the_report_alone(tiny, config):
    config["report"]["title"] = "Another title"
    plan = Plan(tiny, config)
    assert plan.rules == {"report"}
    assert plan.jobs["report"] == 1


def test_motif_settings_rerun_motifs_and_report(tiny, config):
    config["motifs"]["fdr"] = 0.2
    rules = Plan(tiny, config).rules
    assert rules == {*MOTIFS, "report"}


def test_the_order_of_keys_reruns_nothing_but_the_page_that_shows_them(tiny, config):
    def turned(value):
        return {key: turned(value[key]) for key in reversed(value)} if isinstance(value, dict) else value

    # The first architecture and the first recipe make the controls; the methods' order is that of their columns.
    kept = {key: config["grid"][key] for key in ("architectures", "recipes")}
    methods = config["attribution"]["methods"]
    config = turned(config)
    config["grid"].update(kept)
    config["attribution"]["methods"] = methods
    assert Plan(tiny, config).rules <= {"report"}


def test_other_chromosomes_of_a_fold_split_and_train_it_anew(tiny, config):
    before = set(candidates_of(tiny, config))
    config["folds"]["fold0"] = {"valid": ["chr3"], "test": ["chr2"]}
    plan = Plan(tiny, config)
    assert plan.candidates["train"] == set(candidates_of(tiny, config))
    assert not plan.candidates["train"] & before
    data = {"check_folds", "split_fold", "rank_regions", "regions_table"}
    training = {"train", "validation_maps", "probe", "candidates_table", "rank", "report"}
    assert plan.rules == {*data, *training, *AFTER_RANK}


def test_a_fold_that_cannot_be_ends_the_run_before_any_training(tiny, config, tmp_path):
    copied = Workflow(shutil.copytree(tiny.folder, tmp_path / "copied"))
    config["grid"]["recipes"]["decayed"] = [{"standard": {"weight_decay": 0.001}}]  # fold0 has something to train too
    config["folds"]["fold1"] = {"valid": ["chr3"], "test": ["chrX"]}
    (copied.folder / "bad.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    logs = sorted((copied.folder / "logs" / "tiny" / "train").iterdir())
    done = copied.run("--configfile", "bad.yaml", cores=1, check=False)
    assert done.returncode != 0
    assert [line for line in done.stdout.splitlines() if "folds.fold1" in line and "chrX" in line]
    assert sorted((copied.folder / "logs" / "tiny" / "train").iterdir()) == logs


@pytest.mark.parametrize(
    ("section", "change"),
    [
        ("window", {"input": 170}),
        ("regions", {"negatives": {"ratio": 2.0}}),
        ("regions", {"exclude_chromosomes": ["chr1"]}),
    ],
    ids=["window", "negatives", "excluded"],
)
def test_other_data_make_everything_anew(tiny, config, section, change):
    before = set(candidates_of(tiny, config))
    config[section] = {**config[section], **change}
    plan = Plan(tiny, config)
    data = {"check_inputs", "make_dataset", "check_folds", "split_fold", "regions_table", "rank_regions"}
    training = {"train", "validation_maps", "probe", "candidates_table", "rank", "report"}
    assert plan.rules == {*data, *training, *AFTER_RANK}
    assert plan.candidates["train"] == set(candidates_of(tiny, config))
    assert not plan.candidates["train"] & before


def test_two_changes_at_once_are_both_seen(tiny, config):
    """A job that reruns must not hide that those behind it have other settings."""
    config["folds"]["fold1"] = {"valid": ["chr3"], "test": ["chr2"]}
    config["ranking"]["regions"] = 100
    config["motifs"]["seqlets"] = 900
    plan = Plan(tiny, config)
    assert plan.jobs["rank_regions"] == 2
    assert plan.candidates["validation_maps"] == set(candidates_of(tiny, config))
    assert plan.jobs["modisco"] == 2
