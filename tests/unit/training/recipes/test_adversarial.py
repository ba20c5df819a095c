"""Adversarial training by FGSM and PGD."""

import pytest
import torch

from lucidna.sequence import one_hot
from lucidna.training.recipes import compose
from lucidna.training.recipes.adversarial import attack
from lucidna.training.recipes.base import Stage
from lucidna.training.recipes.input_gradient import known_bases
from lucidna.training.run import train_candidate

from .steps import small_batch, small_loss, small_network, statistics, step_context

ROUNDING = 1e-6


def attacked(model, batch, target, **settings):
    x = one_hot(batch["codes"])
    loss = small_loss(target)
    return x, attack(
        model,
        x,
        lambda prediction: loss(prediction, batch),
        control=None,
        known=known_bases(batch),
        **settings,
    )


def network_of(target):
    return small_network("bpnet" if target == "profile" else "cnn_deep", target=target, n_tasks=1)


@pytest.mark.parametrize("target", ["binary", "counts", "profile"])
@pytest.mark.parametrize(
    "settings", [{"step": 0.01, "steps": 20}, {"step": 0.04, "steps": 7}, {"step": 0.05, "steps": 1}]
)
def test_the_attack_stays_in_its_ball_and_raises_the_loss(target, settings):
    model, batch = network_of(target), small_batch(target=target)
    x, moved = attacked(model, batch, target, radius=0.05, **settings)
    change = (moved - x).abs()
    assert change.max() <= 0.05 + ROUNDING
    assert change.max() > 0.049
    assert not moved.requires_grad
    # No column of N becomes a base, and no column is pulled back to the simplex.
    assert torch.equal(moved.abs().sum(dim=1)[batch["codes"] == 4], torch.zeros(int((batch["codes"] == 4).sum())))
    assert (moved.sum(dim=1)[batch["codes"] < 4] - 1).abs().max() > 0.01
    model.eval()
    loss = small_loss(target)
    with torch.no_grad():
        assert loss(model(moved), batch) > loss(model(x), batch) + 1e-3


def test_more_steps_find_a_worse_point_and_a_random_move_does_not():
    model, batch = network_of("binary"), small_batch()
    loss = small_loss("binary")
    values = []
    for steps in (1, 5, 20):
        x, moved = attacked(model, batch, "binary", radius=0.1, step=0.01, steps=steps)
        model.eval()
        values.append(float(loss(model(moved), batch).detach()))
    signs = torch.randn(x.shape, generator=torch.Generator().manual_seed(0)).sign()
    random = float(loss(model(x + 0.1 * signs * known_bases(batch)), batch).detach())
    assert values == sorted(values)
    assert random < values[1] < values[2]


def test_nothing_of_the_network_changes():
    """Weights, their gradients, statistics and the mode of each layer are as before, and nothing is drawn."""
    model, batch = small_network(), small_batch()
    model(one_hot(batch["codes"])).sum().backward()
    model.train()
    model.blocks[1].norm.eval()
    before, gradients = statistics(model), [p.grad.clone() for p in model.parameters()]
    modes, state = [part.training for part in model.modules()], torch.get_rng_state()
    first = attacked(model, batch, "binary", radius=0.05, step=0.01, steps=5)[1]
    second = attacked(model, batch, "binary", radius=0.05, step=0.01, steps=5)[1]
    assert torch.equal(first, second)
    assert all(torch.equal(value, before[name]) for name, value in statistics(model).items())
    assert all(torch.equal(p.grad, g) for p, g in zip(model.parameters(), gradients, strict=True))
    assert [part.training for part in model.modules()] == modes
    assert torch.equal(state, torch.get_rng_state())


def test_fgsm_moves_every_entry_by_the_radius():
    model, batch = small_network(), small_batch(unknown=False)
    recipe = compose([["adversarial", {"method": "fgsm", "radius": 0.07}]])
    x = one_hot(batch["codes"])
    both, doubled = recipe.augment_onehot(x, batch, step_context(model))
    assert torch.equal(both[:24], x)
    change = (both[24:] - x).abs()
    assert ((change - 0.07).abs() < ROUNDING).float().mean() > 0.9
    assert change.max() <= 0.07 + ROUNDING
    for key, value in batch.items():
        assert torch.equal(doubled[key], torch.cat([value, value]))


def test_defaults_are_the_published_ones():
    pgd, fgsm = (compose([["adversarial", {"method": m}]]).components[0] for m in ("pgd", "fgsm"))
    assert (pgd.radius, pgd.step, pgd.steps) == (0.05, 0.01, 20)
    assert (fgsm.radius, fgsm.step, fgsm.steps) == (0.1, 0.1, 1)


def test_clean_then_mixed_then_attacked_alone():
    recipe = compose([["adversarial", {"steps": 1, "clean_epochs": 10, "mixed_epochs": 25}]])
    stages = recipe.stages(max_epochs=50, min_epochs=1, learning_rate=0.1)
    assert stages == [
        Stage("before_adversarial", 10, 10, 0.1, frozenset({"adversarial"})),
        Stage("train", 40, 1, 0.1),
    ]
    assert recipe.active(stages[0]).components == []
    model, batch = small_network(), small_batch()
    x = one_hot(batch["codes"])
    sizes = [len(recipe.augment_onehot(x, batch, step_context(model, epoch=epoch))[0]) for epoch in (0, 24, 25)]
    assert sizes == [48, 48, 24]
    alone = recipe.augment_onehot(x, batch, step_context(model, epoch=25))[0]
    assert not torch.equal(alone, x)
    # After another component's stage has begun, the count goes on; the clean epochs do not count.
    later = step_context(model, epoch=1)
    later.earlier = [(stages[0], 10), (stages[1], 24)]
    assert len(recipe.augment_onehot(x, batch, later)[0]) == 24
    later.earlier = [(stages[0], 10), (stages[1], 23)]
    assert len(recipe.augment_onehot(x, batch, later)[0]) == 48
    for_ever = compose([["adversarial", {"steps": 1, "mixed_epochs": None}]])
    assert len(for_ever.augment_onehot(x, batch, step_context(model, epoch=999))[0]) == 48


def test_rests_are_nested():
    parts = {"mixup": {"burn_in": 2}, "adversarial": {"clean_epochs": 5}}
    for order in (("mixup", "adversarial"), ("adversarial", "mixup")):
        recipe = compose([[name, parts[name]] for name in order])
        stages = recipe.stages(max_epochs=9, min_epochs=1, learning_rate=0.1)
        assert [stage.max_epochs for stage in stages] == [2, 3, 4]
        assert [set(stage.inactive) for stage in stages] == [{"mixup", "adversarial"}, {"adversarial"}, set()]
        assert len({stage.name for stage in stages}) == 3
    late = compose([["evoaug", {"operations": ["noise"], "finetune_epochs": 2}], ["mixup", {"burn_in": 1}]])
    stages = late.stages(max_epochs=4, min_epochs=1, learning_rate=0.1)
    assert [(stage.name, stage.max_epochs) for stage in stages] == [
        ("before_mixup", 1),
        ("augment", 3),
        ("finetune", 2),
    ]


def test_training_makes_a_network_robust(make_dataset, candidate, tmp_path):
    """At equal epochs, the attack takes less from a network that was trained on attacks."""
    from lucidna.dataset import Dataset
    from lucidna.models.store import load_model
    from lucidna.training.batches import BatchReader

    data = make_dataset(target="binary", n=600)
    attacking = {"steps": 5, "step": 0.04, "radius": 0.15, "clean_epochs": 1, "mixed_epochs": None}
    losses = {}
    for name, components in {"plain": [], "robust": [["adversarial", attacking]]}.items():
        settings = candidate(components=components, trainer={"max_epochs": 10, "learning_rate": 0.005})
        metrics = train_candidate(settings, data, tmp_path / name)
        assert metrics["valid"]["auroc"] > 0.9
        dataset = Dataset.open(data, fold="fold0")
        batch = BatchReader(dataset).read(dataset.rows_of("valid"))
        model = load_model(tmp_path / name).eval()
        _, moved = attacked(model, batch, "binary", radius=0.15, step=0.04, steps=5)
        losses[name] = float(small_loss("binary")(model(moved), batch).detach())
    assert losses["robust"] < 0.8 * losses["plain"]
