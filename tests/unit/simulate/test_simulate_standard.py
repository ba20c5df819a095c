import numpy as np
import pytest

from lucidna.errors import UserError
from lucidna.ppm import information, reverse_complement_ppm
from lucidna.simulate import random_ppms, standard_set
from lucidna.simulate.standard import MOTIF_COUNTS

CORE = random_ppms(3, width=8, information=12.0, seed=0)
POOL = {f"pool_{name}": ppm for name, ppm in random_ppms(20, width=10, information=14.0, seed=1).items()}


@pytest.fixture(scope="module")
def drawn():
    return standard_set(CORE, POOL, n=3000, length=160, seed=0)


def count_motifs(truth: np.ndarray, core_only: bool) -> list[tuple[int, int]]:
    """Return (motifs, of which core) of every sequence, by looking every matrix up in the truth."""
    wide = {True: CORE, False: {**CORE, **POOL}}[core_only]
    strands = [(name in CORE, m.astype(np.float32)) for name, p in wide.items() for m in (p, reverse_complement_ppm(p))]
    counts = []
    for row in truth:
        found, core = 0, 0
        for is_core, ppm in strands:
            windows = np.lib.stride_tricks.sliding_window_view(row, ppm.shape[1], axis=1).transpose(1, 0, 2)
            n = int((np.abs(windows - ppm).max(axis=(1, 2)) < 1e-6).sum())
            found, core = found + n, core + n * is_core
        counts.append((found, core))
    return counts


def test_shapes_and_splits(drawn):
    codes, labels, truth, splits = drawn
    assert (codes.shape, codes.dtype) == ((3000, 160), np.uint8)
    assert truth.shape == (3000, 4, 160)
    assert labels.mean() == 0.5
    np.testing.assert_allclose(truth.sum(axis=1), 1, atol=1e-5)
    assert {name: len(rows) for name, rows in splits.items()} == {"train": 2100, "valid": 300, "test": 600}
    assert sorted(np.concatenate(list(splits.values()))) == list(range(3000))
    assert 0.4 < labels[splits["test"]].mean() < 0.6


def test_motifs_follow_their_class_and_numbers(drawn):
    _, labels, truth, _ = drawn
    counts = np.array(count_motifs(truth[:600], core_only=False))
    assert counts[:, 0].min() == 3
    assert counts[:, 0].max() <= 7
    expected = sum(n * p for n, p in MOTIF_COUNTS.items())
    assert counts[:, 0].mean() == pytest.approx(expected, abs=0.2)
    positive = labels[:600] == 1
    assert (counts[positive, 0] == counts[positive, 1]).all()
    share = counts[~positive, 1].sum() / counts[~positive, 0].sum()
    assert share == pytest.approx(3 / 23, abs=0.04)


def test_gaps_fill_the_sequence_evenly(drawn):
    _, _, truth, _ = drawn
    background = information(truth) < 1e-6
    assert background[:, :10].mean() == pytest.approx(background[:, -10:].mean(), abs=0.08)
    assert 0.1 < background[:, 0].mean() < 1


def test_sequences_are_drawn_from_their_truth(drawn):
    codes, _, truth, _ = drawn
    likelihood = np.take_along_axis(truth, codes[:, None, :].astype(np.int64), axis=1)[:, 0]
    np.testing.assert_allclose(likelihood.mean(), (truth**2).sum(axis=1).mean(), atol=0.005)
    background = truth.max(axis=1) == 0.25
    np.testing.assert_allclose(np.bincount(codes[background]) / background.sum(), 0.25, atol=0.01)


def test_seeds(drawn):
    again, other = (standard_set(CORE, POOL, n=3000, length=160, seed=seed)[0] for seed in (0, 1))
    np.testing.assert_array_equal(again, drawn[0])
    assert (other != drawn[0]).mean() > 0.5


def test_what_does_not_fit_is_said():
    with pytest.raises(UserError, match="do not fit in 60 bp"):
        standard_set(CORE, POOL, n=10, length=60, seed=0)
    with pytest.raises(UserError, match="at least one core motif"):
        standard_set({}, POOL, n=10, seed=0)
