"""EvoAug's operations against recorded draws of EvoAug2, and the policy that chooses among them."""

import numpy as np
import pytest
import torch

from lucidna.sequence import one_hot
from lucidna.training.recipes import compose
from lucidna.training.recipes.base import Stage, StepContext
from lucidna.training.recipes.evoaug import EvoAug
from lucidna.training.recipes.evoaug_operations import (
    Deletion,
    Insertion,
    Inversion,
    Mutation,
    Translocation,
)
from lucidna.training.recipes.names import COMPONENTS

ALL = ["deletion", "insertion", "translocation", "inversion", "mutation", "reverse_complement", "noise"]


@pytest.fixture(scope="module")
def recorded(shared_data):
    with np.load(shared_data / "reference" / "evoaug_ops.npz", allow_pickle=False) as file:
        arrays = {key: torch.from_numpy(file[key]) for key in file.files}
    arrays["codes"] = arrays["x"].argmax(dim=1).to(torch.uint8)
    return arrays


def evoaug(**arguments):
    return EvoAug(**{**COMPONENTS["evoaug"], **arguments})


def context(seed=0):
    return StepContext(
        model=torch.nn.Identity(),
        loss=lambda prediction, batch: torch.zeros(()),
        generator=torch.Generator().manual_seed(seed),
        epoch=0,
        step=0,
        signal_order=torch.tensor([1, 0, 2]),
        control_order=torch.tensor([0]),
    )


def random_batch(n=64, length=50, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {
        "codes": torch.randint(0, 4, (n, length), dtype=torch.uint8, generator=generator),
        "target": torch.rand(n, 2, generator=generator),
    }


def recorded_draws(recorded, key, names):
    """The recorded draws in the form of `draw`."""
    taken = {name: recorded[f"{key}__{source}"] for name, source in names.items()}
    if "bases" in taken:
        taken["bases"] = taken["bases"].to(torch.uint8)
    if "order" in taken:
        taken["places"] = taken.pop("order").argsort(dim=1)[:, : taken["bases"].shape[1]]
    if "deletion" in key:
        # EvoAug2 pads with the first of the bases on the left and the last on the right.
        for row, length in enumerate(taken["length"].tolist()):
            left, right = length // 2, length - length // 2
            given = taken["bases"][row].tolist()
            rest = [0] * (len(given) - length)
            taken["bases"][row] = torch.tensor(given[len(given) - right :] + rest + given[:left])
    return taken


@pytest.mark.parametrize(
    ("key", "operation", "draws"),
    [
        (
            "v2_deletion_0_8",
            Deletion(0, 8),
            {"length": "draw0_randint", "start": "draw1_randint", "bases": "multinomial"},
        ),
        (
            "v2_insertion_0_8",
            Insertion(0, 8),
            {"length": "draw0_randint", "start": "draw1_randint", "bases": "multinomial"},
        ),
        ("v2_translocation_0_8", Translocation(0, 8), {"distance": "draw0_randint", "coin": "draw1_rand"}),
        ("v2_inversion_0_8", Inversion(0, 8), {"length": "draw0_randint", "start": "draw1_randint"}),
        ("v2_mutation_0.1", Mutation(0.1), {"order": "draw0_rand", "bases": "multinomial"}),
    ],
)
def test_operations_reproduce_evoaug2(recorded, key, operation, draws):
    taken = recorded_draws(recorded, key, draws)
    found = operation.apply(recorded["codes"], **taken)
    assert not torch.equal(found, recorded["codes"])
    assert torch.equal(one_hot(found), recorded[f"{key}__y"])
    own = operation.draw(6, 40, generator=torch.Generator().manual_seed(0))
    assert own.keys() == taken.keys()
    assert all(value.shape[0] == 6 and value.dtype == taken[name].dtype for name, value in own.items())


def test_whole_inversion_and_certain_reverse_complement(recorded):
    codes = recorded["codes"]
    full = Inversion(40, 40).apply(codes, length=torch.full((6,), 40), start=torch.zeros(6, dtype=torch.long))
    assert torch.equal(one_hot(full), recorded["v2_inv_full"])
    always = evoaug(operations=[{"reverse_complement": {"probability": 1.0}}], hard=True)
    found = always.augment_batch({"codes": codes}, context())["codes"]
    assert torch.equal(one_hot(found), recorded["v2_rc_p1"])


def test_translocation_by_five_is_a_roll_to_either_side(recorded):
    codes, y = recorded["codes"], recorded["v2_trans_5_5"]
    left, right = (
        one_hot(Translocation(5, 5).apply(codes, distance=torch.full((6,), 5), coin=torch.full((6,), coin)))
        for coin in (0.0, 0.9)
    )
    assert all(torch.equal(y[i], left[i]) or torch.equal(y[i], right[i]) for i in range(6))


@pytest.mark.parametrize("operation", [Deletion, Insertion, Translocation, Inversion])
@pytest.mark.parametrize(("low", "high", "length"), [(0, 0, 10), (0, 10, 10), (10, 10, 10), (1, 3, 11)])
def test_lengths_at_their_limits(operation, low, high, length):
    codes = random_batch(n=200, length=length)["codes"]
    parts = operation(low, high)
    draws = parts.draw(200, length, generator=torch.Generator().manual_seed(1))
    found = parts.apply(codes, **draws)
    assert found.shape == codes.shape
    assert found.dtype == torch.uint8
    assert found.max() < 4
    assert torch.equal(found, codes) == (high == 0 or (operation is Translocation and low == high == length))


@pytest.mark.parametrize(
    ("fraction", "length", "count"), [(0.15, 100, 20), (0.05, 41, 3), (0.05, 2114, 141), (0.5, 60, 40), (1.0, 30, 30)]
)
def test_mutation_touches_the_stated_number_of_positions(fraction, length, count):
    codes = torch.full((300, length), 4, dtype=torch.uint8)
    parts = Mutation(fraction)
    found = parts.apply(codes, **parts.draw(300, length, generator=torch.Generator().manual_seed(0)))
    assert ((found != 4).sum(dim=1) == count).all()


def test_mutation_is_uniform_over_positions_and_bases():
    codes = torch.full((20000, 20), 4, dtype=torch.uint8)
    parts = Mutation(0.15)
    found = parts.apply(codes, **parts.draw(20000, 20, generator=torch.Generator().manual_seed(0)))
    by_position = (found != 4).float().mean(dim=0)
    assert torch.allclose(by_position, torch.full((20,), 0.2), atol=0.015)
    assert torch.allclose(torch.bincount(found[found != 4].long()) / 80000, torch.full((4,), 0.25), atol=0.01)
    # Of all pairs of positions, each is as frequent as the others: 4 of 20 without replacement.
    pairs = (found != 4).float().T @ (found != 4).float() / 20000
    off = pairs[~torch.eye(20, dtype=torch.bool)]
    assert torch.allclose(off, torch.full_like(off, 4 / 20 * 3 / 19), atol=0.008)


@pytest.mark.parametrize("length", [41, 50])
def test_the_length_is_kept(length):
    batch = random_batch(length=length)
    part = evoaug(operations=ALL, per_sequence=7, hard=True)
    out = part.augment_batch(batch, context())
    assert out["codes"].shape == batch["codes"].shape
    assert out["codes"].dtype == torch.uint8
    assert torch.equal(out["target"], batch["target"])
    x, _ = part.augment_onehot(one_hot(out["codes"]), out, context())
    assert x.shape == (64, 4, length)


def test_noise_reaches_exactly_the_rows_that_drew_it():
    part = evoaug(operations=[{"noise": {"std": 0.2}}, {"mutation": {"fraction": 0.0}}], per_sequence=1, hard=True)
    out = part.augment_batch(random_batch(n=400), context())
    x = one_hot(out["codes"])
    noisy, _ = part.augment_onehot(x, out, context(1))
    touched = (noisy != x).any(dim=(1, 2))
    assert 150 < touched.sum() < 250
    assert (noisy - x)[touched].std().item() == pytest.approx(0.2, rel=0.05)


@pytest.mark.parametrize("hard", [True, False])
def test_subset_sizes(hard):
    part = evoaug(operations=ALL, per_sequence=3, hard=hard)
    chosen = part._choose(3000, torch.Generator().manual_seed(0))
    sizes = torch.bincount(chosen.sum(dim=1), minlength=4) / 3000
    expected = [0, 0, 0, 1] if hard else [0, 1 / 3, 1 / 3, 1 / 3]
    assert torch.allclose(sizes, torch.tensor(expected, dtype=sizes.dtype), atol=0.05)
    share = chosen.float().mean(dim=0)
    assert torch.allclose(share, share.mean().expand(7), atol=0.05)


def test_the_same_generator_gives_the_same_batch():
    part = evoaug()
    first, again, other = (part.augment_batch(random_batch(), context(seed))["codes"] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_stages():
    recipe = compose([["standard", {}], ["evoaug", {"finetune_epochs": 3}]])
    augment, finetune = recipe.stages(max_epochs=20, min_epochs=2, learning_rate=1e-3)
    assert (augment.name, augment.max_epochs, augment.min_epochs) == ("augment", 20, 2)
    assert (finetune.name, finetune.max_epochs, finetune.min_epochs) == ("finetune", 3, 3)
    assert finetune.learning_rate == pytest.approx(1e-4)
    assert [part.name for part in recipe.active(augment).components] == ["standard", "evoaug"]
    assert [part.name for part in recipe.active(finetune).components] == ["standard"]
    single = compose([["evoaug", {"finetune_epochs": 0}]]).stages(max_epochs=9, min_epochs=1, learning_rate=1)
    assert single == [Stage("train", 9, 1, 1)]
