"""First-layer filters that start from words of the training rows."""

import numpy as np
import pytest
import torch

from lucidna.dataset import Dataset
from lucidna.kmers import Word
from lucidna.models import build
from lucidna.sequence import encode, one_hot
from lucidna.training.batches import BatchReader
from lucidna.training.recipes.base import Examples
from lucidna.training.recipes.kmer_filters import KmerFilters, word_filters
from lucidna.training.recipes.names import COMPONENTS
from lucidna.training.run import train_candidate
from tests.unit.training.conftest import MOTIF


def network(seed=0):
    torch.manual_seed(seed)
    return build(
        "cnn_deep",
        input_length=64,
        output_length=40,
        target="binary",
        n_tasks=1,
        channels=[[0]],
        n_controls=0,
        filters=[16, 16],
        kernel_sizes=[11, 5],
        pool_sizes=[1, 4],
        dense=[16],
    )


def initialised(model, data, **arguments):
    dataset = Dataset.open(data, fold="fold0")
    examples = Examples(rows=dataset.rows_of("train"), read=BatchReader(dataset).read)
    KmerFilters(**{**COMPONENTS["kmer_filters"], **arguments}).initialise(model, examples)
    return model


def test_a_word_and_its_reverse_complement_make_two_filters_a_palindrome_one():
    words = [Word(encode("CGGGTAA"), 9.0, 50), Word(encode("CACGTG"), 8.0, 40)]
    filters = word_filters(words, width=9)
    assert filters.shape == (3, 4, 9)
    np.testing.assert_allclose(filters.sum(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(filters[1], filters[0][::-1, ::-1])
    np.testing.assert_allclose(filters[2][:, 1:7], filters[2][::-1, ::-1][:, 2:8])
    for pattern, letters, start in zip(filters, ("CGGGTAA", "TTACCCG", "CACGTG"), (1, 1, 1), strict=True):
        x = one_hot(torch.from_numpy(encode(letters)))[None].numpy()[0]
        assert (pattern[:, start : start + len(letters)] * x).sum() == pytest.approx(len(letters))


def test_the_planted_motif_gets_a_filter_of_the_old_norm(make_dataset):
    data = make_dataset(target="binary", n=600)
    before = _first(network())
    after = _first(initialised(network(), data))
    site = one_hot(torch.from_numpy(MOTIF))[None][0]
    score = (after[:, :, 2:9] * site).sum(dim=(1, 2))
    # The best possible score of a filter of this norm on seven bases is norm * sqrt(7 * 3 / 4).
    norms = before.flatten(1).norm(dim=1)
    assert score.max() > 0.8 * norms[score.argmax()] * (7 * 3 / 4) ** 0.5
    assert (before[:, :, 2:9] * site).sum(dim=(1, 2)).max() < 0.7 * norms.max() * (7 * 3 / 4) ** 0.5
    changed = (after != before).flatten(1).any(dim=1)
    assert changed[0]
    assert not changed[8:].any()
    ratio = after.flatten(1).norm(dim=1) / norms
    assert ((ratio > 0.8) & (ratio < 1.2 + 1e-6)).all()


def test_validation_and_test_rows_do_not_matter(make_dataset):
    data = make_dataset(target="binary", n=600)
    expected = _first(initialised(network(), data))
    rows = Dataset.open(data, fold="fold0").rows_of("train")
    for name in ("sequences", "targets"):
        array = np.load(data / f"{name}.npy")
        hidden = np.setdiff1d(np.arange(len(array)), rows)
        array[hidden] = array[hidden][::-1]
        np.save(data / f"{name}.npy", array)
    torch.testing.assert_close(_first(initialised(network(), data)), expected, rtol=0, atol=0)


@pytest.mark.parametrize("control", ["none", "label_shuffled", "random_weights"])
def test_controls_get_words_of_what_they_see(make_dataset, candidate, tmp_path, control, caplog):
    data = make_dataset(target="binary", n=600)
    settings = candidate(
        components=[["standard", {}], ["kmer_filters", {}]], control=control, trainer={"max_epochs": 1}
    )
    with caplog.at_level("INFO"):
        metrics = train_candidate(settings, data, tmp_path / "out")
    assert metrics["status"] == "ok"
    told = [line.getMessage() for line in caplog.records if "first filters" in line.getMessage()]
    if control == "none":
        # TGACTCA, or what its flanks make of it: the smaller number of both strands.
        assert "GACTCA" in told[0] or "TGAGTC" in told[0]
    elif control == "label_shuffled":
        assert told[0].startswith("0 first filters")
    else:
        assert told == []


def _first(model):
    layer = next(part for part in model.modules() if isinstance(part, torch.nn.Conv1d))
    return layer.weight.detach().clone()
