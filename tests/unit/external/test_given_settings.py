import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lucidna.config import validate
from lucidna.errors import UserError
from lucidna.external.given_settings import given_files, given_maps
from lucidna.external.settings import only_maps

ROOT = Path(__file__).resolve().parents[3]
MAPS = {"maps": "a.attr.npz", "onehot": "a.ohe.npz", "regions": "a.bed"}


@pytest.fixture
def config() -> dict:
    return {"experiment": "x", "maps": {"a": dict(MAPS), "b": {"maps": "b.h5", "regions": "b.bed", "head": "profile"}}}


def test_defaults_are_filled_in_and_validation_is_idempotent(config):
    before = copy.deepcopy(config)
    filled = validate(config)
    assert config == before
    assert filled["maps"]["a"] == {
        **MAPS,
        "key": None,
        "onehot_key": None,
        "contributions": "hypothetical",
        "rows": None,
        "centre": "auto",
        "task": "a",
        "head": "counts",
        "shuffled": None,
    }
    assert (filled["maps"]["b"]["task"], filled["maps"]["b"]["head"]) == ("b", "profile")
    assert set(filled) == {"experiment", "maps", "motifs", "report"}
    assert filled["motifs"]["permuted_draws"] == 8
    assert not {"method", "null_draws", "reproducibility", "effects"} & set(filled["motifs"])
    assert validate(filled) == filled
    config["maps"]["a"]["shuffled"] = {"maps": "n.h5"}
    assert validate(config)["maps"]["a"]["shuffled"] == {
        "maps": "n.h5",
        "key": None,
        "onehot": None,
        "onehot_key": None,
    }


def test_the_example_config_is_valid():
    example = yaml.safe_load((ROOT / "config" / "maps.yaml").read_text())
    filled = validate(example)
    assert given_maps(filled)
    assert not given_maps(yaml.safe_load((ROOT / "config" / "config.yaml").read_text()))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"maps": {"a": {**MAPS, "ohnehot": "x"}}}, "config key 'maps.a.ohnehot' is not known: did you mean 'onehot'"),
        ({"maps": {"a": {"maps": "a.h5"}}}, "config key 'maps.a' lacks 'regions'"),
        ({"maps": {"a": {"maps": "a.npz", "regions": "a.bed"}}}, "config key 'maps.a' lacks 'onehot'"),
        (
            {"maps": {"a": {**MAPS, "shuffled": {"maps": "n.npz"}}}},
            "config key 'maps.a.shuffled' lacks 'onehot': name the file of the one-hot sequences of 'n.npz'",
        ),
        ({"maps": {"a": {**MAPS, "shuffled": {}}}}, "config key 'maps.a.shuffled' lacks 'maps'"),
        ({"maps": {"a": MAPS, "b": {**MAPS, "task": "a"}}}, "'maps.a' and 'maps.b' are both of task 'a'"),
        ({"maps": {"a b": MAPS}}, "config key 'maps' has the name 'a b'"),
        ({"maps": {}}, "config key 'maps' is empty"),
        ({"motifs": {"permuted_draws": 0}}, "config key 'motifs.permuted_draws' is 0"),
        ({"motifs": {"null_draws": 2}}, "config key 'motifs.null_draws' needs a network"),
        ({"attribution": {}}, "config key 'attribution' needs a network"),
        ({"external": {}}, "config key 'external' needs a network"),
        ({"genome": {"fatsa": "g.fa"}}, "config key 'genome.fatsa' is not known: did you mean 'fasta'"),
        ({"target": "counts"}, "lacks 'window'"),
    ],
)
def test_mistakes_are_one_sentence(config, change, words):
    with pytest.raises(UserError) as error:
        validate({**config, **copy.deepcopy(change)})
    assert words in str(error.value)


def test_maps_do_not_go_with_a_grid():
    demo = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    with pytest.raises(UserError, match="config key 'maps' is for maps that exist"):
        validate({**demo, "maps": {"a": MAPS}})
    assert not only_maps({"maps": {}})


def test_files_are_listed_and_must_be_there(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config["maps"]["a"]["shuffled"] = {"maps": "n.h5"}
    entry = validate(config)["maps"]["a"]
    for name in ("a.attr.npz", "a.ohe.npz", "a.bed"):
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=r"config key 'maps.a.shuffled.maps': there is no file 'n.h5'"):
        given_files(entry, "maps.a")
    (tmp_path / "n.h5").touch()
    assert given_files(entry, "maps.a") == {"real": ["a.attr.npz", "a.ohe.npz", "a.bed"], "shuffled": ["n.h5"]}
    (tmp_path / "a.bed").unlink()
    with pytest.raises(UserError, match=r"config key 'maps.a.regions': there is no file 'a.bed'"):
        given_files(entry, "maps.a")


def test_planning_and_writing_import_no_torch():
    code = "import sys, lucidna.external.given, lucidna.external.given_settings; sys.exit('torch' in sys.modules)"
    path = {**os.environ, "PYTHONPATH": str(ROOT / "workflow" / "scripts")}
    subprocess.run([sys.executable, "-c", code], check=True, env=path)
