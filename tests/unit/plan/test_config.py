import copy
from pathlib import Path

import pytest
import yaml

from lucidna.config import heads_of, normal_recipe, ranking_heads, validate
from lucidna.errors import UserError

ROOT = Path(__file__).resolve().parents[3]


def demo() -> dict:
    return yaml.safe_load((ROOT / "config" / "config.yaml").read_text())


def put(config: dict, key: str, value) -> dict:
    config = copy.deepcopy(config)
    *parents, last = key.split(".")
    node = config
    for parent in parents:
        node = node.setdefault(parent, {})
    node[last] = value
    return config


@pytest.mark.parametrize("name", ["config.yaml", "yeast.yaml", "stripe.yaml"])
def test_shipped_configs_are_valid_and_validation_is_idempotent(name):
    config = yaml.safe_load((ROOT / "config" / name).read_text())
    filled = validate(config)
    assert validate(filled) == filled
    assert filled["motifs"]["hits"] == {"lambda": 0.7, "trim": 0.3}


def test_defaults_are_filled_at_every_level_and_the_input_is_not_changed():
    config = demo()
    before = copy.deepcopy(config)
    filled = validate(config)
    assert config == before
    assert filled["regions"]["max_n"] == 0.1
    assert filled["ranking"]["consistency"]["basis"] == "orthonormal"
    assert filled["grid"]["trainer"]["plateau_factor"] == 0.2
    assert filled["attribution"]["methods"]["deepshap"] == {
        "shuffles": 20,
        "max_delta": 0.001,
        "max_regions": 1000,
    }
    assert validate({**config, "window": {"input": 256}})["window"] == {
        "input": 256,
        "output": 256,
        "jitter": 0,
    }
    assert validate({**config, "regions": {**config["regions"], "outliers": None}})["regions"]["outliers"] is None


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("grid.seedz", [1], ["grid.seedz", "did you mean 'seeds'"]),
        ("widnow", {}, ["widnow", "did you mean 'window'"]),
        ("attribution.methods.deepshap.shufles", 3, ["shufles", "shuffles"]),
        ("target", "count", ["target", "'count'", "binary, counts, profile"]),
        ("window.input", "long", ["window.input", "'long'", "integer"]),
        ("window.output", 300, ["window.output", "300", "256"]),
        ("grid.seeds", [], ["grid.seeds", "empty"]),
        ("grid.seeds", [-1], ["grid.seeds.0", "-1"]),
        ("grid.architectures", {}, ["grid.architectures", "empty"]),
        ("grid.architectures", {"cnn_depe": {}}, ["grid.architectures.cnn_depe", "cnn_deep"]),
        ("grid.architectures", {"cnn_deep": {"dropuot": 0.1}}, ["cnn_deep", "dropuot", "dropout"]),
        ("grid.recipes.standard", ["standrad"], ["grid.recipes.standard", "standrad", "standard"]),
        (
            "grid.recipes.evoaug",
            [{"evoaug": {"operations": [{"deletion": {"max": 400}}]}}],
            ["grid.recipes.evoaug", "400"],
        ),
        ("folds", {"a": {"valid": ["chr1"], "test": ["chr1"]}}, ["folds", "chr1"]),
        ("folds", {"auto": 2}, ["folds.auto", "2"]),
        ("motifs.method", "ism", ["motifs.method", "ism", "attribution.methods"]),
        ("attribution.average", {"shift": 128}, ["attribution.average.shift", "128", "256"]),
        ("attribution.shards", 0, ["attribution.shards", "0"]),
        ("attribution.methods.smoothgrad", {"std": 0}, ["attribution.methods.smoothgrad.std", "0"]),
        ("attribution.methods.surrogate", {"mutant": 5}, ["attribution.methods.surrogate", "mutant"]),
        ("ranking.head", "profile", ["ranking.head", "profile", "counts"]),
        ("attribution.heads", ["logit"], ["attribution.heads", "logit"]),
        ("sequences", {"table": "x.tsv"}, ["genome", "sequences", "exactly one"]),
        ("experiment", "a/b", ["experiment", "a/b"]),
        ("variants", {"vcf": ""}, ["variants.vcf", "empty"]),
        ("motifs.database", "", ["motifs.database", "empty"]),
        ("motifs.hits", {"trim": 1.0}, ["motifs.hits.trim", "1.0"]),
        ("attribution.heads", ["counts", "counts"], ["attribution.heads", "counts"]),
        ("genome.aliases", {"chr1": 1}, ["genome.aliases.chr1", "quotes"]),
        ("regions.exclude_chromosomes", [1], ["regions.exclude_chromosomes.0", "quotes"]),
    ],
)
def test_mistakes_are_one_sentence_that_names_the_key(key, value, words):
    config = put(demo(), key, value)
    if key == "motifs.method":
        del config["attribution"]["methods"]["ism"]
    with pytest.raises(UserError) as error:
        validate(config)
    message = str(error.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_a_profile_that_the_other_strand_would_shift_is_refused():
    config = put(demo(), "window", {"input": 256, "output": 201})
    validate(config)  # totals have no place
    config["target"], config["grid"]["architectures"] = "profile", {"bpnet": {}}
    config["grid"]["recipes"] = {"standard": ["standard"]}
    config["ranking"].pop("head", None)
    with pytest.raises(UserError, match="use output 200 or 202"):
        validate(config)
    config["window"]["output"] = 202
    validate(config)


def test_missing_keys_are_named():
    for key in ("experiment", "window", "target", "folds", "grid"):
        config = demo()
        del config[key]
        with pytest.raises(UserError, match=f"lacks '{key}'"):
            validate(config)
    config = demo()
    del config["tracks"]
    with pytest.raises(UserError, match="tracks"):
        validate(config)


def test_profile_needs_a_network_with_a_profile_head():
    with pytest.raises(UserError, match="bpnet"):
        validate({**demo(), "target": "profile"})


def test_heads_follow_the_target():
    filled = validate(demo())
    assert heads_of(filled) == ["counts"]
    assert ranking_heads(filled) == ["counts"]
    profile = put(put(demo(), "target", "profile"), "grid.architectures", {"bpnet": {}})
    profile["grid"]["recipes"] = {"standard": ["standard"]}
    filled = validate(profile)
    assert heads_of(filled) == ["counts", "profile"]
    assert ranking_heads(filled) == ["counts"]
    for head, heads in (("all", ["counts", "profile"]), ("profile", ["profile"])):
        assert ranking_heads(validate(put(profile, "ranking", {"head": head}))) == heads
    with pytest.raises(UserError, match=r"'ranking\.head' is 'logit', but target 'profile' has only: counts, profile"):
        validate(put(profile, "ranking", {"head": "logit"}))


def test_without_recipes_the_grid_has_the_best_one_and_its_baseline():
    config = demo()
    del config["grid"]["recipes"]
    recipes = validate(config)["grid"]["recipes"]
    assert recipes == {"standard": ["standard"], "kmer": ["standard", "exponential", "kmer_filters"]}


def test_recipes_are_written_one_way():
    assert normal_recipe(["standard", {"evoaug": {"max": 2}}, {"exponential": None}]) == [
        ["standard", {}],
        ["evoaug", {"max": 2}],
        ["exponential", {}],
    ]


def test_keys_that_yaml_reads_as_numbers_are_names():
    config = demo()
    config["genome"]["aliases"] = {1: "chr1", "X": "chr2"}
    config["folds"] = {0: config["folds"]["fold0"]}
    filled = validate(config)
    assert filled["genome"]["aliases"] == {"1": "chr1", "X": "chr2"}
    assert list(filled["folds"]) == ["0"]


@pytest.mark.parametrize(
    ("trainer", "message"),
    [
        ({"loss": "bce"}, "loss is 'bce', which the target 'counts'"),
        ({"monitor": "jsd"}, "monitor is 'jsd'"),
        ({"learning_rate": float("nan")}, "learning_rate' is nan"),
        ({"learning_rate": float("inf")}, "learning_rate' is inf"),
        ({"accelerator": "gpuu"}, "accelerator' is 'gpuu': choose one of"),
        ({"precision": "17"}, "precision' is '17': choose one of"),
        ({"count_weight": "autoo"}, "count_weight is 'autoo': give auto"),
        ({"min_epochs": 9, "max_epochs": 3}, "min_epochs is 9, more than max_epochs 3"),
    ],
)
def test_trainer_settings_are_checked_before_anything_runs(trainer, message):
    config = demo()
    config["grid"]["trainer"] = trainer
    with pytest.raises(UserError, match=message):
        validate(config)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trainer": {"precision": "bf16-mixed"}}, r"grid\.trainer\.precision is 'bf16-mixed'.* one seed at a time"),
        ({"trainer": {"devices": 2}}, r"grid\.trainer\.devices is '2'.* one seed at a time"),
        ({"stack_seeds": "yes"}, r"stack_seeds' is 'yes': it must be of type boolean"),
    ],
)
def test_what_cannot_be_stacked_is_refused(change, message):
    config = demo()
    config["grid"] |= {"recipes": {"usual": ["standard"]}, "stack_seeds": True, **change}
    with pytest.raises(UserError, match=message):
        validate(config)
    if isinstance(config["grid"]["stack_seeds"], bool):
        config["grid"]["stack_seeds"] = False
        assert validate(config)["grid"]["stack_seeds"] is False


@pytest.mark.parametrize("given", [5, ["deletion"]])
def test_arguments_of_a_component_must_be_a_mapping(given):
    config = demo()
    config["grid"]["recipes"] = {"evo": [{"evoaug": given}]}
    with pytest.raises(UserError, match=r"component 'evoaug' has .* for arguments"):
        validate(config)
