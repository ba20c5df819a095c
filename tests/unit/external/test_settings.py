import contextlib
import copy
from pathlib import Path

import pytest
import yaml

from lucidna.codedigest import PACKAGE, code_digest
from lucidna.config import validate
from lucidna.errors import UserError
from lucidna.external.settings import expand_external, external_files, only_maps, source_file
from lucidna.grid import data_digest, expand_grid

ROOT = Path(__file__).resolve().parents[3]
NETWORK = {"kind": "pytorch", "class": "nets.py:Net", "weights": "net.safetensors"}


@pytest.fixture
def config() -> dict:
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    return {**config, "external": {"lab": dict(NETWORK)}}


@pytest.fixture
def alone() -> dict:
    maps = {"kind": "maps", "maps": "a.npz", "onehot": "o.npz"}
    return {"experiment": "x", "external": {"a": dict(maps), "b": {**maps, "maps": "b.npz"}}}


def test_defaults_of_the_kind_are_filled_in_and_validation_is_idempotent(config):
    filled = validate(config)
    assert filled["external"]["lab"] == {
        **NETWORK,
        "family": None,
        "run": None,
        "control": "none",
        "folds": "all",
        "arguments": {},
        "input": {"layout": "NCL", "bases": "ACGT", "length": None},
        "output": {"scale": "log_counts", "scalar": None, "columns": None, "profile": None},
    }
    assert validate(filled) == filled
    assert config["external"]["lab"] == NETWORK
    config["external"]["lab"] = {"kind": "bpnetlite", "weights": "x.torch", "output": {"columns": [0]}}
    assert validate(config)["external"]["lab"]["output"] == {
        "scale": "log_counts",
        "scalar": 1,
        "columns": [0],
        "profile": 0,
    }


def test_trained_candidates_keep_their_ids_and_the_data_their_digest(config):
    with_it = validate(config)
    without = validate({key: value for key, value in config.items() if key != "external"})
    assert expand_grid(with_it) == expand_grid(without)
    assert data_digest(with_it) == data_digest(without)
    assert expand_external(without) == {}


def test_the_code_of_trained_candidates_does_not_include_that_of_external_ones():
    """A change in this folder must train nothing again."""
    before = code_digest("training.run"), code_digest("ranking.maps")
    module = PACKAGE / "external" / "store.py"
    from lucidna import codedigest

    original = codedigest._skeleton
    codedigest.code_digest.cache_clear()
    codedigest._skeleton = lambda path: (b"changed", ()) if path.parent == module.parent else original(path)
    try:
        assert (code_digest("training.run"), code_digest("ranking.maps")) == before
        assert code_digest("external.adopt") != before
    finally:
        codedigest._skeleton = original
        codedigest.code_digest.cache_clear()


def test_candidates_of_every_fold_with_ids_that_follow_their_settings(config):
    config["folds"] = {"one": {"valid": ["chr4"], "test": ["chr5"]}, "two": {"valid": ["chr5"], "test": ["chr4"]}}
    first = expand_external(validate(config))
    assert [candidate["fold"] for candidate in first.values()] == ["one", "two"]
    assert all(name.startswith("external-lab-") and name == entry["id"] for name, entry in first.items())
    config["external"]["lab"]["folds"] = ["two"]
    config["external"]["lab"]["family"] = "theirs"
    second = expand_external(validate(config))
    assert list(second) == list(first)[1:]  # neither folds nor the family is part of what the network is
    assert next(iter(second.values()))["family"] == "external-theirs"
    config["external"]["lab"]["control"] = "bias"  # nor is what it is used for
    biased = expand_external(validate(config))
    assert list(biased) == list(second)
    assert [(entry["control"], entry["family"]) for entry in biased.values()] == [("bias", "external-theirs-bias")]
    config["external"]["lab"]["arguments"] = {"width": 3}
    assert not set(expand_external(validate(config))) & set(first)


def put(entry, **given):
    return {**entry, **given}


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (put(NETWORK, weigths="x"), ["external.lab.weigths", "did you mean 'weights'"]),
        (put(NETWORK, input={"layuot": "NLC"}), ["external.lab.input.layuot", "did you mean 'layout'"]),
        (put(NETWORK, input={"layout": "LNC"}), ["external.lab.input.layout", "'LNC'", "NCL, NLC"]),
        (put(NETWORK, input={"bases": "ACGG"}), ["external.lab.input.bases", "ACGG"]),
        (put(NETWORK, input={"length": 999}), ["external.lab.input.length", "999", "256"]),
        (put(NETWORK, output={"scale": "logit"}), ["external.lab.output.scale", "'counts'", "log_counts, counts"]),
        (put(NETWORK, kind="keras"), ["external.lab.kind", "'keras'", "bpnetlite"]),
        (put(NETWORK, kind="export"), ["external.lab.class", "does not go with kind 'export'"]),
        ({"kind": "export"}, ["external.lab", "lacks 'program'", "'export'"]),
        ({"weights": "x"}, ["external.lab", "lacks 'kind'"]),
        (put(NETWORK, folds=["fold9"]), ["external.lab.folds", "'fold9'", "did you mean"]),
        (put(NETWORK, control="random_weights"), ["external.lab.control", "'random_weights'", "none or bias"]),
        (put(NETWORK, control="biased"), ["external.lab.control", "'biased'", "bias"]),
        ({**NETWORK, "class": "nets.Net"}, ["external.lab.class", "nets.Net", "path/to/file.py:Class"]),
        ({"kind": "maps", "maps": "x"}, ["external.lab.kind", "config of their own", "rank_external"]),
    ],
)
def test_mistakes_are_one_sentence_that_names_the_key(config, entry, words):
    config["external"] = {"lab": entry}
    with pytest.raises(UserError) as caught:
        validate(config)
    assert all(word in str(caught.value) for word in words), caught.value


def test_a_profile_network_must_say_where_its_profile_is(config):
    config = copy.deepcopy(config)
    config["target"] = "profile"
    config["grid"]["architectures"] = {"bpnet": {}}
    config["grid"]["recipes"] = {"standard": ["standard"]}
    with pytest.raises(UserError, match=r"external\.lab\.output\.profile' is missing"):
        validate(config)


def test_maps_alone_need_neither_data_nor_grid(alone):
    assert only_maps(alone)
    filled = validate(alone)
    assert filled["external"]["a"]["contributions"] == "hypothetical"
    assert filled["ranking"]["gate"] == {"margin": 0}
    assert set(filled) == {"experiment", "external", "ranking", "report"}
    assert validate(filled) == filled


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c["external"].pop("b"), ["external", "1 candidate", "at least 2"]),
        (
            lambda c: c["external"]["b"].update(control="bias"),
            ["external", "1 candidate beside its bias controls", "at least 2"],
        ),
        (lambda c: c["external"].update(c={**NETWORK}), ["external.c.kind", "'pytorch'", "genome or sequences"]),
        (lambda c: c.update(motifs={}), ["'motifs'", "experiment, external, ranking, report, scores"]),
        (lambda c: c.update(scores={"table": "x"}), ["scores", "lacks 'metric'"]),
        (lambda c: c.update(target="counts"), ["lacks 'window'"]),
        (lambda c: c["ranking"].update(head="counts"), ["ranking.head"]),
        (lambda c: c["external"]["a"].update(weights="x"), ["external.a.weights", "does not go with kind 'maps'"]),
    ],
)
def test_mistakes_in_a_config_of_maps(alone, change, words):
    alone["ranking"] = {}
    change(alone)
    with pytest.raises(UserError) as caught:
        validate(alone)
    assert all(word in str(caught.value) for word in words), caught.value


def test_scores_do_not_go_with_a_grid(config):
    config["scores"] = {"table": "x", "metric": "auroc"}
    with pytest.raises(UserError, match="'scores' goes with 'external' maps alone"):
        validate(config)


def test_files_are_listed_once_and_missing_ones_named(tmp_path):
    with contextlib.chdir(tmp_path):
        for name in ("nets.py", "net.safetensors"):
            Path(name).touch()
        assert external_files(NETWORK, "external.lab") == ["net.safetensors", "nets.py"]
        assert source_file({"class": "package.module:Net"}) is None
        with pytest.raises(UserError, match=r"external\.a\.maps': there is no file 'a\.npz'"):
            external_files({"kind": "maps", "maps": "a.npz"}, "external.a")
