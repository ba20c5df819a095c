import copy
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from lucidna.config import validate
from lucidna.errors import UserError
from lucidna.grid import canonical, data_digest, expand_grid, ordered, seed_stacks

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def config() -> dict:
    return validate(yaml.safe_load((ROOT / "config" / "config.yaml").read_text()))


def test_the_grid_is_the_product_plus_controls(config):
    candidates = expand_grid(config)
    assert len(candidates) == 2 * 3 * 1 * 2 + 2
    kinds = [candidate["control"] for candidate in candidates.values()]
    assert kinds.count("label_shuffled") == kinds.count("random_weights") == 1
    assert all(re.fullmatch(r"[\w.-]+-[0-9a-f]{8}", name) for name in candidates)
    assert all(name == candidate["id"] for name, candidate in candidates.items())
    families = {candidate["family"] for candidate in candidates.values() if candidate["control"] == "none"}
    assert len(families) == 6


def test_candidates_are_plain_json_with_every_argument_written_out(config):
    candidates = expand_grid(config)
    assert json.loads(json.dumps(candidates)) == candidates
    for candidate in candidates.values():
        assert candidate["arguments"]["first_activation"] == "relu"
        names = [name for name, _ in candidate["components"]]
        assert names[0] == "standard"
        assert candidate["trainer"]["max_epochs"] == config["grid"]["trainer"]["max_epochs"]


def test_seeds_are_stacked_under_the_same_ids(config):
    candidates = expand_grid(config)
    assert seed_stacks(config, candidates) == {}
    config["grid"]["stack_seeds"] = True
    assert expand_grid(config) == candidates
    stacks = seed_stacks(config, candidates)
    assert len(stacks) == 2 * 3
    assert all(re.fullmatch(r"\w+", name) for name in stacks)
    together = [name for names in stacks.values() for name in names]
    assert sorted(together) == sorted(name for name, entry in candidates.items() if entry["control"] == "none")
    for names in stacks.values():
        assert [candidates[name]["seed"] for name in names] == config["grid"]["seeds"]
        assert len({(candidates[name]["family"], candidates[name]["fold"]) for name in names}) == 1
    # A recipe that cannot be stacked is trained seed by seed, beside the others.
    config["grid"]["recipes"]["flat"] = ["standard", "sam"]
    assert seed_stacks(config, expand_grid(config)) == stacks
    config["grid"]["seeds"] = [0]
    assert seed_stacks(config, expand_grid(config)) == {}


def test_adding_a_point_renames_none(config):
    before = set(expand_grid(config))
    for key, value in (
        ("seeds", [0, 1, 2]),
        ("architectures", {**config["grid"]["architectures"], "basset": {}}),
        ("recipes", {**config["grid"]["recipes"], "more": ["standard", "exponential"]}),
    ):
        grown = copy.deepcopy(config)
        grown["grid"][key] = value
        assert before < set(expand_grid(grown))
    grown = copy.deepcopy(config)
    grown["folds"]["fold1"] = {"valid": ["chr1"], "test": ["chr2"]}
    assert before < set(expand_grid(grown))


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["window"].update(jitter=0),
        lambda c: c["regions"]["negatives"].update(ratio=2.0),
        lambda c: c["grid"]["trainer"].update(learning_rate=0.01),
        lambda c: c["folds"]["fold0"].update(valid=["chr2"]),
        lambda c: c["simulate"].update(seed=2),
    ],
)
def test_what_determines_the_weights_renames_all(config, change):
    before = set(expand_grid(config))
    change(config)
    assert not before & set(expand_grid(config))


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["ranking"].update(top=2),
        lambda c: c["report"].update(title="other"),
        lambda c: c["motifs"].update(seqlets=300),
        lambda c: c.update(experiment="other"),
    ],
)
def test_what_does_not_determine_the_weights_renames_none(config, change):
    before = set(expand_grid(config))
    change(config)
    assert set(expand_grid(config)) == before


def test_seed_zero_is_a_seed_and_ids_differ_by_it(config):
    seeds = {candidate["seed"] for candidate in expand_grid(config).values()}
    assert seeds == {0, 1}


def test_track_sheet_enters_by_its_text_not_its_name(config, tmp_path):
    one, two = tmp_path / "a.tsv", tmp_path / "b.tsv"
    one.write_text("name\tbigwig\nx\ty.bw\n")
    two.write_text("name\tbigwig\nx\ty.bw\n")
    digests = {data_digest({**config, "tracks": str(path)}) for path in (one, two)}
    assert len(digests) == 1
    two.write_text("name\tbigwig\nx\tz.bw\n")
    assert data_digest({**config, "tracks": str(two)}) not in digests


def test_the_same_candidate_twice_is_refused(config):
    config["grid"]["controls"] = ["label_shuffled", "label_shuffled"]
    with pytest.raises(UserError, match="twice"):
        expand_grid(config)


def test_canonical_json_ignores_the_order_of_keys():
    assert canonical({"b": 1, "a": [1, 2]}) == canonical({"a": [1, 2], "b": 1}) == '{"a":[1,2],"b":1}'


def test_planning_imports_nothing_heavy():
    code = (
        "import sys; import lucidna.config, lucidna.grid, lucidna.planning, lucidna.codedigest; "
        "print([name for name in ('torch', 'pytorch_lightning', 'numba', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(ROOT / "workflow" / "scripts")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_a_thousand_candidates_expand_fast(config):
    config["grid"]["seeds"] = list(range(170))
    start = time.perf_counter()
    assert len(expand_grid(config)) == 2 * 3 * 170 + 2
    assert time.perf_counter() - start < 5


def test_ordered_settings_read_the_same_whatever_their_order():
    assert str(ordered({"b": {"d": 1, "c": [2, None]}, "a": 0.5})) == "{'a': 0.5, 'b': {'c': [2, None], 'd': 1}}"
