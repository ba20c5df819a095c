"""The difficulties of the recipe benchmark as datasets."""

import numpy as np
import pytest

from lucidna.errors import UserError
from lucidna.meme import write_meme
from lucidna.simulate.ppm import random_ppms
from lucidna.training.batches import BatchReader
from recipebench.data import write_set

SPEC = {
    "seed": 7, "n": 800, "length": 100, "train": 400, "valid": 60, "test": 120, "shown": 40,
    "motifs": {"generated": {"core": 2, "pool": 4, "width": 8, "bits": 14.0}},
}  # fmt: skip


def test_a_set_is_a_dataset_of_its_size(tmp_path):
    dataset = write_set(SPEC, tmp_path / "data")
    assert [len(dataset.rows_of(split)) for split in ("train", "valid", "test")] == [400, 60, 120]
    batch = BatchReader(dataset).read(np.arange(10))
    assert batch["codes"].shape == (10, 100)
    assert set(np.unique(dataset.targets)) == {0.0, 1.0}


def test_the_truth_is_that_of_the_shown_test_positives(tmp_path):
    dataset = write_set(SPEC, tmp_path / "data")
    shown, truth = np.load(tmp_path / "data" / "shown.npy"), np.load(tmp_path / "data" / "truth.npy")
    assert truth.shape == (40, 4, 100)
    assert set(shown) <= set(dataset.rows_of("test"))
    assert np.all(dataset.targets[shown] == 1)
    motif = np.abs(truth - 0.25).max(axis=1) > 1e-6
    chance = np.take_along_axis(truth, dataset.codes(shown)[:, None].astype(int), axis=1)[:, 0]
    # The bases of a sequence are likely under its own matrix, not under that of another.
    other = np.take_along_axis(truth, dataset.codes(np.roll(shown, 1))[:, None].astype(int), axis=1)[:, 0]
    assert chance[motif].mean() > 0.6
    assert other[motif].mean() < 0.4


def test_noise_flips_labels_of_training_and_validation_only(tmp_path):
    clean, noisy = write_set(SPEC, tmp_path / "a"), write_set({**SPEC, "noise": 0.25}, tmp_path / "b")
    np.testing.assert_array_equal(clean.sequences, noisy.sequences)
    changed = (clean.targets != noisy.targets)[:, 0]
    assert not changed[clean.rows_of("test")].any()
    assert 0.17 < changed[clean.rows_of("train")].mean() < 0.33


def test_a_background_of_uneven_composition_leaves_the_truth(tmp_path):
    write_set(SPEC, tmp_path / "even")
    dataset = write_set({**SPEC, "gc": [0.3, 0.35]}, tmp_path / "at")
    np.testing.assert_array_equal(*(np.load(tmp_path / name / "truth.npy") for name in ("even", "at")))
    assert np.isin(dataset.codes(np.arange(len(dataset))), (1, 2)).mean() < 0.45


def test_motifs_of_a_file_by_name_and_by_number(tmp_path):
    motifs = random_ppms(6, width=8, information=15.0, seed=0)
    write_meme(tmp_path / "six.meme", list(motifs), list(motifs.values()), sites=[20] * 6)
    given = {"meme": str(tmp_path / "six.meme"), "core": ["random_2"], "pool": 5}
    dataset = write_set({**SPEC, "motifs": {"meme": given}}, tmp_path / "data")
    truth = np.load(tmp_path / "data" / "truth.npy")
    columns = truth.transpose(0, 2, 1)[np.abs(truth - 0.25).max(axis=1) > 1e-6]
    ppm = motifs["random_2"]
    known = np.concatenate([ppm.T, ppm[::-1, ::-1].T])
    assert np.abs(columns[:, None] - known[None]).max(axis=2).min(axis=1).max() < 1e-3
    assert len(dataset) == 580
    for wrong, message in (({**given, "pool": 6}, "5 motifs left"), ({**given, "core": ["no"]}, "0 motifs 'no'")):
        with pytest.raises(UserError, match=message):
            write_set({**SPEC, "motifs": {"meme": wrong}}, tmp_path / "wrong")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train": 600}, "train: 600 is more than the 560 rows"),
        ({"shown": 100}, "shown: 100 is more than the"),
        ({"motifs": {"drawn": {}}}, "neither generated"),
        ({"shwon": 40}, "shwon: give length, motifs"),
    ],
)
def test_sizes_that_cannot_be(tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        write_set({**SPEC, **change}, tmp_path / "data")
