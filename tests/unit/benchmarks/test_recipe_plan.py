"""Which cells of the recipe benchmark are trained, and that all have the same steps."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from lucidna.errors import UserError
from lucidna.training.recipes import names
from recipebench.plan import cell_settings, make_plan, recipe_of
from recipebench.train import candidate_of, first_stage_epochs

SMALL = Path(__file__).resolve().parents[3] / "benchmarks" / "recipes" / "small.yaml"


@pytest.fixture
def config():
    return yaml.safe_load(SMALL.read_text())


def test_without_selectors_everything_is_planned(config):
    plan = make_plan(config)
    assert plan.difficulties == ["small"]
    assert plan.recipes == list(config["recipes"])


@pytest.fixture
def _distillation(monkeypatch):
    """The component as it appears in the checks, whatever else it asks for."""
    entry = SimpleNamespace(DEFAULTS={"teacher": None}, check=lambda *_: None)
    monkeypatch.setitem(names.ENTRIES, "distillation", entry)
    monkeypatch.setitem(names.COMPONENTS, "distillation", entry.DEFAULTS)


@pytest.mark.usefixtures("_distillation")
def test_a_slice_keeps_the_baseline_and_the_members(config):
    config["recipes"]["taught"] = ["standard", {"distillation": {"teacher": "exponential"}}]
    assert make_plan({**config, "recipe": "evoaug"}).recipes == ["relu", "evoaug"]
    assert make_plan({**config, "recipe": "taught, evoaug"}).recipes == ["relu", "exponential", "evoaug", "taught"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"recipe": "evoag"}, "recipe 'evoag' is not in the config: did you mean 'evoaug'"),
        ({"difficulty": "tiny,small"}, "difficulty 'tiny' is not in the config"),
        ({"baseline": "plain"}, "baseline 'plain' is not one of the recipes"),
        ({"recipes": {"relu": ["standard"], "x": ["standard", "no_such_part"]}}, "recipe x: there is no recipe comp"),
        ({"recipes": {"relu": ["standard"], "x": {"component": []}}}, "recipe 'x' has no key 'component'"),
        ({"recipes": {"relu": {"components": ["standard"], "control": "off"}}}, "control 'off' is none of"),
        ({"recipes": {"relu": ["standard"], "x": [{"distillation": {"teacher": "y"}}]}}, "its teacher 'y' is no"),
        ({"architectures": {"cnn_dep": {}}}, "architecture cnn_dep, recipe relu: there is no architecture"),
    ],
)
def test_nothing_is_skipped_silently(config, change, message):
    with pytest.raises(UserError, match=message):
        make_plan({**config, **change})


@pytest.mark.usefixtures("_distillation")
def test_distillation_needs_two_seeds(config):
    config["recipes"]["taught"] = ["standard", {"distillation": {"teacher": "exponential"}}]
    with pytest.raises(UserError, match="at least two seeds"):
        make_plan({**config, "seeds": [1]})


def test_a_cell_depends_on_its_own_settings_only(config):
    before = cell_settings(config, "small", "cnn_deep", "exponential")
    config["recipes"]["evoaug"] = ["standard"]
    config["recipes"]["more"] = ["standard", "exponential"]
    assert cell_settings(config, "small", "cnn_deep", "exponential") == before
    config["trainer"] = {**config["trainer"], "learning_rate": 0.1}
    assert cell_settings(config, "small", "cnn_deep", "exponential") != before
    config["recipes"]["taught"] = ["standard", {"distillation": {"teacher": "relu"}}]
    assert set(cell_settings(config, "small", "cnn_deep", "taught")["recipes"]) == {"taught", "relu"}


def test_a_difficulty_may_change_the_trainer(config):
    config["difficulties"]["few"] = {**config["difficulties"]["small"], "trainer": {"batch_size": 32}}
    settings = [cell_settings(config, name, "cnn_deep", "relu")["trainer"] for name in ("small", "few")]
    assert settings[1] == {**settings[0], "batch_size": 32} != settings[0]


@pytest.mark.parametrize("later", [0, 1, 3])
def test_stages_share_the_same_epochs(config, later):
    config["recipes"]["evoaug"] = ["standard", {"evoaug": {"finetune_epochs": later}}]
    components = recipe_of(config, "evoaug")["components"]
    assert first_stage_epochs(components, total=5, recipe="evoaug") == 5 - later
    trainer = candidate_of(config, "cnn_deep", "evoaug", 1)["trainer"]
    assert trainer["max_epochs"] == trainer["min_epochs"] == 5 - later
    assert trainer["patience"] == 5
    assert candidate_of(config, "cnn_deep", "relu", 1)["trainer"]["max_epochs"] == 5


def test_a_stage_longer_than_training_is_refused():
    with pytest.raises(UserError, match="cannot share 4 epochs"):
        first_stage_epochs([["evoaug", {"finetune_epochs": 4}]], total=4, recipe="evoaug")
