"""Batches: crops, targets of shifted windows, order, shares of negatives, label shuffling, strands."""

import numpy as np
import pytest
import torch

from lucidna.channels import strand_orders
from lucidna.dataset import Dataset
from lucidna.training.batches import BatchReader, TrainBatches
from lucidna.training.data import CandidateData, shuffled_labels


@pytest.fixture
def dataset(make_dataset):
    return Dataset.open(make_dataset(target="profile", controls=True, n=80), fold="fold0")


def batches(dataset, *, epoch=0, seed=0, batch_size=16, jitter=True, rank=0, world=1, labels=None, **extra):
    rows = dataset.rows_of("train")
    settings = {"optional_rows": rows[:0], "n_optional": 0, **extra}
    return TrainBatches(
        BatchReader(dataset),
        settings.pop("rows", rows),
        labels=labels,
        batch_size=batch_size,
        jitter=jitter,
        seed=seed,
        stage=0,
        epoch=lambda: epoch,
        rank=rank,
        world=world,
        **settings,
    )


def test_an_unshifted_batch_is_the_centre(dataset):
    rows = np.array([3, 0, 7])
    batch = BatchReader(dataset).read(rows)
    np.testing.assert_array_equal(batch["codes"], dataset.sequences[rows, 4:68])
    np.testing.assert_array_equal(batch["signal"], dataset.signals[rows][:, :, 4:44])
    np.testing.assert_array_equal(batch["control"], dataset.controls[rows][:, :, 4:44])
    np.testing.assert_array_equal(batch["target"], dataset.targets[rows])
    assert batch["codes"].dtype == torch.uint8
    assert batch["target"].dtype == torch.float32


def test_each_row_is_shifted_by_its_own_jitter_in_all_arrays(dataset):
    rows, shifts = np.array([3, 0, 7]), np.array([-4, 4, 1])
    batch = BatchReader(dataset).read(rows, shifts=shifts)
    for place, (row, shift) in enumerate(zip(rows, shifts, strict=True)):
        start = 4 + shift
        np.testing.assert_array_equal(batch["codes"][place], dataset.sequences[row, start : start + 64])
        signal = dataset.signals[row][:, start : start + 40]
        np.testing.assert_array_equal(batch["signal"][place], signal)
        np.testing.assert_array_equal(batch["control"][place], dataset.controls[row][:, start : start + 40])
        totals = [signal[:2].sum(), signal[2].sum()]
        np.testing.assert_allclose(batch["target"][place], np.log1p(totals), rtol=1e-6)


def test_a_margin_widens_signals_and_leaves_the_target(dataset):
    reader, rows, shifts = BatchReader(dataset), np.array([3, 0, 7]), np.array([-4, 4, 1])
    plain, wide = reader.read(rows, shifts=shifts), reader.read(rows, shifts=shifts, margin=3)
    for key, array in (("signal", dataset.signals), ("control", dataset.controls)):
        padded = np.pad(array, ((0, 0), (0, 0), (3, 3)))
        for place, (row, shift) in enumerate(zip(rows, shifts, strict=True)):
            start = 4 + shift
            np.testing.assert_array_equal(wide[key][place], padded[row][:, start : start + 46])
        np.testing.assert_array_equal(wide[key][..., 3:-3], plain[key])
    np.testing.assert_array_equal(wide["target"], plain["target"])
    np.testing.assert_array_equal(wide["codes"], plain["codes"])


@pytest.mark.parametrize(("windows", "usable"), [((64, 40), 12), ((65, 40), 12), ((64, 64), 0), ((64, 41), 11)])
def test_the_margin_ends_with_the_input_window(make_dataset, windows, usable):
    reader = BatchReader(
        Dataset.open(make_dataset(target="profile", n=40, input_length=windows[0], output_length=windows[1]))
    )
    assert reader.usable_margin(100) == usable
    assert reader.usable_margin(5) == min(5, usable)


def test_counts_are_summed_anew_from_the_shifted_signal(make_dataset):
    dataset = Dataset.open(make_dataset(target="counts", n=40), fold="fold0")
    reader = BatchReader(dataset)
    rows = np.arange(10)
    still = reader.read(rows, shifts=np.zeros(10, dtype=int))
    np.testing.assert_allclose(still["target"], dataset.targets[rows], rtol=1e-6)
    assert "signal" not in still
    moved = reader.read(rows, shifts=np.full(10, 4))
    assert not np.allclose(moved["target"], dataset.targets[rows])


def test_an_epoch_sees_every_row_once_in_an_order_of_its_own(dataset):
    train = dataset.rows_of("train")
    orders = {}
    for key in [(0, 0), (0, 1), (1, 0)]:
        rows = [batch["row"].numpy() for batch in batches(dataset, seed=key[0], epoch=key[1])]
        np.testing.assert_array_equal(np.sort(np.concatenate(rows)), train)
        orders[key] = [tuple(r) for r in rows]
    assert len({str(order) for order in orders.values()}) == 3
    again = [tuple(batch["row"].numpy()) for batch in batches(dataset)]
    assert again == orders[0, 0]


def test_batches_are_even(dataset):
    sizes = [len(batch["row"]) for batch in batches(dataset, batch_size=39)]
    assert sizes == [20, 20]


def test_processes_share_the_batches(dataset):
    parts = [list(batches(dataset, batch_size=8, rank=rank, world=2)) for rank in range(2)]
    assert len(parts[0]) == len(parts[1]) == len(batches(dataset, batch_size=8, world=2))
    rows = np.concatenate([batch["row"] for part in parts for batch in part])
    np.testing.assert_array_equal(np.sort(rows), dataset.rows_of("train"))


def test_negatives_per_epoch(dataset):
    data = CandidateData(dataset, batch_size=8, seed=0, negatives_per_epoch=0.5)
    peaks, negatives = dataset.rows_of("train", role="peak"), dataset.rows_of("train", role="negative")
    seen = []
    for epoch in range(2):
        stream = batches(
            dataset, epoch=epoch, rows=data.rows, optional_rows=data.optional_rows, n_optional=data.n_optional
        )
        rows = np.concatenate([batch["row"] for batch in stream])
        assert set(peaks) <= set(rows)
        seen.append(set(rows) - set(peaks))
        assert len(seen[-1]) == len(rows) - len(peaks) == round(len(peaks) / 2)
        assert seen[-1] <= set(negatives)
    assert seen[0] != seen[1]


def test_labels_are_permuted_among_training_rows_only(dataset):
    train = dataset.rows_of("train")
    labels = shuffled_labels(train, 80, seed=0)
    others = np.setdiff1d(np.arange(80), train)
    np.testing.assert_array_equal(labels[others], others)
    np.testing.assert_array_equal(np.sort(labels[train]), train)
    assert (labels[train] != train).mean() > 0.8
    assert (labels != shuffled_labels(train, 80, seed=1)).any()
    for batch in batches(dataset, labels=labels, jitter=False):
        rows = batch["row"].numpy()
        np.testing.assert_array_equal(batch["codes"], dataset.sequences[rows, 4:68])
        np.testing.assert_array_equal(batch["target"], dataset.targets[labels[rows]])
        np.testing.assert_array_equal(batch["signal"], dataset.signals[labels[rows]][:, :, 4:44])
        np.testing.assert_array_equal(batch["control"], dataset.controls[rows][:, :, 4:44])


def test_strand_orders(dataset):
    assert strand_orders(dataset) == ([1, 0, 2], [0])
