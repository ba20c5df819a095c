"""Signals follow their bases: by hand, and for every base of sequences whose codes say where it stood."""

import pytest
import torch

from lucidna.training.recipes.base import StepContext
from lucidna.training.recipes.evoaug import EvoAug
from lucidna.training.recipes.evoaug_operations import Deletion, Insertion, Translocation
from lucidna.training.recipes.moved_signal import log_totals, move_signal
from lucidna.training.recipes.names import COMPONENTS

LENGTH, OUTPUT, OFFSET = 60, 40, 10
MOVES = [{"deletion": {"max": 5}}, {"insertion": {"max": 4}}, {"translocation": {"max": 3}}]


def evoaug(operations, per_sequence):
    return EvoAug(**{**COMPONENTS["evoaug"], "operations": operations, "per_sequence": per_sequence, "hard": True})


def context(margin=0, seed=0):
    return StepContext(
        model=torch.nn.Identity(),
        loss=lambda prediction, batch: torch.zeros(()),
        generator=torch.Generator().manual_seed(seed),
        epoch=0,
        step=0,
        signal_order=torch.tensor([1, 0, 2]),
        control_order=torch.tensor([1, 0]),
        channels=[[0, 1], [2]],
        signal_margin=margin,
    )


def labelled_batch(n, margin=0):
    """Codes 10 + position, signals 100 (channel + 1) + position; random bases have codes below 4."""
    positions = torch.arange(LENGTH)
    window = positions[OFFSET - margin : OFFSET + OUTPUT + margin].float()
    signal = torch.stack([100.0 * channel + window for channel in (1, 2, 3)])
    return {
        "codes": (10 + positions).to(torch.uint8).repeat(n, 1),
        "target": log_totals(signal[None, :, margin : margin + OUTPUT], [[0, 1], [2]]).repeat(n, 1),
        "signal": signal.repeat(n, 1, 1),
        "control": -signal[:2].repeat(n, 1, 1),
    }


def expected(codes, *, margin, strands):
    """Rebuild each signal from the codes alone: the label of the base where it was measured, else zero."""
    base = codes[:, OFFSET : OFFSET + OUTPUT].long() - 10
    measured = (base >= OFFSET - margin) & (base < OFFSET + OUTPUT + margin)
    return torch.stack([torch.where(measured, 100.0 * strand + base, 0.0) for strand in strands], dim=1)


def test_a_deletion_by_hand():
    # Bases 3, 4 and 5 of 12 go; one random base comes in on the left, two on the right.
    source = Deletion(0, 3).source(
        12, length=torch.tensor([3]), start=torch.tensor([3]), bases=torch.zeros(1, 3, dtype=torch.uint8)
    )
    assert source.tolist() == [[12, 0, 1, 2, 6, 7, 8, 9, 10, 11, 12, 12]]
    # Measured on bases 2 to 7 alone; base 1 and base 8 have no signal.
    signal = torch.tensor([[[20.0, 30.0, 40.0, 50.0, 60.0, 70.0]]])
    assert move_signal(signal, source, offset=2).tolist() == [[[0.0, 20.0, 60.0, 70.0, 0.0, 0.0]]]


def test_an_insertion_by_hand():
    # Two bases before base 5: base 0 is cut on the left and base 11 on the right.
    source = Insertion(0, 2).source(
        12, length=torch.tensor([2]), start=torch.tensor([5]), bases=torch.zeros(1, 2, dtype=torch.uint8)
    )
    assert source.tolist() == [[1, 2, 3, 4, 12, 12, 5, 6, 7, 8, 9, 10]]
    signal = torch.tensor([[[20.0, 30.0, 40.0, 50.0, 60.0, 70.0]]])
    assert move_signal(signal, source, offset=2).tolist() == [[[30.0, 40.0, 0.0, 0.0, 50.0, 60.0]]]


@pytest.mark.parametrize(
    ("coin", "moved"), [(0.9, [0.0, 20.0, 30.0, 40.0, 50.0, 60.0]), (0.1, [30.0, 40.0, 50.0, 60.0, 70.0, 0.0])]
)
def test_a_translocation_by_hand(coin, moved):
    source = Translocation(0, 1).source(12, distance=torch.tensor([1]), coin=torch.tensor([coin]))
    signal = torch.tensor([[[20.0, 30.0, 40.0, 50.0, 60.0, 70.0]]])
    assert move_signal(signal, source, offset=2).tolist() == [[moved]]


def test_a_window_as_long_as_the_input_is_rolled_around_its_ends():
    source = Translocation(0, 3).source(6, distance=torch.tensor([2]), coin=torch.tensor([0.9]))
    signal = torch.arange(12.0).reshape(1, 2, 6)
    assert torch.equal(move_signal(signal, source, offset=0), signal.roll(2, dims=2))


@pytest.mark.parametrize("operation", [Deletion(0, 7), Insertion(0, 7), Translocation(0, 7), Deletion(7, 7)])
def test_every_base_is_accounted_for(operation):
    draws = operation.draw(300, 30, generator=torch.Generator().manual_seed(0))
    source = operation.source(30, **draws)
    for row, places in enumerate(source.tolist()):
        kept = [place for place in places if place < 30]
        assert len(set(kept)) == len(kept)
        length = int(draws["length"][row]) if "length" in draws else 0
        # What a deletion leaves out is padded; what an insertion puts in is cut off at the ends, where it may
        # itself be cut.
        if isinstance(operation, Insertion):
            assert 30 - len(kept) <= length
            assert kept == list(range(kept[0], kept[0] + len(kept)))
        else:
            assert 30 - len(kept) == length
    codes = (10 + torch.arange(30)).to(torch.uint8).repeat(300, 1)
    found = operation.apply(codes, **draws)
    assert torch.equal(found[source < 30].long(), 10 + source[source < 30])
    here = torch.arange(30).expand(300, -1)
    moved = (source - here).abs()[source < 30]
    around = torch.minimum(moved, 30 - moved)
    assert around.max() == operation.reach


@pytest.mark.parametrize("margin", [0, 4, 8])
@pytest.mark.parametrize("operations", [[MOVES[0]], [MOVES[1]], [MOVES[2]]])
def test_the_signal_of_every_base_moves_with_it(operations, margin):
    batch = labelled_batch(200, margin)
    out = evoaug(operations, 1).augment_batch(batch, context(margin))
    assert (out["codes"] != batch["codes"]).any(dim=1).sum() > 100
    assert torch.equal(out["signal"], expected(out["codes"], margin=margin, strands=(1, 2, 3)))
    assert torch.equal(out["control"], -expected(out["codes"], margin=margin, strands=(1, 2)))
    assert torch.allclose(out["target"], log_totals(out["signal"], [[0, 1], [2]]))


def test_a_chain_of_moves_with_enough_margin_loses_no_signal():
    part = evoaug(MOVES, 3)
    margin = part.signal_margin()
    assert margin == 3 + 2 + 3
    out = part.augment_batch(labelled_batch(400, margin), context(margin))
    base = out["codes"][:, OFFSET : OFFSET + OUTPUT]
    assert torch.equal(out["signal"], expected(out["codes"], margin=margin, strands=(1, 2, 3)))
    assert torch.equal(out["signal"][:, 0] == 0, base < 4)


def test_a_chain_with_the_other_strand_exchanges_the_channels():
    operations = [MOVES[0], {"reverse_complement": {"probability": 1.0}}, MOVES[1], MOVES[2]]
    part = evoaug(operations, 4)
    margin = part.signal_margin()
    batch = labelled_batch(300, margin)
    batch["codes"] = torch.randint(0, 4, (300, LENGTH), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    out = part.augment_batch(batch, context(margin))
    measured = out["signal"][:, 2] > 0
    assert measured.float().mean() > 0.9
    position = (out["signal"][:, 2] - 300).long().clamp(min=0)
    base = 3 - batch["codes"].gather(1, position)
    assert torch.equal(out["codes"][:, OFFSET : OFFSET + OUTPUT][measured], base[measured])
    # Signals run down the other strand, and what was measured on one strand is now on the other.
    assert torch.equal(out["signal"][:, 0], (200 + position) * measured)
    assert torch.equal(out["signal"][:, 1], (100 + position) * measured)
    assert torch.equal(out["control"][:, 0], -(200 + position) * measured)
    steps = position[:, 1:] - position[:, :-1]
    assert steps[measured[:, 1:] & measured[:, :-1]].mode().values == -1


def test_rows_that_no_operation_moved_keep_signal_and_target():
    batch = labelled_batch(300)
    batch["target"] = torch.full((300, 2), 7.0)
    part = evoaug([{"translocation": {"min": 2, "max": 3}}, {"mutation": {"fraction": 0.1}}], 1)
    out = part.augment_batch(batch, context())
    still = (out["signal"] == batch["signal"]).all(dim=(1, 2))
    assert 100 < still.sum() < 200
    assert torch.equal((out["target"] == 7.0).all(dim=1), still)
    assert torch.equal(batch["codes"], labelled_batch(1)["codes"].expand(300, -1))


def test_labels_without_a_signal_are_kept():
    batch = labelled_batch(50)
    del batch["signal"]
    out = evoaug(MOVES, 3).augment_batch(batch, context())
    assert not torch.equal(out["codes"], batch["codes"])
    assert torch.equal(out["target"], batch["target"])
    assert torch.equal(out["control"], batch["control"])


def test_totals_of_tasks():
    signal = torch.tensor([[[1.0, 2.0], [3.0, 0.0], [0.0, 0.0]]])
    assert torch.allclose(log_totals(signal, [[0, 1], [2]]), torch.tensor([[7.0, 1.0]]).log())
