"""Distilled recipes at planning: who learns from whom, what the ids depend on, and what is refused."""

import copy
import json
from pathlib import Path

import pytest
import yaml

from lucidna.config import validate
from lucidna.errors import UserError
from lucidna.grid import distillation_targets, expand_grid

ROOT = Path(__file__).resolve().parents[3]
FORWARD = {"standard": {"jitter": False, "reverse_complement": False}}
STILL = {"standard": {"jitter": False}}


def demo(**recipes) -> dict:
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    config["grid"]["recipes"] = {"standard": ["standard"], "exponential": ["standard", "exponential"], **recipes}
    return config


def taught(teacher="standard", first=STILL, **arguments) -> list:
    return [copy.deepcopy(first), {"distillation": {"teacher": teacher, **arguments}}]


def expand(config: dict) -> dict[str, dict]:
    return expand_grid(validate(config))


def students(candidates: dict[str, dict]) -> dict[str, dict]:
    return {key: value for key, value in candidates.items() if "distillation" in value}


def test_members_are_all_seeds_of_the_teacher_with_the_students_architecture_and_fold():
    config = demo(distilled=taught("exponential"))
    config["folds"]["fold1"] = {"valid": ["chr2"], "test": ["chr1"]}
    candidates = expand(config)
    found = students(candidates)
    assert len(found) == 2 * 2 * len(config["grid"]["seeds"])
    for student in found.values():
        members = [candidates[key] for key in student["distillation"]["members"]]
        assert [member["seed"] for member in members] == config["grid"]["seeds"]
        for member in members:
            assert (member["recipe"], member["control"]) == ("exponential", "none")
            assert all(member[key] == student[key] for key in ("architecture", "fold"))
    assert json.loads(json.dumps(candidates)) == candidates
    assert all("distillation" not in value for value in candidates.values() if value["recipe"] != "distilled")


def test_students_of_one_teacher_share_what_its_members_say():
    candidates = expand(demo(a=taught(), b=taught(weight=0.5), forward=taught(first=FORWARD)))
    asked = distillation_targets(candidates)
    by_recipe = {}
    for student in students(candidates).values():
        by_recipe.setdefault(student["recipe"], set()).add(student["distillation"]["targets"])
    assert by_recipe["a"] == by_recipe["b"]
    assert not by_recipe["a"] & by_recipe["forward"]
    assert set(asked) == by_recipe["a"] | by_recipe["forward"]
    # A network that is to predict the same for both strands learns from both.
    assert {asked[key]["both_strands"] for key in by_recipe["a"]} == {True}
    assert {asked[key]["both_strands"] for key in by_recipe["forward"]} == {False}
    assert distillation_targets(expand(demo())) == {}


def test_an_id_depends_on_the_members_and_only_a_students():
    before = expand(demo(distilled=taught()))
    for change in (
        lambda c: c["grid"]["seeds"].append(9),
        lambda c: c["grid"]["recipes"].update(standard=[{"standard": {"weight_decay": 0.01}}]),
        lambda c: c["grid"]["recipes"].update(distilled=taught("exponential")),
    ):
        config = demo(distilled=taught())
        change(config)
        after = expand(config)
        assert not set(students(before)) & set(after)
        assert any(key in after for key in set(before) - set(students(before)))
    assert set(expand(demo())) == set(before) - set(students(before))
    assert set(expand(demo(other=["standard", "exponential", "kmer_filters"], distilled=taught()))) > set(before)


def test_one_seed_more_renames_no_network_that_is_not_distilled():
    config = demo(distilled=taught())
    before = expand(config)
    config["grid"]["seeds"].append(9)
    assert set(before) - set(students(before)) < set(expand(config))


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ([STILL, "distillation"], ["grid.recipes.distilled", "teacher None", "name the one"]),
        (taught("standrad"), ["grid.recipes.distilled", "'standrad'", "did you mean 'standard'"]),
        (taught("distilled"), ["'distilled' is itself distilled"]),
        (taught("other"), ["'other' is itself distilled"]),
        (taught(first="standard"), ["window.jitter is 16", "jitter: false", "dynamic: true"]),
        ([STILL, "evoaug", {"distillation": {"teacher": "standard"}}], ["evoaug", "to the teacher", "dynamic: true"]),
        (
            ["standard", {"distillation": {"teacher": "standard", "dynamic": True}}, "evoaug"],
            ["before evoaug", "put it last"],
        ),
        (taught(weight=-1), ["weight -1"]),
        (taught(dynamic="yes"), ["dynamic 'yes'", "neither true nor false"]),
        (taught(members=3), ["no argument 'members'", "teacher, weight, dynamic"]),
    ],
)
def test_a_distillation_that_cannot_be_is_one_sentence(recipe, words):
    config = demo(other=taught(), distilled=recipe)
    config["window"]["jitter"] = 16
    with pytest.raises(UserError) as error:
        validate(config)
    assert not [word for word in words if word not in str(error.value)], str(error.value)
    assert "\n" not in str(error.value)


def test_fewer_than_two_members_are_refused():
    config = demo(distilled=taught())
    config["grid"]["seeds"] = [4]
    with pytest.raises(UserError, match=r"at least 2 members, and grid\.seeds gives 'standard' 1 "):
        validate(config)
    del config["grid"]["recipes"]["distilled"]
    validate(config)


def test_profiles_are_refused():
    config = demo(distilled=taught())
    config["target"] = "profile"
    config["grid"]["architectures"] = {"bpnet": {}}
    with pytest.raises(UserError, match="cannot go with the target 'profile'"):
        validate(config)


def test_controls_are_not_made_from_a_distilled_recipe():
    config = demo()
    config["grid"]["recipes"] = {"distilled": taught(), "standard": ["standard"]}
    with pytest.raises(UserError, match="put 'standard' before it"):
        validate(config)
    config["grid"]["controls"] = []
    assert len(students(expand(config))) == 2 * len(config["grid"]["seeds"])


def test_dynamic_members_allow_shifts_and_edits():
    config = demo(distilled=["standard", "evoaug", {"distillation": {"teacher": "standard", "dynamic": True}}])
    config["window"]["jitter"] = 16
    assert all(student["distillation"]["dynamic"] for student in students(expand(config)).values())
