import numpy as np
import pytest

from lucidna.errors import UserError
from lucidna.simulate import random_ppms, standard_set
from lucidna.simulate.assay import background_of, plant_preference, redraw_background

CORE = random_ppms(3, width=8, information=13.0, seed=0)
PREFERENCE = np.eye(4)[:, [0, 2, 1, 3, 0, 2]]


@pytest.fixture(scope="module")
def drawn():
    codes, labels, truth, _ = standard_set(CORE, {}, n=1000, length=120, seed=0)
    return codes, labels, truth


def test_background_is_what_lies_outside_the_motifs(drawn):
    _, _, truth = drawn
    background = background_of(truth)
    np.testing.assert_allclose(truth.transpose(0, 2, 1)[background], 0.25)
    motif = ~background
    assert set(np.unique(motif.sum(axis=1) % 8)) == {0}
    assert motif.sum(axis=1).min() == 3 * 8


def test_background_follows_the_gc_content_and_motifs_stay(drawn):
    codes, _, truth = drawn
    gc = np.where(np.arange(1000) < 500, 0.3, 0.6)
    fresh = redraw_background(codes, truth, gc=gc, seed=1)
    background = background_of(truth)
    np.testing.assert_array_equal(fresh[~background], codes[~background])
    strong = (fresh == 1) | (fresh == 2)
    for half, expected in ((slice(0, 500), 0.3), (slice(500, 1000), 0.6)):
        assert strong[half][background[half]].mean() == pytest.approx(expected, abs=0.02)
    pairs = background[:, :-1] & background[:, 1:]
    observed = ((fresh[:, :-1] == 1) & (fresh[:, 1:] == 2))[pairs].mean()
    shares = [(fresh == base)[background].mean() for base in (1, 2)]
    assert observed < 0.6 * shares[0] * shares[1], "CpG is rare"
    np.testing.assert_array_equal(fresh, redraw_background(codes, truth, gc=gc, seed=1))


def test_preference_lies_in_the_background_of_its_carriers(drawn):
    codes, labels, truth = drawn
    carrier = labels == 1
    planted_codes, planted = plant_preference(codes, truth, carrier, PREFERENCE, copies=2, seed=2)
    assert not planted[~carrier].any()
    assert not (planted & ~background_of(truth)).any()
    assert set(np.unique(planted[carrier].sum(axis=1))) <= {0, 6, 12}
    assert planted[carrier].sum(axis=1).mean() > 11
    np.testing.assert_array_equal(planted_codes[~planted], codes[~planted])
    first = int(np.flatnonzero(planted[carrier].sum(axis=1) == 12)[0])
    row = planted_codes[carrier][first][planted[carrier][first]]
    np.testing.assert_array_equal(row, [0, 2, 1, 3, 0, 2] * 2)


def test_preference_that_does_not_fit_is_said(drawn):
    codes, labels, truth = drawn
    with pytest.raises(UserError, match="does not fit in 4 bp"):
        plant_preference(codes[:, :4], truth[:, :, :4], labels == 1, PREFERENCE, copies=1, seed=0)
