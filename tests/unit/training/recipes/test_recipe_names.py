"""Recipes that do not exist or do not fit are refused with a sentence, before torch is imported."""

import subprocess
import sys

import pytest

from lucidna.errors import UserError
from lucidna.training.names import resolve_trainer
from lucidna.training.recipes import registry
from lucidna.training.recipes.entries.evoaug import PRESETS, resolve_evoaug
from lucidna.training.recipes.names import COMPONENTS, check_recipe


def check(components, target="counts", window=256, class_name="cnn_deep", **trainer):
    check_recipe(components, target=target, window=window, class_name=class_name, **trainer)


def test_planning_imports_no_torch(root):
    code = (
        "import sys; import lucidna.models.names, lucidna.training.names, lucidna.training.recipes.names; "
        "sys.exit('torch' in sys.modules)"
    )
    path = str(root / "workflow" / "scripts")
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": path}, check=False).returncode == 0


def test_registry_and_names_agree():
    assert list(registry()) == list(COMPONENTS)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("target", ["binary", "counts"])
def test_presets_are_sound(preset, target):
    check([["standard", {}], ["exponential", {}], ["evoaug", {"preset": preset}]], target=target)


def test_default_preset_is_chip():
    assert resolve_evoaug({}) == resolve_evoaug({"preset": "chip"})
    assert resolve_evoaug({})["per_sequence"] == 3


def test_own_operations_keep_their_order_and_take_defaults():
    settings = resolve_evoaug({"operations": [{"noise": {"std": 0.1}}, "deletion"]})
    assert settings["operations"] == [
        ("noise", {"mean": 0.0, "std": 0.1}),
        ("deletion", {"min": 0, "max": 20}),
    ]
    assert settings["per_sequence"] == 2
    assert settings["hard"] is False
    assert resolve_evoaug({"operations": ["noise"]})["per_sequence"] == 1


@pytest.mark.parametrize(
    ("components", "message"),
    [
        ([["standrd", {}]], "did you mean 'standard'"),
        ([["standard", {}], ["standard", {}]], "2 times"),
        ([["standard", {"weight_decy": 1}]], "did you mean 'weight_decay'"),
        ([["standard", {"weight_decay": -1}]], "weight_decay -1"),
        ([["standard", {"dropout": 1.0}]], r"dropout 1\.0"),
        ([["standard", {"jitter": "yes"}]], "neither true nor false"),
        ([["exponential", {"first_activation": "exp"}]], "is not 'exponential': leave the component out"),
        ([["evoaug", {"preset": "chp"}]], "did you mean 'chip'"),
        ([["evoaug", {"preset": "chip", "operations": ["noise"]}]], "not both"),
        ([["evoaug", {"operations": []}]], "at least one operation"),
        ([["evoaug", {"operations": ["delettion"]}]], "did you mean 'deletion'"),
        ([["evoaug", {"operations": [{"deletion": {"maxx": 3}}]}]], "did you mean 'max'"),
        ([["evoaug", {"operations": [{"deletion": 3}]}]], "neither a name nor"),
        ([["evoaug", {"operations": [{"insertion": {"max": 300}}]}]], "leaves none of the input of 256 bp"),
        ([["evoaug", {"operations": [{"inversion": {"min": 9, "max": 3}}]}]], "larger than its max"),
        ([["evoaug", {"operations": [{"mutation": {"fraction": 1.5}}]}]], "not a number from 0 to 1"),
        ([["evoaug", {"operations": [{"reverse_complement": {"probability": -1}}]}]], "from 0 to 1"),
        ([["evoaug", {"operations": [{"noise": {"std": -1}}]}]], "not a number from 0"),
        ([["evoaug", {"operations": ["noise", "mutation"], "per_sequence": 3}]], "from 1 to the number"),
        ([["evoaug", {"finetune_epochs": -1}]], "finetune_epochs -1"),
        ([["evoaug", {"finetune_factor": 0}]], "finetune_factor 0"),
        ([["evoaug", {"hard": 1}]], "hard 1"),
        ([["evoaug", {"operations": ["deletion", {"deletion": {"max": 9}}]}]], "deletion is given 2 times"),
        ([["evoaug", {"operations": [{"deletion": {"min": 256, "max": 256}}]}]], "leaves none of the input"),
        ([["adversarial", {"step": 0.2}]], r"step 0\.2 is larger than the radius 0\.05"),
        ([["adversarial", {}], ["input_noise", {}]], "'adversarial' stands before 'input_noise'"),
        ([["adversarial", {}], ["evoaug", {}]], "'adversarial' stands before 'evoaug'"),
        ([["standard", {"dropout": 0.2}], ["dropout_schedule", {"rate": 0.3}]], "give one of the two"),
        ([["standard", {"dropout": 0.0}], ["dropout_schedule", {}]], "has no dropout here"),
    ],
)
def test_refusals(components, message):
    with pytest.raises(UserError, match=message):
        check(components)


def test_what_keeps_the_attack_in_its_box_is_allowed():
    check([["input_noise", {}], ["adversarial", {"step": 0.05}]])
    check([["adversarial", {}], ["evoaug", {"operations": ["deletion", "mutation"]}]])
    check([["adversarial", {"method": "fgsm"}], ["conjoined", {}]])


def test_what_the_trainer_cannot_give_is_refused():
    with pytest.raises(UserError, match="'16-mixed' does not give it"):
        check([["sam", {}]], precision="16-mixed")
    check([["sam", {}]], precision="bf16-mixed")
    with pytest.raises(UserError, match="'fourier_prior' differentiates the gradient"):
        check([["fourier_prior", {}]], compiled=True)
    for hooked in (["manifold_mixup", {}], ["manifold_noise", {}], ["distillation", {"teacher": "t"}]):
        with pytest.raises(UserError, match=f"{hooked[0]!r} looks into the network's layers"):
            check([hooked], compiled=True)
    check([["adversarial", {}]], compiled=True)
    with pytest.raises(UserError, match="bpnet has no dropout here"):
        check([["dropout_schedule", {}]], dropout=False, class_name="bpnet")
    check([["dropout_schedule", {"rate": 0.1}]], dropout=False)
    with pytest.raises(UserError, match="anneal_epochs 9 is more than the 3 epochs"):
        check([["swa", {"anneal_epochs": 9}]], max_epochs=10)


def test_an_inversion_is_refused_for_profiles():
    components = [["evoaug", {"operations": ["inversion", "noise"]}]]
    check(components)
    with pytest.raises(UserError, match="inversion turns bases over where they are"):
        check(components, target="profile")


def test_the_other_operations_are_allowed_for_profiles():
    operations = ["deletion", "insertion", "translocation", "mutation", "noise", "reverse_complement"]
    check([["evoaug", {"operations": operations}]], target="profile")


def test_trainer_words():
    assert resolve_trainer({}, target="profile")["loss"] == "multinomial"
    assert resolve_trainer({}, target="binary")["monitor"] == "auroc"
    with pytest.raises(UserError, match="'bce', which the target 'counts' does not have"):
        resolve_trainer({"loss": "bce"}, target="counts")
